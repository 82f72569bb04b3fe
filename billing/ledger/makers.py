"""Who made the lines of a wallet: the operator or API key behind what calls didn't move."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.ids import transfer_id
from billing.kit.models import AuditEntry
from billing.ledger.models import AdjustmentRow, LedgerAccount, RefundRow, Transfer
from billing.ledger.values import ExplainedLine

_TOPPED_UP: Final = "topped-up"
_VOUCHER: Final = "voucher-redeemed"


async def makers_of(
    s: AsyncSession, wallet: UUID, lines: Iterable[ExplainedLine]
) -> dict[int, str]:
    """Give who made lines of a wallet, as the audit log names him, by their position.

    A line isn't in it where nobody made it by hand: what calls hold and take, and vouchers by
    telephone. Nor is a top-up from before the audit log named its transfer.
    """
    positions = [one.line.position for one in lines if one.line.kind == "single"]
    if not positions:
        return {}
    rows = await s.execute(
        select(Transfer.id, Transfer.position, Transfer.call_id).where(
            Transfer.position.in_(positions)
        )
    )
    moved = rows.all()
    ids = [row.id for row in moved]
    calls = {row.call_id for row in moved if row.call_id is not None}
    makers = (
        await _adjusted(s, ids) | await _refunded(s, wallet, calls) | await _paid_in(s, wallet, ids)
    )
    return {row.position: makers[row.id] for row in moved if row.id in makers}


async def _adjusted(s: AsyncSession, ids: list[UUID]) -> dict[UUID, str]:
    rows = await s.execute(
        select(AdjustmentRow.transfer_id, AdjustmentRow.made_by).where(
            AdjustmentRow.transfer_id.in_(ids)
        )
    )
    return {row.transfer_id: row.made_by for row in rows}


async def _refunded(s: AsyncSession, wallet: UUID, calls: set[UUID]) -> dict[UUID, str]:
    rows = await s.scalars(select(RefundRow).where(RefundRow.call_id.in_(calls)))
    found = {}
    for row in rows:
        found[transfer_id(row.call_id, "refund", str(row.id), "wallet")] = row.made_by
        if row.reason == "dispute-upheld":
            found[transfer_id(row.call_id, "dispute", str(wallet))] = row.made_by
    return found


async def _paid_in(s: AsyncSession, wallet: UUID, ids: list[UUID]) -> dict[UUID, str]:
    owner = await s.scalar(select(LedgerAccount.owner).where(LedgerAccount.id == wallet))
    transfer = AuditEntry.detail["transfer"].astext
    entries = await s.scalars(
        select(AuditEntry)
        .where(
            AuditEntry.subject == "caller",
            AuditEntry.subject_id == str(owner),
            or_(
                (AuditEntry.action == _TOPPED_UP) & transfer.in_([str(one) for one in ids]),
                AuditEntry.action == _VOUCHER,
            ),
        )
        .order_by(AuditEntry.id.desc())
    )
    # Of several, the oldest counts, which comes last: the others are repeats.
    return {
        UUID(one.detail["transfer"])
        if one.action == _TOPPED_UP
        else transfer_id(UUID(one.detail["voucher"]), "voucher"): one.actor
        for one in entries
    }
