"""Adjustments as they are listed and shown."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.adjustments.errors import AdjustmentUnknown
from billing.adjustments.values import Adjustment, AdjustmentKind, AdjustmentReason
from billing.kit.pages import After, Slice, take
from billing.ledger.models import AdjustmentRow, LedgerAccount
from billing.ledger.values import AccountKind
from billing.money.values import Money

_ADJUSTMENTS = select(AdjustmentRow, LedgerAccount.kind, LedgerAccount.owner).join(
    LedgerAccount, LedgerAccount.id == AdjustmentRow.account_id
)


async def get_adjustment(s: AsyncSession, adjustment_id: UUID) -> Adjustment:
    """Give an adjustment; raises AdjustmentUnknown."""
    found = (await s.execute(_ADJUSTMENTS.where(AdjustmentRow.id == adjustment_id))).first()
    if found is None:
        raise AdjustmentUnknown(adjustment_id)
    return _value(*found)


async def page_adjustments(
    s: AsyncSession, *, of: UUID | None = None, limit: int, after: After | None = None
) -> Slice[Adjustment]:
    """List adjustments, newest first, page by page; those of one caller or expert if given."""
    query = _ADJUSTMENTS
    if of is not None:
        query = query.where(LedgerAccount.owner == of)
    found = await take(s, query, (AdjustmentRow.id,), limit=limit, after=after, descending=True)
    return Slice(tuple(_value(*one) for one in found.items), found.after)


def _value(row: AdjustmentRow, kind: str, owner: UUID | None) -> Adjustment:
    return Adjustment(
        adjustment_id=row.id,
        kind=AdjustmentKind(row.kind),
        caller_id=owner if kind == AccountKind.WALLET else None,
        expert_id=owner if kind == AccountKind.EXPERT_PAYABLE else None,
        amount=Money(row.amount, row.currency),
        reason=AdjustmentReason(row.reason),
        note=row.note,
        made_by=row.made_by,
        made_at=row.made_at,
    )
