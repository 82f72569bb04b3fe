"""Who hangs up when on a premium-rate number: every cell of its column, by a real phone.

The list is the machine's own (`required_premium_hang_ups`): a new state or leg without a driver
here fails. All calls run at once; each cell's test then looks at what came of its call.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from ari_app.calls.diagram import required_premium_hang_ups
from ari_app.calls.states import Leg, State
from billing.calls.records import CallRecord
from billing.catalogue.values import Availability
from primeline.phones import PhoneCall
from primeline.phones import State as PhoneState
from tests.calls import evidence
from tests.calls.premium import (
    answered_us,
    premium_number,
    statuses,
    to_offering,
    to_ringing,
    to_talk,
)
from tests.calls.stage import ExpertOnStage, Stage
from tests.calls.together import Outcomes, Scenarios

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLER, EXPERT = Leg.CALLER, Leg.EXPERT
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class HungUp:
    """A call that somebody hung up at `at_us` (wall clock); `answered` by us before."""

    caller: str
    expert: ExpertOnStage
    call: PhoneCall
    at_us: int
    reason: str
    answered: bool = False


drivers: Scenarios[HungUp] = Scenarios()
CELLS = [f"{state}: the {leg} hangs up" for state, leg in required_premium_hang_ups()]


def cell(
    state: State, leg: Leg
) -> Callable[[Callable[[Stage], Awaitable[HungUp]]], Callable[[Stage], Awaitable[HungUp]]]:
    return drivers(f"{state}: the {leg} hangs up")


async def hang_up(call: PhoneCall) -> int:
    at_us = time.time_ns() // 1_000
    await call.hang_up()
    assert call.state is PhoneState.ENDED
    return at_us


@cell(State.HOLDING, CALLER)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), stage.stranger()
    number = await premium_number(stage, expert)
    async with evidence.locked(stage, "expert", expert.expert_id):
        call = await stage.dial(caller, number)
        await evidence.channel_from(stage, caller)
        call_id = (await _recorded(stage, caller)).summary.call_id
        await evidence.reached(stage, call_id, State.HOLDING)
        at_us = await hang_up(call)
        await evidence.reached(stage, call_id, State.SETTLING)
    await asyncio.sleep(0.5)
    assert expert.phone.calls == []
    return HungUp(caller, expert, call, at_us, "caller-hung-up")


async def _recorded(stage: Stage, caller: str) -> CallRecord:
    end = time.monotonic() + 4
    while not (records := await stage.records(caller)):
        assert time.monotonic() < end, "never written"
        await asyncio.sleep(0.05)
    return records[0]


@cell(State.CHOOSING, CALLER)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), stage.stranger()
    call = await stage.dial(caller, await premium_number(stage))
    await stage.hears(call, "enter-extension")
    await call.press(expert.extension[:2])
    return HungUp(caller, expert, call, await hang_up(call), "caller-hung-up", answered=True)


@cell(State.RINGING, CALLER)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await to_ringing(stage, caller, expert)
    at_us = await hang_up(talk.caller)
    await talk.expert.wait_ended()
    assert (talk.expert.ended_by, talk.expert.code) == ("them", 487)
    return HungUp(caller, expert, talk.caller, at_us, "caller-hung-up")


@cell(State.RINGING, EXPERT)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await to_ringing(stage, caller, expert)
    at_us = await hang_up(talk.expert)
    await talk.caller.wait_ended()
    assert talk.caller.code == 480
    return HungUp(caller, expert, talk.caller, at_us, "expert-no-answer")


@cell(State.OFFERING, CALLER)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await to_offering(stage, caller, expert)
    at_us = await hang_up(talk.caller)
    await talk.expert.wait_ended(seconds=2)
    return HungUp(caller, expert, talk.caller, at_us, "caller-hung-up")


@cell(State.OFFERING, EXPERT)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await to_offering(stage, caller, expert)
    at_us = await hang_up(talk.expert)
    await talk.caller.wait_ended()
    assert talk.caller.code == 486
    return HungUp(caller, expert, talk.caller, at_us, "expert-refused")


async def _announcing(stage: Stage, leg: Leg) -> HungUp:
    """The caller's price is being said; the call's row is held, so that no talk can follow it."""
    expert, caller = await stage.expert(), stage.stranger()
    talk = await to_offering(stage, caller, expert, announced_by="us")
    call_id = (await stage.record(caller)).summary.call_id
    async with evidence.locked(stage, "call", call_id):
        await talk.expert.press("1")
        await evidence.reached(stage, call_id, State.ANNOUNCING)
        await stage.hears(talk.expert, "caller-hears-price")
        at_us = await hang_up(talk.caller if leg is CALLER else talk.expert)
        await asyncio.sleep(0.2)
    await talk.caller.wait_ended()
    await talk.expert.wait_ended()
    if leg is EXPERT:
        assert talk.caller.code == 480
    return HungUp(caller, expert, talk.caller, at_us, f"{leg}-hung-up")


@cell(State.ANNOUNCING, CALLER)
async def _(stage: Stage) -> HungUp:
    return await _announcing(stage, CALLER)


@cell(State.ANNOUNCING, EXPERT)
async def _(stage: Stage) -> HungUp:
    return await _announcing(stage, EXPERT)


async def _talking(stage: Stage, leg: Leg) -> HungUp:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await to_talk(stage, caller, expert)
    await asyncio.sleep(0.5)
    first, other = (talk.caller, talk.expert) if leg is CALLER else (talk.expert, talk.caller)
    at_us = await hang_up(first)
    await other.wait_ended(seconds=1)
    assert other.ended_by == "them"
    return HungUp(caller, expert, talk.caller, at_us, f"{leg}-hung-up", answered=True)


@cell(State.TALKING_PAID, CALLER)
async def _(stage: Stage) -> HungUp:
    return await _talking(stage, CALLER)


@cell(State.TALKING_PAID, EXPERT)
async def _(stage: Stage) -> HungUp:
    return await _talking(stage, EXPERT)


# What came of them.


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hung_up(stage: Stage) -> AsyncIterator[Outcomes[HungUp]]:
    yield await drivers.play(stage, at_once=AT_ONCE)


async def test_every_cell_of_the_column_has_a_driver_and_no_driver_is_idle() -> None:
    assert sorted(drivers.names) == sorted(CELLS)


@pytest.mark.parametrize("name", CELLS)
async def test_a_hang_up_at_any_moment_ends_a_premium_rate_call_in_order(
    stage: Stage, hung_up: Outcomes[HungUp], name: str
) -> None:
    came = hung_up.of(name)
    record = await stage.ended(came.caller)
    call_id, settlement = record.summary.call_id, record.summary.settlement
    assert settlement is not None
    await evidence.nothing_left(stage, call_id)
    # The hang-up fell into the state that it was meant for.
    assert evidence.state_at(stage, call_id, came.at_us) is State(name.partition(":")[0])
    assert settlement.reason == came.reason
    states = [state for _, state in evidence.changes(stage, call_id)]
    assert states.count(State.SETTLING) == 1
    assert states[-1] is State.OVER
    # Nobody pays for what was not answered; the meter of the rest is in the ledger once.
    assert (200 in statuses(came.call)) is came.answered
    assert settlement.charge is None
    kinds = [line.debit for line in record.ledger]
    assert kinds.count("carrier-expected") == int(came.answered)
    if came.answered:
        assert settlement.premium is not None
        assert settlement.premium.answered_ms is not None
        assert abs(settlement.premium.answered_ms - answered_us(came.call) // 1_000) <= 500
    assert await evidence.availability(stage, came.expert) is Availability.AVAILABLE
