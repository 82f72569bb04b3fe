"""Refunds in the database: exact parts, never more than was charged, once per key."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from billing.accounts.models import Spending
from billing.calls import books, lines, revenue
from billing.calls.revenue import By
from billing.disputes.errors import CallDisputed, CallNotEnded
from billing.disputes.values import Outcome
from billing.kit.errors import PrimelineError
from billing.kit.idempotency import KeyReused
from billing.ledger import service as ledger
from billing.ledger.values import AccountKind, Move, account_id
from billing.money.values import CurrencyMismatch, Money
from billing.refunds import service as refunds
from billing.refunds.asked import Asked
from billing.refunds.errors import (
    CarrierBilled,
    NothingCharged,
    RefundInvalid,
    RefundTooMuch,
    SecondsTooMany,
)
from billing.refunds.values import BorneBy, Refunded, RefundReason
from tests.database import test_segments as segments
from tests.database.test_disputes import balances, close, contest, wrong
from tests.database.test_premium_calls import held_call, make_premium, settle
from tests.database.world import NOW, World, eur


async def give(
    world: World, call_id: UUID, amount: str | None = None, key: str = "one", **more: Any
) -> Refunded:
    """Refund an amount, or with none all that is left, everybody giving his part."""
    reason = more.pop("reason", RefundReason.EXPERT_FAULT)
    asked = more.pop("asked", None) or Asked(None if amount is None else eur(amount))
    async with world.sessions.begin() as s:
        return await refunds.refund(
            s,
            call_id,
            asked,
            reason=reason,
            note="The expert slept.",
            by="sam",
            idempotency_key=key,
            at=NOW,
            **more,
        )


async def charged(world: World) -> UUID:
    """A call of 5.04: 0.84 tax, 2.94 the expert's, 1.26 the platform's."""
    await world.top_up("10.00")
    return await world.paid_call(252)


async def test_a_whole_call_goes_back_from_who_got_it_and_the_books_are_right(
    world: World,
) -> None:
    await world.top_up("10.00")
    before = await balances(world)
    call_id = await world.paid_call(252)
    made = await give(world, call_id)
    assert (made.refund.amount, made.left, made.available) == (eur("5.04"), eur("0"), eur("10.00"))
    parts = made.refund.parts
    assert (parts.tax, parts.expert, parts.platform) == (eur("0.84"), eur("2.94"), eur("1.26"))
    assert await balances(world) == before
    assert await world.available() == eur("10.00")
    assert await wrong(world) == []


async def test_many_partial_refunds_leave_nothing_and_take_no_more_than_was_paid(
    world: World,
) -> None:
    await world.top_up("10.00")
    before = await balances(world)
    call_id = await world.paid_call(252)
    for number in range(5):
        made = await give(world, call_id, "1.00", key=str(number))
    assert made.left == eur("0.04")
    with pytest.raises(RefundTooMuch, match=r"0\.0400 EUR can still be refunded"):
        await give(world, call_id, "0.05", key="too much")
    await give(world, call_id, "0.04", key="rest")
    with pytest.raises(RefundTooMuch):
        await give(world, call_id, key="again")
    assert await balances(world) == before
    assert await wrong(world) == []


async def test_at_the_platforms_cost_the_expert_keeps_his_part(world: World) -> None:
    call_id = await charged(world)
    before = await balances(world)
    made = await give(world, call_id, reason=RefundReason.SERVICE_FAULT)
    assert made.refund.borne_by == BorneBy.PLATFORM
    parts = made.refund.parts
    assert (parts.tax, parts.expert, parts.platform) == (eur("0.84"), eur("0"), eur("4.20"))
    after = await balances(world)
    assert after["expert-payable"] == before["expert-payable"]
    assert after["platform-revenue"] == -eur("2.94").amount
    assert await wrong(world) == []


async def test_seconds_are_worth_what_the_call_would_have_cost_less(world: World) -> None:
    call_id = await charged(world)
    made = await give(world, call_id, asked=Asked(seconds=31))
    assert made.refund.amount == eur("0.62")
    assert made.refund.seconds == 31
    with pytest.raises(SecondsTooMany, match="221 billed seconds"):
        await give(world, call_id, key="two", asked=Asked(seconds=222))
    made = await give(world, call_id, key="three", asked=Asked(seconds=221))
    assert (made.refund.amount, made.left) == (eur("4.42"), eur("0"))
    assert await wrong(world) == []


async def test_ten_refunds_at_once_give_back_no_more_than_the_call_cost(world: World) -> None:
    call_id = await charged(world)
    done = await asyncio.gather(
        *(give(world, call_id, "1.00", key=str(number)) for number in range(10)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Refunded) for one in done) == 5
    assert sum(isinstance(one, RefundTooMuch) for one in done) == 5
    assert await world.available() == eur("9.96")
    assert await wrong(world) == []


async def test_the_same_key_refunds_once_and_answers_the_same_at_once_and_later(
    world: World,
) -> None:
    call_id = await charged(world)
    first, second = await asyncio.gather(give(world, call_id, "1.00"), give(world, call_id, "1.00"))
    assert first.refund == second.refund
    assert {first.new, second.new} == {True, False}
    again = await give(world, call_id, "1.00")
    assert (again.available, again.left, again.new) == (eur("5.96"), eur("4.04"), False)
    with pytest.raises(KeyReused):
        await give(world, call_id, "2.00")
    assert await world.available() == eur("5.96")


async def test_a_refund_frees_the_limits_that_the_call_counts_under(world: World) -> None:
    await world.set_limits(day_limit=eur("6.00"), month_limit=eur("8.00"))
    call_id = await charged(world)
    await give(world, call_id, "2.00")
    async with world.sessions() as s:
        assert set(await s.scalars(select(Spending.posted))) == {eur("3.04").amount}
    assert await wrong(world) == []


async def test_an_upheld_dispute_gives_back_the_rest_frees_the_limits_and_leaves_the_report(
    world: World,
) -> None:
    await world.set_limits(day_limit=eur("6.00"))
    call_id = await charged(world)
    await give(world, call_id, "2.00", reason=RefundReason.GOODWILL)
    closed = await close(world, await contest(world, call_id), Outcome.UPHELD)
    assert closed.returned == eur("3.04")
    assert await world.available() == eur("10.00")
    async with world.sessions() as s:
        assert await s.scalar(select(func.sum(Spending.posted))) == 0
        found = await revenue.report(s, by=By.TOTAL, first=date(2026, 11, 1), last=NOW.date())
        kept = await refunds.refunds_of(s, call_id)
    (line,) = found.totals
    assert (line.gross, line.tax, line.expert, line.platform) == (eur("0"),) * 4
    assert (line.paid_calls, line.unpaid, line.refunded) == (0, {"refunded": 1}, eur("5.04"))
    assert [one.reason for one in kept] == [RefundReason.GOODWILL, RefundReason.DISPUTE_UPHELD]
    assert await wrong(world) == []
    with pytest.raises(CallDisputed, match="upheld"):
        await give(world, call_id, "1.00", key="more")


async def test_an_upheld_premium_call_leaves_the_report(world: World) -> None:
    await make_premium(world)
    call_id = await held_call(world)
    await settle(world, call_id)
    with pytest.raises(CarrierBilled, match="phone company"):
        await give(world, call_id)
    await close(world, await contest(world, call_id), Outcome.UPHELD)
    async with world.sessions() as s:
        found = await revenue.report(s, by=By.TOTAL, first=date(2026, 11, 1), last=NOW.date())
    (line,) = found.totals
    assert (line.expected.outpayment, line.expected.expert) == (eur("0"), eur("0"))
    assert (line.gross, line.refunded) == (eur("0"), eur("0"))
    assert await wrong(world) == []


async def test_a_report_and_what_the_caller_hears_are_less_by_a_refund(world: World) -> None:
    call_id = await charged(world)
    await give(world, call_id, "2.52")
    async with world.sessions() as s:
        found = await revenue.report(s, by=By.EXPERT, first=date(2026, 11, 1), last=NOW.date())
        (talk,) = await lines.last_calls(s, world.account_id, 3)
        explained = (await ledger.explain_page(s, world.wallet_id, limit=100)).items
    (line,) = found.lines
    assert (line.gross, line.tax, line.expert, line.platform, line.refunded) == (
        eur("2.52"),
        eur("0.42"),
        eur("1.47"),
        eur("0.63"),
        eur("2.52"),
    )
    assert talk.cost == eur("2.52")
    assert (explained[-1].line.reason, explained[-1].balance) == ("refund", eur("7.48"))


async def test_an_expert_who_was_paid_already_owes_his_part(world: World) -> None:
    call_id = await charged(world)
    payable = account_id(AccountKind.EXPERT_PAYABLE, "EUR", world.expert_id)
    async with world.sessions.begin() as s:
        cash = account_id(AccountKind.CASH, "EUR")
        paid = Move(UUID(int=1), "single", payable, cash, eur("2.94"), "payout")
        await ledger.add_transfers(s, [paid])
    await give(world, call_id)
    assert (await balances(world))["expert-payable"] == -eur("2.94").amount
    assert await wrong(world) == []


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (Asked(eur("0")), RefundInvalid),
        (Asked(Money(150, "EUR")), RefundInvalid),
        (Asked(Money(-10_000, "EUR")), RefundInvalid),
        (Asked(seconds=0), RefundInvalid),
        (Asked(eur("1.00"), 5), RefundInvalid),
        (Asked(Money(10_000, "USD")), CurrencyMismatch),
    ],
)
async def test_what_no_refund_can_be_moves_nothing(
    world: World, asked: Asked, error: type[PrimelineError]
) -> None:
    call_id = await charged(world)
    with pytest.raises(error):
        await give(world, call_id, asked=asked)
    assert await world.available() == eur("4.96")


async def test_calls_that_go_on_are_contested_or_cost_nothing_arent_refunded(
    world: World,
) -> None:
    await world.top_up("20.00")
    free = await world.granted_call()
    with pytest.raises(CallNotEnded):
        await give(world, free)
    await world.settle(free, None)
    with pytest.raises(NothingCharged):
        await give(world, free)
    contested = await world.paid_call(60)
    await contest(world, contested)
    with pytest.raises(CallDisputed, match="it is open"):
        await give(world, contested)
    with pytest.raises(RefundInvalid, match="upheld"):
        await give(world, contested, reason=RefundReason.DISPUTE_UPHELD)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE refunds SET amount = amount + 100, platform = platform + 100", "refund-parts"),
        ("UPDATE refunds SET tax = tax + 1, expert = expert - 1", "refund-parts"),
        ("DELETE FROM refunds", "refund-parts"),
        (
            "UPDATE refunds SET amount = 60000, tax = 10000, expert = 40000, platform = 10000",
            "refunds",
        ),
    ],
)
async def test_the_books_notice_doctored_refunds(world: World, statement: str, found: str) -> None:
    call_id = await charged(world)
    await give(world, call_id, "2.00")
    async with world.sessions.begin() as s:
        await s.execute(text("SET LOCAL session_replication_role = replica"))
        await s.execute(text(statement))
    async with world.sessions() as s:
        assert found in {one.check for one in await books.check(s)}


async def test_a_call_of_two_prices_loses_its_last_seconds_first_and_may_go_back_whole(
    world: World,
) -> None:
    await world.set_limits(day_limit=eur("9.00"))
    await world.top_up("10.00")
    before = await balances(world)
    call_id = await world.granted_call()
    first = segments.talked((0, 61))
    await segments.close(world, call_id, first)
    await segments.new_price(world, "3.00")
    await segments.again(world, call_id)
    await segments.settle(world, call_id, [*first, *segments.talked((100, 110))])
    made = await give(world, call_id, asked=Asked(seconds=21))
    assert made.refund.amount == eur("0.72")  # 10 s at 3.00 and 11 s at 1.20
    assert await wrong(world) == []
    await give(world, call_id, key="rest")
    assert await balances(world) == before
    assert await wrong(world) == []
