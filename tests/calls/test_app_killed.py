"""The application is killed from outside while a call waits in every state of the machine.

Without a restart Asterisk ends each leg by its dead-man's switch; with one, talks go on and all
else is let go. Either way everybody's money is right afterwards, once.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from ari_app.calls.states import State
from primeline.phones import PhoneCall
from primeline.phones import State as PhoneState
from primeline.sound import find
from tests.calls import evidence
from tests.calls.aftermath import (
    all_in_order,
    at_us,
    limit_us,
    now_us,
    settled_once,
    talked_ms,
    talked_to_the_limit,
)
from tests.calls.parked import (
    CREDIT_SECONDS,
    EARLY,
    FREE_SECONDS,
    GRANT_SECONDS,
    LATE,
    PARKED,
    PARKING,
    STATE_MS,
    TALKS,
    Park,
    ParkedCall,
)
from tests.calls.stage import Stage, whole_system

pytestmark = pytest.mark.asyncio(loop_scope="session")

GRACE_MS: Final = PARKING.grace_ms
EXACT_US: Final = 300_000
SETTLING_MS: Final = PARKING.stopping_ms + PARKING.settling_ms + PARKING.database_ms
LASTS_MS: Final = {
    **dict.fromkeys(EARLY, STATE_MS),
    State.SETTLING: SETTLING_MS,
    State.AFTERCARE: PARKING.aftercare_ms,
    State.GOODBYE: PARKING.goodbye_ms,
}
"""How long each state may last; its legs end `GRACE_MS` later if nobody ends them before."""

RECOVERED_US: Final = 4_000_000
"""So long after it is connected a started process has let go of what it must let go of."""

LONG_PROMPT_US: Final = 3_000_000
"""The goodbye, which who has talked hears first."""

COVERED_BY: Final = {State.OFFERING: State.RINGING}
"""The caller's limit of one state is set in another and covers both."""


@dataclass
class Killed:
    """The calls that were there when the process died, and what was heard afterwards."""

    stage: Stage
    calls: dict[State, ParkedCall]
    at_us: int
    started_us: int = 0
    later: PhoneCall | None = None


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def alone(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> AsyncIterator[Stage]:
    async with whole_system(
        tmp_path_factory.mktemp("killed"), tree, limits=PARKING, long_prompts=["goodbye"]
    ) as stage:
        yield stage


async def _kill(stage: Stage) -> Killed:
    park = Park(stage)
    try:
        calls = await park.all()
        at = now_us()
        stage.system.kill("ari_app")
        await stage.system.ended("ari_app")
    finally:
        await park.release()
    return Killed(stage, calls, at)


async def _all_ended(killed: Killed, seconds: int) -> None:
    calls = [one for call in killed.calls.values() for one in call.calls]
    await asyncio.gather(*(one.wait_ended(seconds=seconds) for one in calls))


def says(killed: Killed, call: PhoneCall, phrase: str) -> int | None:
    """When a phrase began that was said after the kill, if it was."""
    heard = call.heard.since(killed.at_us)
    if not len(heard):
        return None
    place = find(heard.samples(), killed.stage.sound(phrase))
    return None if place is None else heard[0].at_us + place * 1_000


# Nobody starts it again.


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def left_alone(alone: Stage) -> Killed:
    killed = await _kill(alone)
    expert, caller = await alone.expert(), await alone.caller()
    killed.later = await alone.dial(caller, await alone.number(expert=expert))
    await _all_ended(killed, FREE_SECONDS + 5)
    await killed.later.wait_ended()
    return killed


@pytest.mark.parametrize("state", [*EARLY, *LATE])
async def test_without_a_restart_the_caller_is_released_by_the_switch(
    left_alone: Killed, state: State
) -> None:
    call = left_alone.calls[state]
    due = limit_us(left_alone.stage, call, COVERED_BY.get(state, state), LASTS_MS[state] + GRACE_MS)
    phone = call.calls[0]
    ended = at_us(phone, PhoneState.ENDED)
    apology = says(left_alone, phone, "apology")
    if state in LATE:
        # Who has talked, or was told already, hears no apology.
        assert apology is None
        assert abs(ended - due) <= EXACT_US, (ended - due) / 1_000
    else:
        assert apology is not None
        assert abs(apology - due) <= EXACT_US, (apology - due) / 1_000
        assert 0 <= ended - apology < 1_000_000
    if state is State.RECEIVED:
        assert PhoneState.UP not in {event.state for event in phone.events}
        assert phone.code == 503


@pytest.mark.parametrize("state", [State.RINGING, State.OFFERING])
async def test_without_a_restart_the_experts_phone_is_released_by_the_switch(
    left_alone: Killed, state: State
) -> None:
    call = left_alone.calls[state]
    due = limit_us(left_alone.stage, call, state, STATE_MS + GRACE_MS)
    ended = at_us(call.calls[1], PhoneState.ENDED)
    assert abs(ended - due) <= EXACT_US, (ended - due) / 1_000
    assert says(left_alone, call.calls[1], "apology") is None


@pytest.mark.parametrize("state", TALKS)
async def test_without_a_restart_a_talk_ends_two_seconds_after_its_limit(
    left_alone: Killed, state: State
) -> None:
    call = left_alone.calls[state]
    limit_ms = GRANT_SECONDS * 1_000 + GRACE_MS
    for heard_ms in talked_ms(call.talk):
        assert abs(heard_ms - limit_ms) <= EXACT_US // 1_000, heard_ms
    farewell = "credit-used-up" if state is State.TALKING_PAID else "free-limit"
    assert says(left_alone, call.calls[0], farewell) is not None
    assert says(left_alone, call.calls[0], "apology") is None


async def test_without_a_restart_a_new_caller_hears_the_apology_and_is_never_answered(
    left_alone: Killed,
) -> None:
    phone = left_alone.later
    assert phone is not None
    apology = says(left_alone, phone, "apology")
    assert apology is not None
    assert apology - at_us(phone, PhoneState.CALLING) < 1_000_000
    assert PhoneState.UP not in {event.state for event in phone.events}
    assert phone.code == 503


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def started_late(left_alone: Killed) -> Killed:
    await left_alone.stage.system.start("ari_app")
    return left_alone


@pytest.mark.parametrize("state", [state for state in PARKED if state is not State.RECEIVED])
async def test_a_start_after_all_have_gone_settles_by_asterisks_record(
    started_late: Killed, state: State
) -> None:
    await settled_once(started_late.stage, started_late.calls[state])


async def test_after_a_late_start_nothing_is_left_and_the_books_are_right(
    started_late: Killed,
) -> None:
    await all_in_order(started_late.stage)


# It is started again after a second.


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def restarted(alone: Stage, started_late: Killed) -> Killed:
    del started_late
    killed = await _kill(alone)
    await asyncio.sleep(1)
    await alone.system.start("ari_app")
    killed.started_us = await evidence.connected(alone, since_us=killed.at_us)
    await _all_ended(killed, CREDIT_SECONDS + 5)
    return killed


@pytest.mark.parametrize("state", EARLY)
async def test_after_a_restart_a_call_before_its_talk_hears_the_apology_and_is_free(
    restarted: Killed, state: State
) -> None:
    call = restarted.calls[state]
    apology = says(restarted, call.calls[0], "apology")
    assert apology is not None
    assert apology - restarted.started_us < RECOVERED_US
    for phone in call.calls:
        assert at_us(phone, PhoneState.ENDED) - restarted.started_us < RECOVERED_US
    if state is not State.RECEIVED:
        record = await settled_once(restarted.stage, call)
        assert record.summary.reason == "service-down"


async def test_after_a_restart_a_paid_talk_goes_on_is_extended_and_cut_at_zero(
    restarted: Killed,
) -> None:
    call = restarted.calls[State.TALKING_PAID]
    record = await settled_once(restarted.stage, call)
    talked_to_the_limit(restarted.stage, call, CREDIT_SECONDS)
    assert record.summary.reason == "credit-used-up"
    granted = [grant.granted_seconds for grant in record.grants]
    assert (granted[0], granted[-1]) == (GRANT_SECONDS, CREDIT_SECONDS)
    assert says(restarted, call.calls[0], "credit-used-up") is not None
    assert says(restarted, call.calls[1], "caller-credit-used-up") is not None


async def test_after_a_restart_a_free_talk_goes_on_to_its_limit(restarted: Killed) -> None:
    call = restarted.calls[State.TALKING_FREE]
    record = await settled_once(restarted.stage, call)
    talked_to_the_limit(restarted.stage, call, FREE_SECONDS, paid=False)
    assert record.summary.reason == "free-limit"


@pytest.mark.parametrize("state", LATE)
async def test_after_a_restart_a_call_whose_talk_was_over_is_settled_and_released(
    restarted: Killed, state: State
) -> None:
    call = restarted.calls[state]
    for phone in call.calls:
        assert at_us(phone, PhoneState.ENDED) - restarted.started_us < RECOVERED_US + LONG_PROMPT_US
    await settled_once(restarted.stage, call)


async def test_after_a_restart_nothing_is_left_and_the_books_are_right(restarted: Killed) -> None:
    await all_in_order(restarted.stage)
