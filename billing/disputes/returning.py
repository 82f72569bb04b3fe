"""The money of an upheld dispute: all that a call moved goes back, once."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import spending
from billing.charging import sessions
from billing.disputes.rules import borne, undoing
from billing.disputes.values import Returning
from billing.kit.ids import new_call_id, transfer_id
from billing.ledger import service as ledger
from billing.ledger.models import LedgerAccount, RefundRow, Transfer
from billing.ledger.values import AccountKind, Move, account_id
from billing.money.values import Money

REASON: Final = "dispute-upheld"


async def give_back(
    s: AsyncSession, call_id: UUID, *, note: str, by: str, at: datetime
) -> Money | None:
    """Undo a call's transfers by new ones, and give what who paid got back; None: nothing moved.

    A premium-rate call's money goes back from where it is by now, expected or due. What a wallet
    gets back is free again under its spending limits. The ids are the call's and the account's: a
    second time is an error. The call must be locked.
    """
    left = await _left(s, call_id)
    if not left:
        return None
    (currency,) = {currency for _, _, currency in left}
    back = undoing(
        {(account, kind): left[account, kind, currency] for account, kind, _ in left}, currency
    )
    await ledger.add_transfers(s, [_move(call_id, one) for one in back])
    parts = borne(back)
    if back:
        s.add(
            RefundRow(
                id=new_call_id(),
                call_id=call_id,
                currency=currency,
                amount=parts.amount,
                tax=parts.tax,
                expert=parts.expert,
                platform=parts.platform,
                reason=REASON,
                note=note,
                borne_by="shared",
                made_by=by,
                made_at=at,
            )
        )
        await s.flush()
    for one in back:
        if one.kind == AccountKind.WALLET and one.to_account:
            session = await sessions.find(s, call_id)
            assert session is not None  # a wallet paid within it
            await spending.give_back(s, sessions.limits_of(session), one.amount.amount)
            await ledger.credit_wallet(s, one.account_id, one.amount.amount)
    return Money(parts.amount, currency)


async def _left(s: AsyncSession, call_id: UUID) -> dict[tuple[UUID, str, str], int]:
    """Sum up what the call moved on each account but clearing, in ledger units."""
    moved = Transfer.call_id == call_id, Transfer.kind.in_(["single", "post"])
    ends = (
        select(Transfer.credit_id.label("account_id"), Transfer.amount)
        .where(*moved)
        .union_all(select(Transfer.debit_id, -Transfer.amount).where(*moved))
        .subquery()
    )
    rows = await s.execute(
        select(
            LedgerAccount.id, LedgerAccount.kind, LedgerAccount.currency, func.sum(ends.c.amount)
        )
        .join(ends, ends.c.account_id == LedgerAccount.id)
        .where(LedgerAccount.kind != AccountKind.CLEARING)
        .group_by(LedgerAccount.id)
        .order_by(LedgerAccount.id)
    )
    return {(account, kind, currency): int(amount) for account, kind, currency, amount in rows}


def _move(call_id: UUID, one: Returning) -> Move:
    clearing = account_id(AccountKind.CLEARING, one.amount.currency)
    return Move(
        id=transfer_id(call_id, "dispute", str(one.account_id)),
        kind="single",
        debit=clearing if one.to_account else one.account_id,
        credit=one.account_id if one.to_account else clearing,
        amount=one.amount,
        reason=REASON,
        call_id=call_id,
    )
