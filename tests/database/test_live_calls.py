"""What operators see of calls that go on; the price is worked out by the rule that will bill it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from billing.calls import live
from billing.calls import service as calls
from billing.calls.live import LiveCall, LiveTalk
from billing.calls.models import CallRow
from billing.catalogue import premium, snapshot
from billing.charging.premium.models import PremiumSession
from billing.kit.clock import to_ms
from billing.kit.listening import Connected, Told, listen
from tests.database.test_premium_terms import TERMS
from tests.database.world import CALLER, MENU, World, eur


async def seen(world: World, after_seconds: float = 0) -> list[LiveCall]:
    async with world.sessions() as s:
        return await live.list_live(s, world.now + timedelta(seconds=after_seconds))


async def begin_talk(world: World, call_id: UUID, *, paid: bool = True) -> str:
    bridge = f"{call_id}-{'paid' if paid else 'free'}-1"
    for start_ms in (None, to_ms(world.now)):
        async with world.sessions.begin() as s:
            await calls.talk_started(
                s, call_id, bridge=bridge, paid=paid, start_ms=start_ms, at=world.now
            )
    return bridge


async def test_a_running_talk_shows_what_it_would_cost_if_it_ended_now(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    bridge = await begin_talk(world, call_id)
    (call,) = await seen(world, 61.9)
    assert (call.call_id, call.dialled, call.caller_number) == (call_id, MENU, CALLER)
    assert (call.caller_name, call.account_id) == ("Cleo", world.account_id)
    assert call.tariff is not None
    assert call.talk == LiveTalk(
        bridge=bridge,
        paid=True,
        since_ms=to_ms(world.now),
        used_seconds=61,
        charge=eur("1.22"),
        granted_seconds=300,
        granted_seconds_left=239,
        final=False,
    )
    # What is shown at its end is what is charged.
    (at_252,) = await seen(world, 252)
    assert at_252.talk is not None
    assert at_252.talk.charge == eur("5.04")
    assert (await world.settle(call_id, 252)).charge == eur("5.04")
    assert await seen(world, 252) == []


async def test_a_price_never_runs_past_the_grant(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    await begin_talk(world, call_id)
    (call,) = await seen(world, 302)
    assert call.talk is not None
    assert (call.talk.charge, call.talk.granted_seconds_left) == (eur("6.00"), 0)


async def test_a_grant_that_was_lengthened_is_seen(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    await begin_talk(world, call_id)
    await world.update(call_id, 1, 150)
    (call,) = await seen(world, 151)
    assert call.talk is not None
    assert (call.talk.granted_seconds, call.talk.granted_seconds_left) == (450, 299)


async def test_a_talk_that_nobody_pays_has_no_price(world: World) -> None:
    call_id = await world.receive(number="+33639980099")
    await begin_talk(world, call_id, paid=False)
    (call,) = await seen(world, 7)
    assert call.account_id is None
    assert call.talk is not None
    assert (call.talk.paid, call.talk.used_seconds, call.talk.charge) == (False, 7, None)


async def test_a_call_without_a_talk_shows_its_state_and_since_when(world: World) -> None:
    call_id = await world.receive()
    (received,) = await seen(world)
    assert (received.state, received.talk) == ("received", None)
    async with world.sessions.begin() as s:
        await calls.write_step(s, call_id, "choosing")
    (choosing,) = await seen(world)
    assert choosing.state == "choosing"
    assert choosing.state_since > received.state_since
    async with world.sessions.begin() as s:
        await calls.write_step(s, call_id, "choosing")
    assert await seen(world) == [choosing]


async def test_only_the_calls_that_are_asked_for_are_given(world: World) -> None:
    first, second = [await world.receive() for _ in range(2)]
    async with world.sessions() as s:
        one = await live.list_live(s, world.now, call_ids=[second])
        both = await live.list_live(s, world.now)
    assert [call.call_id for call in one] == [second]
    assert {call.call_id for call in both} == {first, second}


@asynccontextmanager
async def heard(url: str, expected: int) -> AsyncIterator[list[str]]:
    """Collect what is told of calls until so many are."""
    told: list[str] = []
    connected = asyncio.Event()

    async def collect() -> None:
        async with aclosing(listen(url, live.CHANNEL)) as heard_:
            async for one in heard_:
                if isinstance(one, Connected):
                    connected.set()
                elif isinstance(one, Told):
                    told.append(one.payload)
                    if len(told) == expected:
                        return

    async with asyncio.timeout(5):
        task = asyncio.create_task(collect())
        await connected.wait()
        yield told
        await task


async def test_each_change_of_a_call_is_told_once_and_a_heartbeat_is_none(
    world: World, fresh_database: str
) -> None:
    await world.top_up("10.00")
    call_id = await world.receive()
    async with heard(fresh_database, 5) as told:
        await world.quote(call_id)
        await world.initial(call_id)  # 1: the grant
        await begin_talk(world, call_id)  # 2: the bridge; 3: the start
        async with world.sessions.begin() as s:
            await calls.heartbeat(s, [call_id], world.now)
            await calls.write_step(s, call_id, "received")
        async with world.sessions.begin() as s:
            await calls.write_step(s, call_id, "talking paid")  # 4
        await world.settle(call_id, 7)  # 5
    assert told == [str(call_id)] * 5


async def test_a_talk_that_is_written_after_its_grant_ended_is_zero_not_negative(
    world: World,
) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    await begin_talk(world, call_id)
    (call,) = await seen(world, -3)
    assert call.talk is not None
    assert replace(call.talk, granted_seconds=None) == replace(
        call.talk, used_seconds=0, charge=eur("0"), granted_seconds=None
    )


async def test_at_premium_rate_the_carriers_meter_is_shown_from_the_answer_on(
    world: World,
) -> None:
    async with world.sessions.begin() as s:
        kept = await premium.add_terms(s, MENU, TERMS, valid_from=world.now, at=world.now)
    call_id = await world.receive(number="+33639980099")
    async with world.sessions.begin() as s:
        s.add(
            PremiumSession(
                session_id=call_id,
                state="opened",
                number_id=world.number_id,
                terms_id=kept.terms_id,
                terms=snapshot.to_json(TERMS),
                rules={},
                caller_number=None,
                limits=[],
                cap_seconds=90,
                cap_by="amount",
                held=0,
                began_at=world.now,
            )
        )
    (unanswered,) = await seen(world)
    assert unanswered.talk is None
    assert unanswered.tariff == TERMS.retail
    async with world.sessions.begin() as s:
        await s.execute(update(CallRow).values(answered_at=world.now))
    (call,) = await seen(world, 61.2)
    assert call.talk is not None
    assert (call.talk.used_seconds, call.talk.charge) == (62, eur("0.82"))
    assert (call.talk.granted_seconds, call.talk.granted_seconds_left) == (90, 28)
    (late,) = await seen(world, 120)
    assert late.talk is not None
    assert (late.talk.charge, late.talk.granted_seconds_left) == (eur("1.20"), 0)
