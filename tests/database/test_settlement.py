"""Settlement: once, in one transaction, with everybody's part to the last ledger unit."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select, text

from billing.calls import books
from billing.calls import service as calls
from billing.calls.errors import CallEnded, CallUnknown, IntervalOpen, PaidTimeBegan
from billing.calls.values import EndReason, Interval, NoPayer, TimelineEntry
from billing.catalogue.values import Availability
from billing.charging.errors import SessionState
from billing.charging.values import Grant, Quote, Refusal, Refused
from billing.kit.clock import to_ms
from billing.kit.ids import new_call_id
from billing.ledger.models import Transfer
from billing.shares.rules import InvalidShareRule
from billing.shares.service import ShareWithoutOwner, set_share
from billing.shares.values import ShareRule, Split
from billing.tariffs import service as tariffs
from tests.database.world import NOW, World, eur, tariff_of

START = to_ms(NOW)


@contextmanager
def counted(world: World) -> Iterator[list[str]]:
    """Collect the statements that reach the database."""
    statements: list[str] = []
    engine = world.sessions.kw["bind"].sync_engine

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(" ".join(statement.split()[:3]))

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


async def test_a_charge_is_split_together_by_largest_remainder(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    settlement = await world.settle(call_id, 252)
    assert settlement.split == Split(eur("5.04"), eur("0.84"), eur("2.94"), eur("1.26"))
    assert settlement.wallet_available == eur("4.96")
    lines = (await world.record(call_id)).ledger
    assert [(line.kind, line.debit, line.credit, line.amount) for line in lines] == [
        ("pending", "wallet", "clearing", eur("6.00")),
        ("post", "wallet", "clearing", eur("5.04")),
        ("void", "wallet", "clearing", eur("0.96")),
        ("single", "clearing", "tax", eur("0.84")),
        ("single", "clearing", "expert-payable", eur("2.94")),
        ("single", "clearing", "platform-revenue", eur("1.26")),
    ]


async def test_settling_twice_gives_the_first_answer_and_moves_nothing(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    first = await world.settle(call_id, 60)
    second = await world.settle(call_id, 120, EndReason.EXPERT_HUNG_UP)
    assert second == first
    assert await world.available() == eur("8.80")
    assert (await world.record(call_id)).summary.reason == "caller-hung-up"


async def test_two_settlements_at_once_are_one(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    answers = await asyncio.gather(*(world.settle(call_id, 60) for _ in range(5)))
    assert all(answer == answers[0] for answer in answers)
    assert await world.available() == eur("8.80")


async def test_many_calls_of_one_caller_settle_at_once(world: World) -> None:
    await world.set_limits(day_limit=eur("100.00"), month_limit=eur("100.00"))
    await world.top_up("20.00")
    pairs = [await world.granted_call(), await world.granted_call(world.other_expert_id)]
    settled, extended = await asyncio.gather(
        world.settle(pairs[0], 100), world.update(pairs[1], 1, 150)
    )
    assert (settled.charge, extended.held) == (eur("2.00"), eur("9.00"))
    await world.settle(pairs[1], 400)
    assert await world.available() == eur("10.00")
    async with world.sessions() as s:
        assert await books.check(s) == []


async def test_without_paid_time_all_is_given_back(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    settlement = await world.settle(call_id, None, EndReason.EXPERT_NO_ANSWER)
    zero = eur("0")
    assert settlement.split == Split(zero, zero, zero, zero)
    assert (settlement.used_seconds, settlement.wallet_available) == (0, eur("10.00"))
    assert [line.kind for line in (await world.record(call_id)).ledger] == ["pending", "void"]


async def test_a_free_call_is_a_zero_line_with_its_reason(world: World) -> None:
    call_id = new_call_id()
    reception = await world.receive_as(call_id, number=None)
    assert reception.caller is None
    async with world.sessions.begin() as s:
        assert await calls.reserve_free(s, call_id, world.expert_id, NOW) is None
        settlement = await calls.settle(
            s,
            call_id,
            intervals=(),
            reason=EndReason.FREE_LIMIT,
            no_payer=NoPayer.CALLER_UNKNOWN,
            at=NOW,
        )
    assert (settlement.split, settlement.charge, settlement.wallet_available) == (None,) * 3
    assert (await world.record(call_id)).no_payer == "caller-unknown"


async def test_talk_beyond_the_grant_is_an_overrun_and_never_billed(world: World) -> None:
    await world.top_up("1.20")
    call_id = await world.granted_call()
    async with world.sessions.begin() as s:
        settlement = await calls.settle(
            s,
            call_id,
            intervals=[Interval(START, START + 61_900)],
            reason=EndReason.SERVICE_DOWN,
            no_payer=None,
            at=NOW,
        )
    assert (settlement.used_seconds, settlement.billed_seconds) == (61, 60)
    assert (settlement.overrun_ms, settlement.charge) == (1_900, eur("1.20"))


async def test_paid_time_in_pieces_is_rounded_down_once(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions.begin() as s:
        settlement = await calls.settle(
            s,
            call_id,
            intervals=[Interval(START, START + 1_600), Interval(START + 5_000, START + 6_600)],
            reason=EndReason.CALLER_HUNG_UP,
            no_payer=None,
            at=NOW,
            timeline=[TimelineEntry(START, "talk", {"bridge": "paid-1"})],
        )
    assert (settlement.used_seconds, settlement.charge) == (3, eur("0.06"))
    record = await world.record(call_id)
    assert len(record.intervals) == 2
    assert [entry.what for entry in record.timeline] == ["talk"]


async def test_paid_time_without_an_end_is_refused_and_nothing_changes(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions() as s:
        with pytest.raises(IntervalOpen):
            await calls.settle(
                s,
                call_id,
                intervals=[Interval(START, None)],
                reason=EndReason.CALLER_HUNG_UP,
                no_payer=None,
                at=NOW,
            )
    assert await world.available() == eur("4.00")


async def test_an_unknown_call_is_an_error(world: World) -> None:
    with pytest.raises(CallUnknown):
        await world.settle(new_call_id(), 1)


async def test_the_share_frozen_with_the_quote_is_the_share_paid(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions.begin() as s:
        await set_share(s, ShareRule(1_000), at=NOW, expert_id=world.expert_id)
    settlement = await world.settle(call_id, 252)
    assert settlement.split is not None
    assert settlement.split.expert == eur("2.94")


async def test_a_numbers_own_share_wins(world: World) -> None:
    await world.top_up("10.00")
    async with world.sessions.begin() as s:
        await set_share(s, ShareRule(5_000, "gross"), at=NOW, number_id=world.number_id)
    call_id = await world.granted_call()
    settlement = await world.settle(call_id, 252)
    assert settlement.split is not None
    assert settlement.split.expert == eur("2.52")


async def test_a_share_of_more_than_tax_leaves_is_refused(world: World) -> None:
    async with world.sessions() as s:
        with pytest.raises(InvalidShareRule, match="more than what is left"):
            await set_share(s, ShareRule(9_000, "gross"), at=NOW, expert_id=world.expert_id)
        with pytest.raises(ShareWithoutOwner):
            await set_share(s, ShareRule(), at=NOW)


async def test_a_share_of_nothing_moves_nothing(world: World) -> None:
    async with world.sessions.begin() as s:
        await set_share(s, ShareRule(10_000), at=NOW, expert_id=world.expert_id)
        await tariffs.add_version(
            s, name="standard", tariff=tariff_of(tax_basis_points=0), valid_from=NOW, at=NOW
        )
    await world.top_up("10.00")
    call_id = await world.granted_call()
    settlement = await world.settle(call_id, 60)
    assert settlement.split == Split(eur("1.20"), eur("0"), eur("1.20"), eur("0"))
    async with world.sessions() as s:
        assert await books.check(s) == []


async def test_the_number_of_statements_is_fixed(world: World) -> None:
    await world.top_up("100.00")
    short = await world.granted_call()
    with counted(world) as of_short:
        await world.settle(short, 60)
    long = await world.granted_call()
    for request, used in enumerate((150, 300, 450, 600), 1):
        await world.update(long, request, used)
    start = START
    pieces = [Interval(start + n * 100_000, start + n * 100_000 + 90_000) for n in range(8)]
    with counted(world) as of_long:
        async with world.sessions.begin() as s:
            await calls.settle(
                s,
                long,
                intervals=pieces,
                reason=EndReason.CALLER_HUNG_UP,
                no_payer=None,
                at=NOW,
            )
    # Eleven of ours, and the follow-up job beside them on the driver's own connection.
    assert len(of_short) == 11, of_short
    assert of_long == of_short
    async with world.sessions() as s:
        jobs = await s.scalar(
            text("SELECT count(*) FROM procrastinate_jobs WHERE args ? 'amounts'")
        )
        # Caller made, topped up, two calls settled.
        assert jobs == 4


async def test_a_settlement_rolled_back_leaves_no_job_and_no_transfer(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    count = select(func.count()).select_from(Transfer)
    jobs = text("SELECT count(*) FROM procrastinate_jobs")
    async with world.sessions() as s:
        before = (await s.scalar(count), await s.scalar(jobs))
        await calls.settle(
            s,
            call_id,
            intervals=[Interval(START, START + 60_000)],
            reason=EndReason.CALLER_HUNG_UP,
            no_payer=None,
            at=NOW,
        )
        await s.rollback()
        assert (await s.scalar(count), await s.scalar(jobs)) == before


async def test_release_frees_money_and_expert_and_the_call_chooses_anew(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions.begin() as s:
        await calls.release(s, call_id, reason=EndReason.EXPERT_NO_ANSWER)
    async with world.sessions.begin() as s:
        await calls.release(s, call_id, reason=EndReason.EXPERT_NO_ANSWER)
    assert await world.available() == eur("10.00")
    assert (await world.availability(world.expert_id)) is Availability.AVAILABLE

    assert isinstance(await world.quote(call_id, world.other_expert_id), Quote)
    assert await world.initial(call_id) == Grant(1, 300, 500, final=False, held=eur("6.00"))
    assert await world.update(call_id, 2, 150) == Grant(2, 450, 500, final=False, held=eur("9.00"))
    settlement = await world.settle(call_id, 60)
    assert settlement.charge == eur("1.20")
    assert (await world.record(call_id)).expert_id == world.other_expert_id
    async with world.sessions() as s:
        assert await books.check(s) == []


async def test_the_same_expert_can_be_tried_again_without_a_new_quote(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions.begin() as s:
        await calls.release(s, call_id, reason=EndReason.EXPERT_NO_ANSWER)
    assert await world.initial(call_id) == Grant(1, 300, 500, final=False, held=eur("6.00"))


async def test_a_call_with_paid_time_is_never_just_released(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions.begin() as s:
        await calls.talk_started(
            s, call_id, bridge=f"{call_id}-paid-1", paid=True, start_ms=START, at=NOW
        )
    async with world.sessions() as s:
        with pytest.raises(PaidTimeBegan):
            await calls.release(s, call_id, reason=EndReason.SERVICE_DOWN)
    await world.settle(call_id, 1)
    async with world.sessions() as s:
        with pytest.raises(CallEnded):
            await calls.release(s, call_id, reason=EndReason.SERVICE_DOWN)


async def test_one_expert_is_in_one_call_only(world: World) -> None:
    await world.top_up("100.00")
    pair = [await world.receive() for _ in range(6)]
    for call_id in pair:
        await world.quote(call_id)
    answers = await asyncio.gather(*(world.initial(call_id) for call_id in pair))
    assert sum(isinstance(answer, Grant) for answer in answers) == 1
    assert answers.count(Refused(Refusal.EXPERT_BUSY)) == 5
    assert await world.available() == eur("94.00")
    assert (await world.availability(world.expert_id)) is Availability.BUSY


async def test_a_free_talk_takes_the_expert_too(world: World) -> None:
    first, second = await world.receive(), await world.receive()
    async with world.sessions.begin() as s:
        assert await calls.reserve_free(s, first, world.expert_id, NOW) is None
        assert await calls.reserve_free(s, first, world.expert_id, NOW) is None
        busy = Refused(Refusal.EXPERT_BUSY)
        assert await calls.reserve_free(s, second, world.expert_id, NOW) == busy
    await world.settle(first, None, EndReason.FREE_LIMIT)
    async with world.sessions.begin() as s:
        assert await calls.reserve_free(s, second, world.expert_id, NOW) is None


async def test_nothing_is_reserved_or_quoted_for_a_call_that_has_ended(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.receive()
    await world.settle(call_id, None, EndReason.SERVICE_DOWN)
    with pytest.raises(CallEnded):
        async with world.sessions.begin() as s:
            await calls.reserve_free(s, call_id, world.expert_id, NOW)
    assert await world.availability(world.expert_id) is Availability.AVAILABLE
    with pytest.raises(SessionState):
        await world.quote(call_id)


async def test_a_refused_hold_leaves_the_expert_free(world: World) -> None:
    await world.top_up("10.00")
    other = await world.receive()
    await world.quote(other, world.other_expert_id)
    call_id = await world.granted_call()
    for request, used in ((1, 150), (2, 300)):
        await world.update(call_id, request, used)
    assert await world.initial(other) == Refused(Refusal.CREDIT_TOO_LOW)
    assert (await world.availability(world.other_expert_id)) is Availability.AVAILABLE


async def test_a_day_counts_by_the_callers_own_clock(world: World) -> None:
    await world.set_limits(day_limit=eur("2.00"))
    await world.top_up("100.00")
    # 23:30 in Paris, then 00:30 of the next day.
    world.now = NOW.replace(hour=22, minute=30)
    await world.paid_call(100)
    assert await world.quote(await world.receive()) == Refused(Refusal.DAY_LIMIT)
    world.now += timedelta(hours=1)
    assert isinstance(await world.quote(await world.receive()), Quote)
