"""Orders to calls: written once, taken by who carries the call, closed by what became of it."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from billing.calls import orders
from billing.calls.errors import CallEnded, CallUnknown, OrderUnknown
from billing.calls.orders import Attended, Order, OrderKind
from billing.calls.values import EndReason
from billing.kit.listening import Connected, Lost, Told, listen
from tests.database.world import World

LATER = timedelta(seconds=29)
TOO_LATE = timedelta(seconds=30)


async def asked(world: World, call_id: UUID, after: timedelta = timedelta()) -> Order:
    async with world.sessions.begin() as s:
        return await orders.ask(s, call_id, asked_by="Olga", at=world.now + after)


async def attended(
    world: World,
    running: Sequence[UUID],
    *,
    in_hand: Sequence[UUID] = (),
    after: timedelta = timedelta(),
    asterisk_id: str = "asterisk",
) -> Attended:
    async with world.sessions.begin() as s:
        return await orders.attend(
            s, asterisk_id, running=running, in_hand=in_hand, at=world.now + after
        )


async def now(world: World, order: Order, after: timedelta = timedelta()) -> Order:
    async with world.sessions() as s:
        return await orders.get(s, order.order_id, world.now + after)


async def test_an_order_is_taken_by_who_carries_the_call_and_done_when_it_has_ended(
    world: World,
) -> None:
    call_id = await world.receive()
    order = await asked(world, call_id)
    assert (order.state, order.asked_by, order.result) == ("asked", "Olga", None)

    assert await attended(world, [call_id], asterisk_id="another") == Attended((), frozenset())
    taken = await attended(world, [call_id])
    assert [one.order_id for one in taken.to_do] == [order.order_id]
    assert (await now(world, order)).state == "taken"

    # In hand: not handed out again, and its deadline means nothing any more.
    again = await attended(world, [call_id], in_hand=[order.order_id], after=TOO_LATE)
    assert again == Attended((), frozenset())
    await world.settle(call_id, None, EndReason.OPERATOR_ENDED)
    closed = await attended(world, [], in_hand=[order.order_id], after=TOO_LATE)
    assert closed == Attended((), frozenset({order.order_id}))
    done = await now(world, order)
    assert (done.state, done.result) == ("done", "operator-ended")


async def test_an_order_is_asked_for_once_whoever_asks_again(world: World) -> None:
    call_id = await world.receive()
    first, *others = await asyncio.gather(*(asked(world, call_id) for _ in range(4)))
    assert {one.order_id for one in others} == {first.order_id}
    async with world.sessions() as s:
        listed = await orders.page_orders(s, world.now, call_id=call_id, limit=10)
    assert listed.items == (first,)


async def test_an_order_that_nobody_took_in_time_expires_and_is_not_done_later(
    world: World,
) -> None:
    call_id = await world.receive()
    order = await asked(world, call_id)
    # No process has looked: it is expired all the same.
    assert (await now(world, order, TOO_LATE)).state == "expired"
    assert await attended(world, [call_id], after=TOO_LATE) == Attended(
        (), frozenset({order.order_id})
    )
    assert (await now(world, order)).state == "expired"
    assert (await asked(world, call_id, TOO_LATE)).order_id != order.order_id


async def test_a_new_order_takes_the_place_of_one_that_is_too_old(world: World) -> None:
    call_id = await world.receive()
    old = await asked(world, call_id)
    new = await asked(world, call_id, TOO_LATE)
    assert (await now(world, old)).state == "expired"
    assert (new.order_id != old.order_id, new.state) == (True, "asked")
    # Who had the old one in hand lets go of it.
    taken = await attended(world, [call_id], in_hand=[old.order_id], after=TOO_LATE)
    assert taken.closed == {old.order_id}
    assert [one.order_id for one in taken.to_do] == [new.order_id]


async def test_a_process_started_anew_takes_what_the_one_before_did_not_finish(
    world: World,
) -> None:
    call_id = await world.receive()
    order = await asked(world, call_id)
    assert (await attended(world, [call_id])).to_do
    assert not (await attended(world, [], after=LATER)).to_do
    assert [one.order_id for one in (await attended(world, [call_id], after=LATER)).to_do] == [
        order.order_id
    ]
    late = await attended(world, [call_id], after=TOO_LATE)
    assert late == Attended((), frozenset({order.order_id}))


async def test_an_order_for_a_call_that_ends_by_itself_is_done_and_says_why(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    order = await asked(world, call_id)
    await world.settle(call_id, 7, EndReason.CALLER_HUNG_UP)
    seen = await now(world, order)
    assert (seen.state, seen.result, seen.closed_at) == ("done", "caller-hung-up", None)


async def test_what_is_over_or_was_never_there_takes_no_order(world: World) -> None:
    call_id = await world.receive()
    await world.settle(call_id, None)
    with pytest.raises(CallEnded):
        await asked(world, call_id)
    with pytest.raises(CallUnknown):
        await asked(world, uuid4())
    async with world.sessions() as s:
        with pytest.raises(OrderUnknown):
            await orders.get(s, uuid4(), world.now)


async def test_who_listens_is_told_of_an_order_at_once(world: World, fresh_database: str) -> None:
    call_id = await world.receive()
    async with asyncio.timeout(5), aclosing(listen(fresh_database, orders.CHANNEL)) as told:
        async for heard in told:
            if isinstance(heard, Connected):
                await asked(world, call_id)
                continue
            assert heard == Told(orders.CHANNEL, str(call_id))
            break


async def test_a_database_that_refuses_to_be_listened_to_is_asked_again(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.kit.listening.CONNECT_AGAIN_SECONDS", 0)
    nowhere = fresh_database.rsplit("/", 1)[0] + "/no_such_database"
    async with asyncio.timeout(5), aclosing(listen(nowhere, orders.CHANNEL)) as heard:
        told = [await anext(heard) for _ in range(2)]
    assert told == [Lost(), Lost()]


async def test_a_switch_is_an_order_of_its_own_and_done_while_the_call_goes_on(
    world: World,
) -> None:
    call_id = await world.receive()
    end = await asked(world, call_id)
    async with world.sessions.begin() as s:
        kind = OrderKind.PROPOSE_ACT
        switch = await orders.ask(s, call_id, asked_by="Olga", at=world.now, kind=kind)
    taken = await attended(world, [call_id])
    assert {one.kind for one in taken.to_do} == {OrderKind.END_CALL, OrderKind.PROPOSE_ACT}
    for result in ("proposed", "not-now"):
        async with world.sessions.begin() as s:
            await orders.carried_out(s, switch.order_id, result=result, at=world.now)
    done = await now(world, switch)
    assert (done.state, done.result) == ("done", "proposed")
    assert (await now(world, end)).state == "taken"
    # It needs no attention any more, though its call goes on.
    assert (await attended(world, [call_id], in_hand=[switch.order_id, end.order_id])).closed == {
        switch.order_id
    }
