"""An operator ends calls: by an order in the database, done by the application in any state."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from ari_app.calls.states import State
from billing.calls import orders
from billing.calls.errors import CallEnded
from billing.calls.orders import Order, OrderKind
from billing.catalogue.values import Availability
from primeline.phones import State as PhoneState
from tests.calls import evidence
from tests.calls.aftermath import all_in_order, at_us, now_us
from tests.calls.parked import PARKING
from tests.calls.stage import CallerOnStage, Stage, euro, whole_system
from tests.calls.together import Outcomes, Scenarios

pytestmark = pytest.mark.asyncio(loop_scope="session")

AT_ONCE_US = 900_000
"""Sooner than the second after which an order is found without its hint."""

ordered: Scenarios[None] = Scenarios()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def alone(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> AsyncIterator[Stage]:
    async with whole_system(tmp_path_factory.mktemp("orders"), tree, limits=PARKING) as stage:
        yield stage


async def order_end(stage: Stage, caller: CallerOnStage) -> Order:
    call_id = (await stage.record(caller)).summary.call_id
    async with stage.sessions.begin() as s:
        return await orders.ask(s, call_id, asked_by="Olga", at=datetime.now(UTC))


async def done(stage: Stage, order_id: UUID, *, seconds: int = 8) -> Order:
    end = time.monotonic() + seconds
    while True:
        async with stage.sessions() as s:
            order = await orders.get(s, order_id, datetime.now(UTC))
        if order.closed_at is not None:
            return order
        assert time.monotonic() < end, order
        await asyncio.sleep(0.1)


@ordered("a caller who hears the price is told and charged nothing")
async def _(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller()
    call = await stage.to_quoting(caller, await stage.number(), expert)
    order = await order_end(stage, caller)
    await stage.told(call, "operator-ended", "nothing-charged", "goodbye")
    record = await stage.ended(caller)
    assert record.summary.reason == "operator-ended"
    assert await stage.available(caller) == euro(1_000)
    assert (await done(stage, order.order_id)).result == "operator-ended"


@ordered("an expert who is being rung is let go at once")
async def _(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller()
    talk = await stage.to_ringing(caller, await stage.number(), expert)
    ordered_us = now_us()
    await order_end(stage, caller)
    await talk.expert.wait_ended()
    assert at_us(talk.expert, PhoneState.ENDED) - ordered_us < AT_ONCE_US
    await stage.told(talk.caller, "operator-ended", "nothing-charged", "goodbye")
    record = await stage.ended(caller)
    assert record.summary.reason == "operator-ended"
    assert await evidence.wallet(stage, caller) == evidence.Wallet(100_000, 0)
    assert await evidence.availability(stage, expert) is Availability.AVAILABLE


@ordered("a talk is charged to the second and both are told")
async def _(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller()
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await asyncio.sleep(2.3)
    order = await order_end(stage, caller)
    await asyncio.gather(
        stage.told(talk.caller, "operator-ended", "the-call-cost", "credit-left-is", "goodbye"),
        stage.told(talk.expert, "operator-ended", "you-earned", "expert-goodbye"),
    )
    record = await stage.ended(caller)
    settlement = record.summary.settlement
    assert settlement is not None
    assert settlement.reason == "operator-ended"
    talked_ms = evidence.paid_ms(stage, record.summary.call_id)
    assert settlement.billed_seconds == talked_ms // 1_000
    assert settlement.billed_seconds >= 2
    assert settlement.charge == euro(2 * settlement.billed_seconds)
    assert (await done(stage, order.order_id)).result == "operator-ended"
    with pytest.raises(CallEnded):
        await order_end(stage, caller)


async def order_switch(stage: Stage, caller: CallerOnStage, kind: OrderKind) -> str | None:
    """Order a switch and wait for what comes of it."""
    call_id = (await stage.record(caller)).summary.call_id
    async with stage.sessions.begin() as s:
        order = await orders.ask(s, call_id, asked_by="Olga", at=datetime.now(UTC), kind=kind)
    return (await done(stage, order.order_id)).result


@ordered("a talk goes back to free and to paid again only if the caller accepts")
async def _(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller()
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await asyncio.sleep(1.2)
    assert await order_switch(stage, caller, OrderKind.PROPOSE_PAID) == "not-now"
    assert await order_switch(stage, caller, OrderKind.BACK_TO_FREE) == "back-to-free"
    await stage.hears(talk.caller, "free-from-now")
    await asyncio.sleep(0.5)
    await stage.both_talk(talk)
    assert await order_switch(stage, caller, OrderKind.PROPOSE_PAID) == "proposed"
    await stage.hears(talk.caller, "press-1-or-2")
    await asyncio.sleep(0.2)
    assert (await evidence.wallet(stage, caller)).pending == 0
    await talk.caller.press("1")
    await asyncio.sleep(1)
    await stage.both_talk(talk)
    assert (await evidence.wallet(stage, caller)).pending > 0
    await talk.caller.hang_up()
    assert len((await stage.ended(caller)).intervals) == 2


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(alone: Stage) -> Outcomes[None]:
    return await ordered.play(alone)


@pytest.mark.parametrize("name", ordered.names)
async def test_an_order_is_carried_out_so_that(played: Outcomes[None], name: str) -> None:
    played.of(name)


async def test_an_order_given_while_the_application_is_dead_is_done_by_the_next_one(
    alone: Stage,
) -> None:
    stage = alone
    expert, caller = await stage.expert(), await stage.caller()
    talk = await stage.to_talk(caller, await stage.number(), expert)
    killed_at = now_us()
    stage.system.kill("ari_app")
    await stage.system.ended("ari_app")
    order = await order_end(stage, caller)
    await stage.system.start("ari_app")
    started_us = await evidence.connected(stage, since_us=killed_at)
    await asyncio.gather(
        stage.told(talk.caller, "operator-ended", "the-call-cost"),
        stage.told(talk.expert, "operator-ended"),
    )
    call_id = (await stage.ended(caller)).summary.call_id
    assert await evidence.reached(stage, call_id, State.STOPPING) - started_us < 3_000_000
    assert (await done(stage, order.order_id)).result == "operator-ended"


async def test_afterwards_nothing_is_left_and_the_books_are_right(alone: Stage) -> None:
    await all_in_order(alone)
