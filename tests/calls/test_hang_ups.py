"""Who hangs up when: every cell of the machine's table, by a real phone on a real Asterisk.

The list is the machine's own (`required_hang_ups`): a new state or leg without a driver here fails.
All calls run at once; each cell's test then looks at what came of its call.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from ari_app.calls.diagram import required_hang_ups
from ari_app.calls.states import Leg, State
from billing.catalogue.values import Availability
from billing.money.values import Money
from billing.tariffs.rules import charge
from primeline.phones import PhoneCall
from primeline.phones import State as PhoneState
from tests.calls import evidence
from tests.calls.stage import PRICE, CallerOnStage, ExpertOnStage, Stage, euro
from tests.calls.together import Outcomes, Scenarios

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLER, EXPERT = Leg.CALLER, Leg.EXPERT
CREDIT = 1_000


@dataclass(frozen=True, slots=True)
class HungUp:
    """A call that somebody hung up.

    `at_us`: when, wall clock. `paid`: whether there was paid talk before.
    """

    caller: CallerOnStage | str
    expert: ExpertOnStage
    at_us: int
    reason: str
    cents: int = CREDIT
    paid: bool = False


drivers: Scenarios[HungUp] = Scenarios()
CELLS = [f"{state}: the {leg} hangs up" for state, leg in required_hang_ups()]


def cell(
    state: State, leg: Leg
) -> Callable[[Callable[[Stage], Awaitable[HungUp]]], Callable[[Stage], Awaitable[HungUp]]]:
    return drivers(f"{state}: the {leg} hangs up")


async def hang_up(call: PhoneCall) -> int:
    at_us = time.time_ns() // 1_000
    await call.hang_up()
    assert call.state is PhoneState.ENDED
    return at_us


@cell(State.RECEIVED, CALLER)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    number = await stage.number(expert=expert)
    async with evidence.locked(stage, "number", number):
        call = await stage.dial(caller, number)
        await evidence.channel_from(stage, caller.number)
        await asyncio.sleep(0.2)
        assert call.state is not PhoneState.UP
        at_us = await hang_up(call)
        await asyncio.sleep(0.2)
    assert call.code == 487
    return HungUp(caller, expert, at_us, "caller-hung-up")


@cell(State.IDENTIFYING, CALLER)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), await stage.caller(CREDIT, alone=False)
    call = await stage.dial(caller, await stage.number())
    await stage.hears(call, "enter-pin")
    await call.press("83")
    return HungUp(caller, expert, await hang_up(call), "caller-hung-up")


@cell(State.CHOOSING, CALLER)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    call = await stage.to_choosing(caller, await stage.number())
    await call.press(expert.extension[:2])
    return HungUp(caller, expert, await hang_up(call), "caller-hung-up")


@cell(State.QUOTING, CALLER)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    call = await stage.to_quoting(caller, await stage.number(), expert)
    at_us = await hang_up(call)
    return HungUp(caller, expert, at_us, "caller-hung-up")


@cell(State.HOLDING, CALLER)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    call = await stage.to_quoting(caller, await stage.number(), expert)
    call_id = (await stage.record(caller)).summary.call_id
    async with evidence.locked(stage, "expert", expert.expert_id):
        await call.press("1")
        await evidence.reached(stage, call_id, State.HOLDING)
        at_us = await hang_up(call)
        await evidence.reached(stage, call_id, State.SETTLING)
    await asyncio.sleep(0.5)
    assert expert.phone.calls == []
    return HungUp(caller, expert, at_us, "caller-hung-up")


@cell(State.RINGING, CALLER)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    talk = await stage.to_ringing(caller, await stage.number(), expert)
    at_us = await hang_up(talk.caller)
    await talk.expert.wait_ended()
    assert (talk.expert.ended_by, talk.expert.code) == ("them", 487)
    return HungUp(caller, expert, at_us, "caller-hung-up")


@cell(State.RINGING, EXPERT)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    number = await stage.number(expert=expert)
    talk = await stage.to_ringing_directly(caller, number, expert)
    at_us = await hang_up(talk.expert)
    await stage.told(talk.caller, "expert-no-answer", "goodbye")
    return HungUp(caller, expert, at_us, "expert-no-answer")


@cell(State.OFFERING, CALLER)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    talk = await stage.to_offering(caller, await stage.number(), expert)
    at_us = await hang_up(talk.caller)
    await talk.expert.wait_ended(seconds=2)
    assert talk.expert.ended_by == "them"
    return HungUp(caller, expert, at_us, "caller-hung-up")


@cell(State.OFFERING, EXPERT)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    number = await stage.number(expert=expert)
    talk = await stage.to_ringing_directly(caller, number, expert)
    await talk.expert.answer()
    await stage.hears(talk.expert, "offer-paid")
    at_us = await hang_up(talk.expert)
    await stage.told(talk.caller, "expert-refused", "goodbye")
    return HungUp(caller, expert, at_us, "expert-refused")


@cell(State.TALKING_FREE, CALLER)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await stage.to_free_talk(caller, await stage.number(without_payer="free"), expert)
    at_us = await hang_up(talk.caller)
    await stage.told(talk.expert, "caller-hung-up", "expert-goodbye")
    return HungUp(caller, expert, at_us, "caller-hung-up")


@cell(State.TALKING_FREE, EXPERT)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await stage.to_free_talk(caller, await stage.number(without_payer="free"), expert)
    at_us = await hang_up(talk.expert)
    await stage.told(talk.caller, "expert-hung-up", "nothing-charged", "goodbye")
    return HungUp(caller, expert, at_us, "expert-hung-up")


@cell(State.TALKING_PAID, CALLER)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await asyncio.sleep(1.5)
    at_us = await hang_up(talk.caller)
    await stage.told(talk.expert, "caller-hung-up", "you-earned", "expert-goodbye")
    return HungUp(caller, expert, at_us, "caller-hung-up", paid=True)


@cell(State.TALKING_PAID, EXPERT)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await asyncio.sleep(1.5)
    at_us = await hang_up(talk.expert)
    await stage.told(talk.caller, "expert-hung-up", "the-call-cost", "credit-left-is", "goodbye")
    return HungUp(caller, expert, at_us, "expert-hung-up", paid=True)


async def _parted(stage: Stage, leg: Leg, state: State) -> HungUp:
    """A talk that was paid stands still, or is about to go on free."""
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await asyncio.sleep(1.2)
    if state is State.TOPPING_UP:
        await stage.to_topping_up(talk)
    elif state is State.ON_HOLD:
        talk.expert.hold()
        await stage.hears(talk.caller, "expert-holds")
    elif state is State.CONSENTING:
        await stage.to_free_again(talk)
        await stage.to_consenting(talk)
    else:
        call_id = (await stage.record(caller)).summary.call_id
        await talk.expert.press("*9")
        await evidence.reached(stage, call_id, state)
        await asyncio.sleep(0.1)
    if leg is CALLER:
        at_us = await hang_up(talk.caller)
        await stage.told(talk.expert, "caller-hung-up", "you-earned", "expert-goodbye")
        return HungUp(caller, expert, at_us, "caller-hung-up", paid=True)
    at_us = await hang_up(talk.expert)
    await stage.told(talk.caller, "expert-hung-up", "the-call-cost", "goodbye")
    return HungUp(caller, expert, at_us, "expert-hung-up", paid=True)


@cell(State.CONSENTING, CALLER)
async def _(stage: Stage) -> HungUp:
    return await _parted(stage, CALLER, State.CONSENTING)


@cell(State.CONSENTING, EXPERT)
async def _(stage: Stage) -> HungUp:
    return await _parted(stage, EXPERT, State.CONSENTING)


@cell(State.FREEING, CALLER)
async def _(stage: Stage) -> HungUp:
    return await _parted(stage, CALLER, State.FREEING)


@cell(State.FREEING, EXPERT)
async def _(stage: Stage) -> HungUp:
    return await _parted(stage, EXPERT, State.FREEING)


@cell(State.TOPPING_UP, CALLER)
async def _(stage: Stage) -> HungUp:
    return await _parted(stage, CALLER, State.TOPPING_UP)


@cell(State.TOPPING_UP, EXPERT)
async def _(stage: Stage) -> HungUp:
    return await _parted(stage, EXPERT, State.TOPPING_UP)


@cell(State.ON_HOLD, CALLER)
async def _(stage: Stage) -> HungUp:
    return await _parted(stage, CALLER, State.ON_HOLD)


@cell(State.ON_HOLD, EXPERT)
async def _(stage: Stage) -> HungUp:
    return await _parted(stage, EXPERT, State.ON_HOLD)


async def _both(stage: Stage, first: Leg) -> HungUp:
    """Both BYEs leave in the same moment: the second comes while the talk is being stopped."""
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    talk = await stage.to_talk(caller, await stage.number(), expert)
    calls = (talk.caller, talk.expert) if first is CALLER else (talk.expert, talk.caller)
    at_us = time.time_ns() // 1_000
    for call in calls:
        call.leave()
    await asyncio.gather(*(call.wait_ended() for call in calls))
    return HungUp(caller, expert, at_us, "", paid=True)


@cell(State.STOPPING, CALLER)
async def _(stage: Stage) -> HungUp:
    return await _both(stage, first=EXPERT)


@cell(State.STOPPING, EXPERT)
async def _(stage: Stage) -> HungUp:
    return await _both(stage, first=CALLER)


async def _settling(stage: Stage, leg: Leg) -> HungUp:
    """The cut has come; the wallet's row is held, so that the money can't be written yet."""
    expert, caller = await stage.expert(), await stage.caller(6)
    talk = await stage.to_talk(caller, await stage.number(), expert)
    call_id = (await stage.record(caller)).summary.call_id
    async with evidence.locked(stage, "wallet", caller.wallet_id):
        await evidence.reached(stage, call_id, State.SETTLING)
        at_us = await hang_up(talk.caller if leg is CALLER else talk.expert)
        await asyncio.sleep(0.3)
    if leg is CALLER:
        await stage.told(talk.expert, "caller-credit-used-up", "you-earned", "expert-goodbye")
    else:
        await stage.told(talk.caller, "credit-used-up", "the-call-cost", "goodbye")
    return HungUp(caller, expert, at_us, "credit-used-up", cents=6, paid=True)


@cell(State.SETTLING, CALLER)
async def _(stage: Stage) -> HungUp:
    return await _settling(stage, CALLER)


@cell(State.SETTLING, EXPERT)
async def _(stage: Stage) -> HungUp:
    return await _settling(stage, EXPERT)


@cell(State.AFTERCARE, CALLER)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), await stage.caller(6)
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await stage.hears(talk.caller, "credit-used-up")
    at_us = await hang_up(talk.caller)
    await stage.told(talk.expert, "caller-credit-used-up", "you-earned", "expert-goodbye")
    return HungUp(caller, expert, at_us, "credit-used-up", cents=6, paid=True)


@cell(State.AFTERCARE, EXPERT)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), await stage.caller(6)
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await stage.hears(talk.expert, "caller-credit-used-up")
    at_us = await hang_up(talk.expert)
    await stage.told(talk.caller, "credit-used-up", "the-call-cost", "credit-left-is", "goodbye")
    return HungUp(caller, expert, at_us, "credit-used-up", cents=6, paid=True)


@cell(State.GOODBYE, CALLER)
async def _(stage: Stage) -> HungUp:
    expert, caller = await stage.expert(), stage.stranger()
    call = await stage.dial(caller, await stage.number())
    await stage.hears(call, "welcome")
    at_us = await hang_up(call)
    return HungUp(caller, expert, at_us, "caller-unknown")


# What came of them.


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hung_up(stage: Stage) -> AsyncIterator[Outcomes[HungUp]]:
    yield await drivers.play(stage)


async def test_every_cell_of_the_machines_table_has_a_driver_and_no_driver_is_idle() -> None:
    assert sorted(drivers.names) == sorted(CELLS)


@pytest.mark.parametrize("name", CELLS)
async def test_a_hang_up_at_any_moment_ends_the_call_in_order(
    stage: Stage, hung_up: Outcomes[HungUp], name: str
) -> None:
    came = hung_up.of(name)
    record = await stage.ended(came.caller)
    call_id, settlement = record.summary.call_id, record.summary.settlement
    assert settlement is not None
    await evidence.nothing_left(stage, call_id)

    # The hang-up fell into the state that it was meant for.
    state = State(name.partition(":")[0])
    if state is State.STOPPING:
        stopped_us = await evidence.reached(stage, call_id, State.STOPPING)
        settling_us = await evidence.reached(stage, call_id, State.SETTLING)
        assert came.at_us < stopped_us < settling_us
        assert settlement.reason in {"caller-hung-up", "expert-hung-up"}
    else:
        assert evidence.state_at(stage, call_id, came.at_us) is state
        assert settlement.reason == came.reason

    # Settled once, for what was talked: by the phones' bridge in Asterisk's own record.
    states = [state for _, state in evidence.changes(stage, call_id)]
    assert states.count(State.SETTLING) == 1
    assert states[-1] is State.OVER
    talked_ms = sum((i.end_ms or 0) - i.start_ms for i in record.intervals)
    recorded_ms = evidence.paid_ms(stage, call_id)
    assert abs(talked_ms - recorded_ms) <= 20
    assert settlement.used_seconds == talked_ms // 1_000
    assert (recorded_ms > 0) is came.paid
    charged = charge(PRICE, settlement.billed_seconds)
    if settlement.charge is not None:
        assert settlement.charge == charged
    assert [line.kind for line in record.ledger].count("post") == int(bool(charged))

    # Nothing is held, nobody is taken.
    if isinstance(came.caller, CallerOnStage):
        wallet = await evidence.wallet(stage, came.caller)
        assert wallet.pending == 0
        assert wallet.posted == (euro(came.cents) - charged).amount
        assert await stage.available(came.caller) == Money(wallet.posted, "EUR")
    assert await evidence.availability(stage, came.expert) is Availability.AVAILABLE
