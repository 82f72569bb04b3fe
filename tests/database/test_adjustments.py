"""Money that an operator moves by hand: once per key, never what is held, and the books agree."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.accounts.callers import remove_caller
from billing.accounts.errors import CallerUnknown
from billing.adjustments import service as adjustments
from billing.adjustments.errors import (
    AdjustmentInvalid,
    CreditTooLittle,
    PaidInTooLittle,
    PayableTooLittle,
)
from billing.adjustments.listing import page_adjustments
from billing.adjustments.values import Adjusted, AdjustmentReason, Why
from billing.catalogue.errors import ExpertUnknown
from billing.kit.idempotency import KeyReused
from billing.kit.ids import transfer_id
from billing.ledger import service as ledger
from billing.ledger.values import AccountKind, Move, account_id
from billing.money.text import parse
from billing.money.values import CurrencyMismatch, Money
from billing.refunds import service as refunds
from billing.refunds.asked import Asked
from billing.refunds.values import RefundReason
from tests.database.test_disputes import balances, wrong
from tests.database.world import NOW, World

GOODWILL = Why(AdjustmentReason.GOODWILL, "For the noise.", "sam")
ASKED = Why(AdjustmentReason.ASKED_FOR, "Moves abroad.", "sam")


def eur(amount: str) -> Money:
    return parse(amount, "EUR", negative_allowed=True, ledger_units=True)


async def adjust(world: World, amount: str, key: str = "one", why: Why = GOODWILL) -> Adjusted:
    async with world.sessions.begin() as s:
        return await adjustments.adjust_caller(
            s, world.account_id, eur(amount), why, idempotency_key=key, at=NOW
        )


async def pay_back(world: World, amount: str | None = None, key: str = "one") -> Adjusted:
    async with world.sessions.begin() as s:
        money = None if amount is None else eur(amount)
        return await adjustments.pay_back(
            s, world.account_id, money, ASKED, idempotency_key=key, at=NOW
        )


async def adjust_expert(world: World, amount: str, key: str = "one") -> Adjusted:
    async with world.sessions.begin() as s:
        return await adjustments.adjust_expert(
            s, world.expert_id, eur(amount), GOODWILL, idempotency_key=key, at=NOW
        )


async def test_a_credit_and_a_debit_move_goodwill_and_leave_their_reasons(world: World) -> None:
    made = await adjust(world, "5.00")
    assert (made.left, made.new, made.adjustment.caller_id) == (eur("5.00"), True, world.account_id)
    assert (await adjust(world, "-2.00", key="two")).left == eur("3.00")
    assert await world.available() == eur("3.00")
    assert (await balances(world))["goodwill"] == -eur("3.00").amount
    async with world.sessions() as s:
        listed = (await page_adjustments(s, of=world.account_id, limit=10)).items
    assert [one.amount for one in listed] == [eur("-2.00"), eur("5.00")]
    assert {(one.reason, one.note, one.made_by) for one in listed} == {
        ("goodwill", "For the noise.", "sam")
    }
    assert await wrong(world) == []


async def test_a_key_adjusts_once_at_once_and_later(world: World) -> None:
    many = await asyncio.gather(*(adjust(world, "1.00") for _ in range(5)))
    assert len({one.adjustment.adjustment_id for one in many}) == 1
    assert [one.new for one in many].count(True) == 1
    assert await world.available() == eur("1.00")
    with pytest.raises(KeyReused):
        await adjust(world, "2.00")
    with pytest.raises(KeyReused):
        await adjust(world, "1.00", why=Why(AdjustmentReason.BONUS, "Welcome.", "sam"))


async def test_a_debit_takes_nothing_that_a_call_holds(world: World) -> None:
    await world.top_up("10.00")
    await world.granted_call()
    free = await world.available()
    more = Money(free.amount + 100, "EUR")
    async with world.sessions.begin() as s:
        with pytest.raises(CreditTooLittle, match="no call holds"):
            await adjustments.adjust_caller(
                s, world.account_id, -more, GOODWILL, idempotency_key="one", at=NOW
            )
    with pytest.raises(PaidInTooLittle):
        await pay_back(world, "10.00")
    assert (await pay_back(world, key="all")).adjustment.amount == -free
    assert await world.available() == eur("0")
    assert await wrong(world) == []


async def test_ten_debits_at_once_take_no_more_than_there_is(world: World) -> None:
    await world.top_up("5.00")
    done = await asyncio.gather(
        *(adjust(world, "-1.00", key=str(number)) for number in range(10)), return_exceptions=True
    )
    assert sum(isinstance(one, Adjusted) for one in done) == 5
    assert sum(isinstance(one, CreditTooLittle) for one in done) == 5
    assert await world.available() == eur("0")
    assert await wrong(world) == []


async def test_ten_pay_backs_at_once_pay_out_no_more_than_was_paid_in(world: World) -> None:
    await world.top_up("5.00")
    await adjust(world, "20.00")
    done = await asyncio.gather(
        *(pay_back(world, "1.00", key=str(number)) for number in range(10)), return_exceptions=True
    )
    assert sum(isinstance(one, Adjusted) for one in done) == 5
    assert sum(isinstance(one, PaidInTooLittle) for one in done) == 5
    assert await world.available() == eur("20.00")
    assert (await balances(world)).get("cash", 0) == 0
    assert await wrong(world) == []


async def test_what_a_call_used_was_given_credit_first(world: World) -> None:
    await world.top_up("5.00")
    await adjust(world, "6.00")
    await world.paid_call(252)
    assert await world.available() == eur("5.96")
    assert (await pay_back(world)).adjustment.amount == eur("-5.00")
    with pytest.raises(PaidInTooLittle, match=r"Of this credit 0\.0000 EUR can be paid back"):
        await pay_back(world, "0.01", key="two")


async def test_credit_that_was_taken_back_as_a_mistake_is_not_paid_out(world: World) -> None:
    await world.top_up("200.00")
    await adjust(world, "-180.00")
    await adjust(world, "5.00", key="two")
    assert (await pay_back(world)).adjustment.amount == eur("-25.00")
    assert await wrong(world) == []


async def test_ten_debits_of_an_expert_at_once_take_no_more_than_is_payable(world: World) -> None:
    await world.top_up("10.00")
    await world.paid_call(252)
    assert (await adjust_expert(world, "2.06")).left == eur("5.00")
    done = await asyncio.gather(
        *(adjust_expert(world, "-1.00", key=f"{number}") for number in range(10)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Adjusted) for one in done) == 5
    assert sum(isinstance(one, PayableTooLittle) for one in done) == 5
    assert (await balances(world)).get("expert-payable", 0) == 0
    assert await wrong(world) == []


@pytest.mark.parametrize("amount", ["0", "1000000.01", "-1000000.01"])
async def test_nothing_and_huge_amounts_are_refused(world: World, amount: str) -> None:
    with pytest.raises(AdjustmentInvalid):
        await adjust(world, amount)
    with pytest.raises(AdjustmentInvalid):
        await adjust_expert(world, amount)


async def test_what_makes_no_sense_is_refused(world: World) -> None:
    with pytest.raises(AdjustmentInvalid, match="whole number of cents"):
        await adjust(world, "0.0001")
    with pytest.raises(AdjustmentInvalid, match="more than nothing"):
        await pay_back(world, "-1.00")
    with pytest.raises(AdjustmentInvalid, match="asked-for is no reason here"):
        await adjust(world, "1.00", why=ASKED)
    with pytest.raises(AdjustmentInvalid, match="in words"):
        await adjust(world, "1.00", why=Why(AdjustmentReason.OTHER, " ", "sam"))
    with pytest.raises(PaidInTooLittle):
        await pay_back(world)

    async def of_caller(whose: UUID, money: Money) -> Any:
        async with world.sessions.begin() as s:
            return await adjustments.adjust_caller(
                s, whose, money, GOODWILL, idempotency_key="x", at=NOW
            )

    with pytest.raises(CurrencyMismatch):
        await of_caller(world.account_id, Money.of_minor(100, "USD"))
    with pytest.raises(CallerUnknown):
        await of_caller(uuid4(), eur("1.00"))
    async with world.sessions.begin() as s:
        with pytest.raises(ExpertUnknown):
            await adjustments.adjust_expert(
                s, uuid4(), eur("1.00"), GOODWILL, idempotency_key="x", at=NOW
            )


async def test_a_removed_caller_is_not_credited(world: World) -> None:
    async with world.sessions.begin() as s:
        await remove_caller(s, world.account_id, expected=None, at=NOW)
    with pytest.raises(CallerUnknown):
        await adjust(world, "1.00")


async def test_the_books_find_money_moved_by_hand_without_a_reason(world: World) -> None:
    await adjust(world, "1.00")
    async with world.sessions.begin() as s:
        goodwill = account_id(AccountKind.GOODWILL, "EUR")
        moved = transfer_id(world.account_id, "by", "nobody")
        await ledger.add_transfers(
            s,
            [Move(moved, "single", goodwill, world.wallet_id, eur("2.00"), "adjustment")],
        )
        await ledger.credit_wallet(s, world.wallet_id, eur("2.00").amount)
    assert await wrong(world) == ["adjustments"]
    async with world.sessions.begin() as s:
        with pytest.raises(DBAPIError, match="only ever added"):
            await s.execute(text("UPDATE adjustments SET amount = 1"))


async def test_what_is_refunded_to_a_removed_caller_can_be_paid_back(world: World) -> None:
    """Nobody could spend it any more."""
    await world.top_up("5.04")
    call_id = await world.paid_call(252)
    async with world.sessions.begin() as s:
        await remove_caller(s, world.account_id, expected=None, at=NOW)
    async with world.sessions.begin() as s:
        await refunds.refund(
            s,
            call_id,
            Asked(),
            reason=RefundReason.EXPERT_FAULT,
            note="The expert slept.",
            by="sam",
            idempotency_key="one",
            at=NOW,
        )
    paid = await pay_back(world)
    assert (paid.adjustment.amount, paid.left) == (eur("-5.04"), eur("0.00"))
    assert await wrong(world) == []
