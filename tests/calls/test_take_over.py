"""A call application is started beside the one that has the calls: it takes all of them over.

Each waits in a state of its own as that happens; afterwards its next key must work, and its money
be right once. Then the one that has them is frozen: as after a crash, and its waking harms nobody.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from ari_app.calls.states import State
from primeline.phones import State as PhoneState
from tests.calls import evidence
from tests.calls.aftermath import (
    all_in_order,
    at_us,
    now_us,
    settled_once,
    talked_to_the_limit,
)
from tests.calls.beside import REPLACED, Beside
from tests.calls.parked import PARKING, Park, ParkedCall
from tests.calls.stage import CALLER_TONE, EXPERT_TONE, PIN, Stage, Talk, whole_system

pytestmark = pytest.mark.asyncio(loop_scope="session")

GRANT_SECONDS: Final = 10
CREDIT_SECONDS, CREDIT_CENTS = 14, 28
PATIENT_MS: Final = 60_000
LONG_FREE_SECONDS: Final = 60
LIMITS: Final = replace(
    PARKING,
    identifying_ms=PATIENT_MS,
    pin_digit_ms=PATIENT_MS,
    choosing_ms=PATIENT_MS,
    extension_first_digit_ms=PATIENT_MS,
    quoting_ms=PATIENT_MS,
    quoting_turn_ms=PATIENT_MS,
    ringing_phone_ms=PATIENT_MS,
    offer_wait_ms=PATIENT_MS,
    ringing_and_offering_ms=PATIENT_MS,
    grant_seconds=GRANT_SECONDS,
    extend_at_seconds=3,
    aftercare_ms=8_000,
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def alone(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> AsyncIterator[Stage]:
    directory = tmp_path_factory.mktemp("taken-over")
    async with whole_system(directory, tree, limits=LIMITS, long_prompts=["goodbye"]) as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def beside(alone: Stage) -> AsyncIterator[Beside]:
    beside = Beside(alone)
    try:
        yield beside
    finally:
        await beside.close()


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The calls that a second process took over."""

    stage: Stage
    calls: dict[State, ParkedCall]
    status: int


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def taken(alone: Stage, beside: Beside) -> TakenOver:
    park = Park(alone)
    drivers: dict[State, Callable[[], Awaitable[ParkedCall]]] = {
        State.IDENTIFYING: park.identifying,
        State.CHOOSING: park.choosing,
        State.QUOTING: park.quoting,
        State.RINGING: park.ringing,
        State.OFFERING: park.offering,
        State.TALKING_FREE: partial(park.talking_free, LONG_FREE_SECONDS),
        State.AFTERCARE: park.talking_paid,
    }
    waiting = await asyncio.gather(*(driver() for driver in drivers.values()))
    calls = dict(zip(drivers, waiting, strict=True))
    calls[State.TALKING_PAID] = await park.talking_paid(CREDIT_CENTS)
    over = calls[State.AFTERCARE]
    assert over.call_id is not None
    await over.talk.expert.hang_up()
    await evidence.reached(alone, over.call_id, State.AFTERCARE)
    await beside.start()
    status = await asyncio.wait_for(alone.system.ended("ari_app"), 5)
    await _go_on(alone, calls)
    await calls[State.TALKING_PAID].talk.caller.wait_ended(seconds=CREDIT_SECONDS + 5)
    return TakenOver(alone, calls, status)


async def _go_on(stage: Stage, calls: dict[State, ParkedCall]) -> None:
    """Each call's next key, on which it must go on; then somebody hangs up."""
    await asyncio.gather(
        _keys_his_pin(stage, calls[State.IDENTIFYING]),
        _chooses(stage, calls[State.CHOOSING]),
        _accepts_the_price(calls[State.QUOTING]),
        _answers(stage, calls[State.RINGING]),
        _takes_the_call(stage, calls[State.OFFERING]),
        _hangs_up(calls[State.TALKING_FREE].talk),
        _hears_the_end(stage, calls[State.AFTERCARE]),
    )


async def _keys_his_pin(stage: Stage, call: ParkedCall) -> None:
    await call.calls[0].press(f"{PIN}#")
    await stage.hears(call.calls[0], "enter-extension")
    await call.calls[0].hang_up()


async def _chooses(stage: Stage, call: ParkedCall) -> None:
    await call.calls[0].press(f"{call.expert.extension}#")
    await stage.hears(call.calls[0], "press-1-to-accept")
    await call.calls[0].hang_up()


async def _accepts_the_price(call: ParkedCall) -> None:
    await call.calls[0].press("1")
    await call.expert.phone.wait_incoming()
    await call.calls[0].hang_up()


async def _answers(stage: Stage, call: ParkedCall) -> None:
    await call.talk.expert.answer()
    await stage.hears(call.talk.expert, "press-1-or-3")
    await call.talk.caller.hang_up()


async def _takes_the_call(stage: Stage, call: ParkedCall) -> None:
    call.talk.caller.speak(CALLER_TONE)
    call.talk.expert.speak(EXPERT_TONE)
    await call.talk.expert.press("1")
    await stage.both_talk(call.talk)
    await asyncio.sleep(2)
    await _hangs_up(call.talk)


async def _hangs_up(talk: Talk) -> None:
    await talk.expert.hang_up()
    await talk.caller.wait_ended()


async def _hears_the_end(stage: Stage, call: ParkedCall) -> None:
    await stage.hears(call.talk.caller, "goodbye")
    await call.talk.caller.wait_ended()


async def test_the_one_that_was_replaced_ends_and_says_so(taken: TakenOver) -> None:
    assert taken.status == REPLACED


async def test_a_paid_talk_is_extended_and_cut_at_zero_by_the_one_that_took_it_over(
    taken: TakenOver,
) -> None:
    call = taken.calls[State.TALKING_PAID]
    record = await settled_once(taken.stage, call)
    talked_to_the_limit(taken.stage, call, CREDIT_SECONDS)
    assert record.summary.reason == "credit-used-up"
    granted = [grant.granted_seconds for grant in record.grants]
    assert granted == [GRANT_SECONDS, CREDIT_SECONDS]
    assert "adopted after a restart" not in [entry.what for entry in record.timeline]


@pytest.mark.parametrize(
    "state",
    [
        State.IDENTIFYING,
        State.CHOOSING,
        State.QUOTING,
        State.RINGING,
        State.OFFERING,
        State.TALKING_FREE,
        State.AFTERCARE,
    ],
)
async def test_every_call_that_was_taken_over_is_settled_once(
    taken: TakenOver, state: State
) -> None:
    record = await settled_once(taken.stage, taken.calls[state])
    hung_up = {"caller-hung-up", "expert-hung-up"}
    assert record.summary.reason in hung_up


async def test_after_a_take_over_nothing_is_left_and_the_books_are_right(
    taken: TakenOver,
) -> None:
    await all_in_order(taken.stage)


# The one that has the calls is frozen.


@dataclass(frozen=True, slots=True)
class Frozen:
    """What became of calls whose process was frozen, replaced and woken up."""

    stage: Stage
    calls: dict[State, ParkedCall]
    status: int
    woken_us: int


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def frozen(taken: TakenOver, beside: Beside) -> Frozen:
    """Two talks and an offer; one talk's cut is due while its process sleeps."""
    stage, park = taken.stage, Park(taken.stage)
    calls = dict(
        zip(
            (State.OFFERING, State.TALKING_FREE, State.TALKING_PAID),
            await asyncio.gather(
                park.offering(),
                park.talking_free(LONG_FREE_SECONDS),
                park.talking_paid(CREDIT_CENTS),
            ),
            strict=True,
        )
    )
    asleep = beside.processes[-1]
    os.kill(asleep.pid, signal.SIGSTOP)
    await beside.start()
    offer = calls[State.OFFERING].calls
    await asyncio.gather(*(phone.wait_ended() for phone in offer))
    # Past the moment at which the sleeper would have asked for a longer grant.
    await asyncio.sleep(3)
    woken_us = now_us()
    os.kill(asleep.pid, signal.SIGCONT)
    status = await asyncio.wait_for(asleep.wait(), 5)
    await _hangs_up(calls[State.TALKING_FREE].talk)
    await calls[State.TALKING_PAID].talk.caller.wait_ended(seconds=CREDIT_SECONDS + 5)
    return Frozen(stage, calls, status, woken_us)


async def test_a_frozen_process_that_wakes_up_replaced_ends(frozen: Frozen) -> None:
    assert frozen.status == REPLACED


async def test_the_talks_of_a_frozen_process_go_on_past_its_waking(frozen: Frozen) -> None:
    paid = frozen.calls[State.TALKING_PAID]
    record = await settled_once(frozen.stage, paid)
    talked_to_the_limit(frozen.stage, paid, CREDIT_SECONDS)
    assert record.summary.reason == "credit-used-up"
    assert [one.granted_seconds for one in record.grants] == [GRANT_SECONDS, CREDIT_SECONDS]


async def test_a_free_talk_of_a_frozen_process_outlives_its_waking(frozen: Frozen) -> None:
    free = frozen.calls[State.TALKING_FREE]
    assert at_us(free.talk.expert, PhoneState.ENDED) > frozen.woken_us
    await settled_once(frozen.stage, free)


async def test_an_offer_of_a_frozen_process_is_let_go_free(frozen: Frozen) -> None:
    record = await settled_once(frozen.stage, frozen.calls[State.OFFERING])
    assert record.summary.reason == "service-down"


async def test_after_a_frozen_process_woke_up_the_books_are_right(frozen: Frozen) -> None:
    await all_in_order(frozen.stage)
