"""Asterisk's own limit on each leg, always: read in every state, and seen to work."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import aiohttp
import pytest
import pytest_asyncio

from ari_app.calls.states import State
from billing.kit.limits import Limits
from primeline.asterisk_conf import ARI_USER
from primeline.phones import PhoneCall
from primeline.phones import State as PhoneState
from tests.calls import evidence
from tests.calls.aftermath import (
    all_in_order,
    at_us,
    limit_us,
    now_us,
    settled_once,
    talked_ms,
)
from tests.calls.parked import (
    EARLY,
    GRANT_SECONDS,
    PARKED,
    PARKING,
    STATE_MS,
    TALKS,
    Park,
    ParkedCall,
)
from tests.calls.stage import CallerOnStage, Stage, whole_system

pytestmark = pytest.mark.asyncio(loop_scope="session")

RECEIVED_MS: Final = Limits().received_ms
STOPPABLE: Final = replace(PARKING, received_ms=RECEIVED_MS)
"""The real limit of a call that nobody takes."""

GRACE_MS: Final = PARKING.grace_ms
EXACT_MS: Final = 300
LASTS_MS: Final = {
    **dict.fromkeys(EARLY, STATE_MS),
    State.RECEIVED: RECEIVED_MS,
    # Set as the talk stops, for both.
    State.SETTLING: PARKING.stopping_ms + PARKING.settling_ms + PARKING.database_ms,
    State.AFTERCARE: PARKING.aftercare_ms,
    State.GOODBYE: PARKING.goodbye_ms,
    **dict.fromkeys(TALKS, GRANT_SECONDS * 1_000),
}
COVERED_BY: Final = {State.OFFERING: State.RINGING}
"""The caller's limit of one state is set in another and covers both."""

JOINING_MS: Final = 1_500
"""A talk's limit is set as its legs join, after the tone, and not as its state begins."""


@dataclass
class Stopped:
    """Calls in every state, the limits read of them, and a process that hung."""

    stage: Stage
    calls: dict[State, ParkedCall]
    fires_us: dict[tuple[State, str], int]
    later: PhoneCall


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stopped(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> AsyncIterator[Stopped]:
    directory = tmp_path_factory.mktemp("stopped")
    async with whole_system(directory, tree, limits=STOPPABLE, long_prompts=["goodbye"]) as stage:
        park = Park(stage)
        try:
            calls = await park.all()
            stage.system.kill("ari_app", signal.SIGSTOP)
            fires_us = await _limits(stage, calls)
        finally:
            await park.release()
        expert, caller = await stage.expert(), await stage.caller()
        later = await stage.dial(caller, await stage.number(expert=expert))
        phones = [phone for call in calls.values() for phone in call.calls]
        await asyncio.gather(*(phone.wait_ended(seconds=28) for phone in (*phones, later)))
        stage.system.kill("ari_app", signal.SIGCONT)
        yield Stopped(stage, calls, fires_us, later)


async def _limits(stage: Stage, calls: dict[State, ParkedCall]) -> dict[tuple[State, str], int]:
    """When each leg's limit will fire (µs, wall clock), as Asterisk says it."""
    found = {}
    login = aiohttp.encode_basic_auth(ARI_USER, stage.system.instance.secrets.ari_password)
    async with aiohttp.ClientSession(headers={"Authorization": login}) as session:
        for channel in await evidence.ari(stage, "channels"):
            state = _state_of(calls, channel)
            url = f"{stage.system.urls['ari']}/ari/channels/{channel['id']}/variable"
            query = {"variable": "TIMEOUT(absolute)"}
            async with session.get(url, params=query) as response:
                left = float((await response.json())["value"])
            leg = "expert" if "-expert-" in str(channel["id"]) else "caller"
            found[state, leg] = now_us() + round(left * 1_000_000)
    return found


def _state_of(calls: dict[State, ParkedCall], channel: dict[str, object]) -> State:
    name = str(channel["id"])
    number = str(channel["caller"]["number"])  # type: ignore[index]
    for state, call in calls.items():
        who = call.caller.number if isinstance(call.caller, CallerOnStage) else call.caller
        if number == who or (call.call_id and name.startswith(str(call.call_id))):
            return state
    raise AssertionError(channel)


def _due_us(stopped: Stopped, state: State) -> int:
    call = stopped.calls[state]
    return limit_us(stopped.stage, call, COVERED_BY.get(state, state), LASTS_MS[state] + GRACE_MS)


@pytest.mark.parametrize("state", PARKED)
async def test_the_callers_leg_has_a_limit_in_every_state(stopped: Stopped, state: State) -> None:
    off_ms = (stopped.fires_us[state, "caller"] - _due_us(stopped, state)) // 1_000
    latest_ms = JOINING_MS if state in TALKS else EXACT_MS
    assert -EXACT_MS <= off_ms <= latest_ms, off_ms


@pytest.mark.parametrize("state", [State.RINGING, State.OFFERING, *TALKS])
async def test_the_experts_leg_has_a_limit_in_every_state(stopped: Stopped, state: State) -> None:
    due = limit_us(stopped.stage, stopped.calls[state], state, LASTS_MS[state] + GRACE_MS)
    off_ms = (stopped.fires_us[state, "expert"] - due) // 1_000
    latest_ms = JOINING_MS if state in TALKS else EXACT_MS
    assert -EXACT_MS <= off_ms <= latest_ms, off_ms


async def test_with_the_application_hung_a_new_caller_hears_the_apology_in_time(
    stopped: Stopped,
) -> None:
    apology = await stopped.stage.hears(stopped.later, "apology", seconds=1, since_us=1)
    waited_ms = (apology - at_us(stopped.later, PhoneState.CALLING)) // 1_000
    assert RECEIVED_MS - 100 <= waited_ms <= RECEIVED_MS + 500, waited_ms
    assert PhoneState.UP not in {event.state for event in stopped.later.events}
    assert stopped.later.code == 503


@pytest.mark.parametrize("state", TALKS)
async def test_with_the_application_hung_a_talk_is_cut_by_the_switch(
    stopped: Stopped, state: State
) -> None:
    for heard_ms in talked_ms(stopped.calls[state].talk):
        assert abs(heard_ms - GRANT_SECONDS * 1_000 - GRACE_MS) <= EXACT_MS, heard_ms


@pytest.mark.parametrize("state", [state for state in PARKED if state is not State.RECEIVED])
async def test_when_it_goes_on_each_call_is_settled_once(stopped: Stopped, state: State) -> None:
    await settled_once(stopped.stage, stopped.calls[state], seconds=15)


async def test_when_it_goes_on_nothing_is_left_and_the_books_are_right(stopped: Stopped) -> None:
    await asyncio.sleep(3)
    await all_in_order(stopped.stage)
