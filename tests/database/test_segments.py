"""Several paid segments in one call: each closed at once, the whole call rated as one."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.calls import books, live
from billing.calls import service as calls
from billing.calls.receipts import queue_receipt, receipts_of
from billing.calls.story import tell
from billing.calls.values import EndReason, Interval
from billing.charging import service as charging
from billing.charging.ending import Closed
from billing.charging.values import Grant, Quote, Refusal, Refused, Settlement
from billing.kit.clock import to_ms
from billing.tariffs import service as tariffs
from tests.database.world import NOW, World, eur, tariff_of

START = to_ms(NOW)


def talked(*seconds: tuple[int, int]) -> list[Interval]:
    """Paid intervals, each from and to so many seconds after the beginning."""
    return [Interval(START + first * 1_000, START + last * 1_000) for first, last in seconds]


async def close(world: World, call_id: UUID, intervals: list[Interval]) -> Closed | None:
    async with world.sessions.begin() as s:
        return await calls.close_segment(s, call_id, intervals=intervals, at=world.now)


async def again(world: World, call_id: UUID) -> Grant | Refused:
    """Accept the price that counts now, and hold for it."""
    quoted = await world.quote(call_id)
    assert isinstance(quoted, Quote)
    async with world.sessions.begin() as s:
        return await charging.initial(s, call_id, world.limits, world.now)


async def settle(world: World, call_id: UUID, intervals: list[Interval]) -> Settlement:
    async with world.sessions.begin() as s:
        return await calls.settle(
            s,
            call_id,
            intervals=intervals,
            reason=EndReason.CALLER_HUNG_UP,
            no_payer=None,
            at=world.now,
        )


async def new_price(world: World, price: str, **changes: object) -> None:
    """A version of the tariff of all that counts from a minute later, which is then now."""
    world.now += timedelta(minutes=1)
    async with world.sessions.begin() as s:
        name = (await s.scalars(text("SELECT name FROM tariffs"))).one()
        tariff = tariff_of(price, **changes)
        await tariffs.add_version(s, name=name, tariff=tariff, valid_from=world.now, at=world.now)


async def checked(world: World) -> None:
    async with world.sessions() as s:
        assert await books.check(s) == []


async def test_a_closed_segment_is_paid_at_once_and_the_next_has_the_price_of_its_own_consent(
    world: World,
) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    first = talked((0, 61))
    closed = await close(world, call_id, first)
    assert closed is not None
    assert closed.split is not None
    assert closed.split.charge == eur("1.22")
    assert await world.available() == eur("8.78")
    await checked(world)

    await new_price(world, "3.00")
    granted = await again(world, call_id)
    assert isinstance(granted, Grant)
    both = [*first, *talked((100, 110))]
    settlement = await settle(world, call_id, both)
    assert settlement.charge == eur("1.72")
    assert (settlement.used_seconds, settlement.billed_seconds) == (71, 71)
    assert await world.available() == eur("8.28")
    await checked(world)

    async with world.sessions() as s:
        story = await tell(s, call_id)
    assert [one.rated.charge for one in story.closed] == [eur("1.22")]
    assert story.arithmetic is not None
    assert story.arithmetic.rated.charge == eur("0.50")
    assert [step.amount for step in story.steps if step.what in {"charge", "total"}] == [
        eur("1.22"),
        eur("0.50"),
        eur("1.72"),
    ]
    assert list(story.record.intervals) == both


async def test_closing_twice_is_once_and_a_call_may_end_right_after(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    first = talked((0, 30), (40, 70))
    assert await close(world, call_id, first) is not None
    assert await close(world, call_id, first) is None
    settlement = await settle(world, call_id, first)
    assert settlement.charge == eur("1.20")
    assert (await settle(world, call_id, [])).charge == eur("1.20")
    assert await world.available() == eur("8.80")
    await checked(world)


async def test_a_segment_without_paid_time_gives_all_back(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    assert await close(world, call_id, []) is None
    assert await world.available() == eur("10.00")
    granted = await again(world, call_id)
    assert isinstance(granted, Grant)
    assert (await settle(world, call_id, talked((50, 60)))).charge == eur("0.20")
    await checked(world)


async def test_fee_minimum_and_free_seconds_count_once_over_the_whole_call(world: World) -> None:
    await new_price(
        world, "1.20", connect_fee=eur("0.50"), minimum_charge=eur("2.00"), free_seconds=30
    )
    await world.top_up("10.00")
    call_id = await world.granted_call()
    first = talked((0, 60))
    closed = await close(world, call_id, first)
    assert closed is not None
    assert closed.split is not None
    # 30 s are free: 0.60 and the fee are 1.10, below the minimum.
    assert closed.split.charge == eur("2.00")
    assert isinstance(await again(world, call_id), Grant)
    # No free second and no fee are left; of the minimum, 0.90 are paid and not yet used up.
    settlement = await settle(world, call_id, [*first, *talked((90, 150))])
    assert settlement.charge == eur("2.30")
    await checked(world)


async def test_what_is_left_of_the_longest_call_bounds_the_next_segment(world: World) -> None:
    await new_price(world, "1.20", maximum_seconds=100)
    await world.top_up("10.00")
    call_id = await world.granted_call()
    first = talked((0, 70))
    await close(world, call_id, first)
    granted = await again(world, call_id)
    assert isinstance(granted, Grant)
    assert (granted.granted_seconds, granted.final) == (30, True)
    second = [*first, *talked((80, 115))]
    await close(world, call_id, second)
    refused = await world.quote(call_id)
    assert isinstance(refused, Refused)
    assert refused.refusal == "maximum-reached"
    settlement = await settle(world, call_id, second)
    assert (settlement.used_seconds, settlement.billed_seconds) == (105, 100)
    assert (settlement.charge, settlement.overrun_ms) == (eur("2.00"), 5_000)
    await checked(world)


async def test_the_limit_of_one_call_counts_all_its_segments(world: World) -> None:
    await world.set_limits(call_limit=eur("3.20"), day_limit=eur("5.00"))
    await world.top_up("10.00")
    call_id = await world.granted_call()
    first = talked((0, 100))
    await close(world, call_id, first)
    granted = await again(world, call_id)
    assert isinstance(granted, Grant)
    assert (granted.granted_seconds, granted.held) == (60, eur("1.20"))
    await checked(world)
    assert (await settle(world, call_id, [*first, *talked((110, 170))])).charge == eur("3.20")
    await checked(world)


async def test_the_live_view_shows_the_whole_call_s_charge(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    first = talked((0, 60))
    await close(world, call_id, first)
    assert isinstance(await again(world, call_id), Grant)
    async with world.sessions.begin() as s:
        for number, start in ((1, START), (2, START + 100_000)):
            await calls.talk_started(
                s,
                call_id,
                bridge=f"{call_id}-paid-{number}",
                paid=True,
                start_ms=start,
                at=world.now,
            )
        await calls.talk_stopped(s, call_id, bridge=f"{call_id}-paid-1", end_ms=START + 60_000)
    async with world.sessions() as s:
        (now,) = await live.list_live(s, NOW + timedelta(seconds=130), call_ids=[call_id])
    assert now.talk is not None
    assert (now.talk.used_seconds, now.talk.charge) == (30, eur("1.80"))


async def test_postgresql_refuses_a_closed_segment_that_was_not_posted(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    await close(world, call_id, talked((0, 60)))
    copied = text(
        "INSERT INTO closed_segments SELECT session_id, segment + 1, tariff_version_id, tariff,"
        " share, consented_at_ms, until_ms, last_interval, granted_seconds, used_seconds,"
        " billed_seconds, overrun_ms, charge, tax, expert, platform, closed_at"
        " FROM closed_segments"
    )
    with pytest.raises(DBAPIError, match="its closed segments cost"):
        async with world.sessions.begin() as s:
            await s.execute(copied)


async def test_the_books_find_a_closed_segment_that_its_tariff_does_not_give(
    world: World,
) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    first = talked((0, 60))
    await close(world, call_id, first)
    await settle(world, call_id, first)
    async with world.sessions.begin() as s:
        await s.execute(text("ALTER TABLE closed_segments DISABLE TRIGGER ALL"))
        await s.execute(text("UPDATE closed_segments SET overrun_ms = 7"))
        await s.execute(text("ALTER TABLE closed_segments ENABLE TRIGGER ALL"))
    async with world.sessions() as s:
        (finding,) = await books.check(s)
    assert "its segment 0 says another overrun_ms" in finding.sentence


async def act(world: World, call_id: UUID) -> Quote | Refused:
    async with world.sessions.begin() as s:
        return await charging.quote(
            s,
            call_id,
            account_id=world.account_id,
            expert_id=world.expert_id,
            number_id=world.number_id,
            limits=world.limits,
            at=world.now,
            mode="act",
        )


@pytest.mark.parametrize(("seconds", "charged"), [(9, "0.00"), (10, "5.00"), (600, "5.00")])
async def test_an_act_is_held_whole_and_charged_once(
    world: World, seconds: int, charged: str
) -> None:
    await world.top_up("20.00")
    await new_price(world, "1.20", price_per_act=eur("5.00"))
    call_id = await world.granted_call()
    await close(world, call_id, talked((0, 60)))
    quoted = await act(world, call_id)
    assert isinstance(quoted, Quote)
    assert quoted.tariff.mode == "act"
    async with world.sessions.begin() as s:
        granted = await charging.initial(s, call_id, world.limits, world.now)
    assert isinstance(granted, Grant)
    assert granted.held == eur("5.00")
    assert await world.available() == eur("13.80")
    # It is lengthened for nothing more.
    async with world.sessions.begin() as s:
        longer = await charging.update(
            s,
            call_id,
            request_number=granted.request_number + 1,
            used_seconds=5,
            limits=world.limits,
            at=world.now,
        )
    assert longer.held == eur("5.00")
    settlement = await settle(world, call_id, talked((0, 60), (100, 100 + seconds)))
    assert settlement.charge == eur("1.20") + eur(charged)
    async with world.sessions() as s:
        assert await books.check(s) == []


async def test_an_act_that_nobody_sells_is_refused_and_nothing_is_held(world: World) -> None:
    await world.top_up("20.00")
    call_id = await world.granted_call()
    await close(world, call_id, talked((0, 60)))
    assert await act(world, call_id) == Refused(Refusal.NO_ACT)
    assert await world.available() == eur("18.80")


async def test_an_act_that_was_paid_does_not_make_the_minute_known_nor_the_other_way(
    world: World,
) -> None:
    await world.top_up("50.00")
    await new_price(world, "1.20", price_per_act=eur("5.00"))
    # This caller pays for an act only.
    first = await world.receive()
    await act(world, first)
    async with world.sessions.begin() as s:
        await charging.initial(s, first, world.limits, world.now)
    await settle(world, first, talked((0, 60)))
    second = await world.receive()
    by_act = await act(world, second)
    by_minute = await world.quote(second)
    assert isinstance(by_act, Quote)
    assert isinstance(by_minute, Quote)
    assert (by_act.price_known, by_minute.price_known) == (True, False)
    # Now for a minute, then for an act that he declines: only the minute is known by it.
    async with world.sessions.begin() as s:
        await charging.initial(s, second, world.limits, world.now)
    await close(world, second, talked((0, 60)))
    await act(world, second)
    await settle(world, second, talked((0, 60)))
    third = await world.quote(await world.receive())
    assert isinstance(third, Quote)
    assert third.price_known


async def test_the_receipt_names_each_paid_talk_of_a_call(world: World) -> None:
    await world.top_up("20.00")
    call_id = await world.granted_call()
    await close(world, call_id, talked((0, 60)))
    await new_price(world, "3.00")
    await again(world, call_id)
    await settle(world, call_id, talked((0, 60), (100, 130)))
    async with world.sessions.begin() as s:
        assert await queue_receipt(s, call_id, wanted_by_default=True, at=world.now)
        (receipt,) = await receipts_of(s, call_id)
    assert "€2.70 (€1.20 + €1.50) for 90 s" in receipt.text


async def test_a_segment_that_cost_nothing_for_its_silence_is_not_charged_in_the_next(
    world: World,
) -> None:
    """Closed as silent, it has no length: it ends where it began."""
    await world.top_up("20.00")
    call_id = await world.granted_call()
    silent = Interval(START, START)
    assert (closed := await close(world, call_id, [silent])) is not None
    assert closed.split is not None
    assert closed.split.charge == eur("0.00")
    assert isinstance(await again(world, call_id), Grant)
    # The application knows of all that was in paid bridges.
    settled = await settle(world, call_id, talked((0, 50), (100, 160)))
    assert settled.billed_seconds == 60
    assert settled.charge == eur("1.20")


async def test_nor_is_it_charged_by_the_record_whose_clock_is_some_milliseconds_apart(
    world: World,
) -> None:
    await world.top_up("20.00")
    call_id = await world.granted_call()
    world.now += timedelta(seconds=70)
    await close(world, call_id, [Interval(START, START)])
    assert isinstance(await again(world, call_id), Grant)
    recorded = [Interval(START + 2, START + 50_003), Interval(START + 100_001, START + 160_002)]
    assert (await settle(world, call_id, recorded)).billed_seconds == 60
    async with world.sessions() as s:
        assert await books.check(s) == []
