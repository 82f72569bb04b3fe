"""Adjustments: an operator credits or debits a caller or an expert, or pays credit back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.errors import CallerUnknown
from billing.accounts.models import CallerAccount
from billing.adjustments.errors import (
    AdjustmentInvalid,
    CreditTooLittle,
    PaidInTooLittle,
    PayableTooLittle,
)
from billing.adjustments.listing import get_adjustment
from billing.adjustments.values import (
    ADJUSTMENT_REASONS,
    LARGEST_MINOR,
    PAY_BACK_REASONS,
    Adjusted,
    AdjustmentKind,
    Why,
)
from billing.catalogue.errors import ExpertUnknown
from billing.catalogue.models import Expert
from billing.kit import idempotency
from billing.kit.ids import new_call_id, transfer_id
from billing.kit.jobs import defer
from billing.ledger import service as ledger
from billing.ledger.models import AdjustmentRow
from billing.ledger.values import AccountKind, Move, account_id
from billing.money.values import CurrencyMismatch, Money


async def adjust_caller(
    s: AsyncSession, caller_id: UUID, amount: Money, why: Why, *, idempotency_key: str, at: datetime
) -> Adjusted:
    """Credit a caller, or debit him (`amount` below zero), once per key.

    The platform's goodwill gives or takes it. A debit takes neither what calls hold nor a credit
    line. Raises AdjustmentInvalid, CallerUnknown, CurrencyMismatch, CreditTooLittle or KeyReused.
    """
    _check(amount)
    _check_reason(why, AdjustmentKind.ADJUSTMENT)
    key = f"adjustment:{idempotency_key}"
    request = _request("caller", caller_id, amount, why)
    before = await idempotency.begin(s, key, request, at)
    if before is not None:
        return await _again(s, before)
    wallet = await _wallet(s, caller_id, amount.currency)
    await ledger.ensure_accounts(s, [(AccountKind.GOODWILL, None)], amount.currency)
    if amount.amount > 0:
        available = await ledger.credit_wallet(s, wallet, amount.amount)
    elif (taken := await ledger.take_from_wallet(s, wallet, -amount.amount)) is not None:
        available = taken
    else:
        raise CreditTooLittle(-amount)
    kind = AdjustmentKind.ADJUSTMENT
    row = await _write(s, kind, wallet, amount, why, at)
    await defer(s, "render-prompts", amounts=[[available, amount.currency]])
    return await _made(s, key, row, available)


async def pay_back(
    s: AsyncSession,
    caller_id: UUID,
    amount: Money | None,
    why: Why,
    *,
    idempotency_key: str,
    at: datetime,
) -> Adjusted:
    """Note that unused credit was paid back to a caller, all that can be or `amount`, once per key.

    Only what was paid in goes out: credit of vouchers and adjustments can be talked away, not paid
    out, and a call is taken to have used it first. To a removed caller, too: a refund may have come
    after. Raises AdjustmentInvalid, CallerUnknown,
    CurrencyMismatch, PaidInTooLittle or KeyReused.
    """
    if amount is not None:
        _check(amount, signed=False)
    _check_reason(why, AdjustmentKind.PAID_BACK)
    key = f"pay-back:{idempotency_key}"
    request = _request("pay-back", caller_id, amount, why)
    before = await idempotency.begin(s, key, request, at)
    if before is not None:
        return await _again(s, before)
    account = await _caller(s, caller_id, removed_too=True)
    currency = account.currency
    if amount is not None and amount.currency != currency:
        raise CurrencyMismatch(currency, amount.currency)
    wallet = account.wallet_id
    await ledger.ensure_accounts(s, [(AccountKind.CASH, None)], currency)
    # From here on nobody else changes the wallet, so that what is read of it stays true.
    await ledger.read_wallet(s, wallet, lock=True)
    most = Money(await ledger.returnable(s, wallet), currency)
    wanted = most if amount is None else amount
    if not wanted or wanted > most:
        raise PaidInTooLittle(most)
    available = await ledger.take_from_wallet(s, wallet, wanted.amount)
    assert available is not None  # locked, and no more than is free
    row = await _write(s, AdjustmentKind.PAID_BACK, wallet, -wanted, why, at)
    await defer(s, "render-prompts", amounts=[[available, currency]])
    return await _made(s, key, row, available)


async def adjust_expert(
    s: AsyncSession, expert_id: UUID, amount: Money, why: Why, *, idempotency_key: str, at: datetime
) -> Adjusted:
    """Credit what is payable to an expert, or debit it (`amount` below zero), once per key.

    The platform's goodwill gives or takes it. No debit takes more than is payable; only refunds
    may. Raises AdjustmentInvalid, ExpertUnknown, PayableTooLittle or KeyReused.
    """
    _check(amount)
    _check_reason(why, AdjustmentKind.ADJUSTMENT)
    key = f"expert-adjustment:{idempotency_key}"
    request = _request("expert", expert_id, amount, why)
    before = await idempotency.begin(s, key, request, at)
    if before is not None:
        return await _again(s, before)
    if await s.get(Expert, expert_id) is None:
        raise ExpertUnknown(expert_id)
    currency = amount.currency
    of_expert = (AccountKind.EXPERT_PAYABLE, expert_id)
    await ledger.ensure_accounts(s, [(AccountKind.GOODWILL, None), of_expert], currency)
    payable = account_id(AccountKind.EXPERT_PAYABLE, currency, expert_id)
    balance = Money(await ledger.lock_balance(s, payable), currency)
    if amount.amount < 0 and (balance + amount).amount < 0:
        raise PayableTooLittle(balance)
    row = await _write(s, AdjustmentKind.ADJUSTMENT, payable, amount, why, at)
    return await _made(s, key, row, (balance + amount).amount)


def _check(amount: Money, *, signed: bool = True) -> None:
    if not amount or not amount.is_whole_minor or (not signed and amount.amount < 0):
        raise AdjustmentInvalid("The amount is more than nothing and a whole number of cents.")
    most = Money.of_minor(LARGEST_MINOR, amount.currency)
    if abs(amount.amount) > most.amount:
        raise AdjustmentInvalid(f"No more than {most} is moved at once by hand.")


def _check_reason(why: Why, kind: AdjustmentKind) -> None:
    of_kind = PAY_BACK_REASONS if kind is AdjustmentKind.PAID_BACK else ADJUSTMENT_REASONS
    if why.reason not in of_kind:
        raise AdjustmentInvalid(
            f"{why.reason} is no reason here; use {', '.join(sorted(of_kind))}."
        )
    if not why.note.strip():
        raise AdjustmentInvalid("Say why, in words.")


def _request(what: str, whose: UUID, amount: Money | None, why: Why) -> dict[str, object]:
    return {
        what: str(whose),
        "amount": amount and amount.amount,
        "currency": amount and amount.currency,
        "reason": str(why.reason),
        "note": why.note,
    }


async def _caller(s: AsyncSession, caller_id: UUID, *, removed_too: bool = False) -> CallerAccount:
    """Give a caller, who can't be removed before the commit."""
    account = await s.get(
        CallerAccount, caller_id, populate_existing=True, with_for_update={"read": True}
    )
    if account is None or (account.removed_at is not None and not removed_too):
        raise CallerUnknown(caller_id)
    return account


async def _wallet(s: AsyncSession, caller_id: UUID, currency: str) -> UUID:
    account = await _caller(s, caller_id)
    if account.currency != currency:
        raise CurrencyMismatch(account.currency, currency)
    return account.wallet_id


async def _write(
    s: AsyncSession,
    kind: AdjustmentKind,
    account: UUID,
    amount: Money,
    why: Why,
    at: datetime,
) -> AdjustmentRow:
    """Write the transfer, from or to the platform's goodwill or its cash, and its row."""
    paid_back = kind is AdjustmentKind.PAID_BACK
    counter = account_id(AccountKind.CASH if paid_back else AccountKind.GOODWILL, amount.currency)
    row_id = new_call_id()
    moved = transfer_id(row_id, str(kind))
    debit, credit = (counter, account) if amount.amount > 0 else (account, counter)
    size = Money(abs(amount.amount), amount.currency)
    await ledger.add_transfers(s, [Move(moved, "single", debit, credit, size, str(kind))])
    row = AdjustmentRow(
        id=row_id,
        kind=kind,
        transfer_id=moved,
        account_id=account,
        currency=amount.currency,
        amount=amount.amount,
        reason=why.reason,
        note=why.note,
        made_by=why.by,
        made_at=at,
    )
    s.add(row)
    await s.flush()
    return row


async def _made(s: AsyncSession, key: str, row: AdjustmentRow, left: int) -> Adjusted:
    await idempotency.finish(s, key, {"adjustment": str(row.id), "left": left})
    return Adjusted(await get_adjustment(s, row.id), Money(left, row.currency), new=True)


async def _again(s: AsyncSession, before: dict[str, object]) -> Adjusted:
    made = await get_adjustment(s, UUID(str(before["adjustment"])))
    return Adjusted(made, Money(int(str(before["left"])), made.amount.currency), new=False)
