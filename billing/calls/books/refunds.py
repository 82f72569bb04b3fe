"""Refunds: each is what its transfers moved, and no call gives more than it took."""

from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.books.queries import REFUND_PARTS, REFUNDS_BOUNDED
from billing.calls.books.values import Finding, rows_of, show


async def parts(s: AsyncSession) -> list[Finding]:
    """What a call's refunds and upheld dispute gave back is what their transfers say."""
    findings = []
    for row in await rows_of(s, REFUND_PARTS):
        for part in ("amount", "tax", "expert", "platform"):
            kept, moved = getattr(row, part), getattr(row, f"{part}_moved")
            if kept != moved:
                sentence = (
                    f"Call {row.call_id}: its refunds say {part} {show(kept, row.currency)}, their"
                    f" transfers {show(moved, row.currency)}."
                )
                findings.append(Finding("refund-parts", f"call {row.call_id}", sentence))
    return findings


async def bounded(s: AsyncSession) -> list[Finding]:
    """No more went back than was charged, and no more from the expert than he got."""
    return [
        Finding(
            "refunds",
            f"call {row.call_id}",
            f"Call {row.call_id}: {show(row.amount, row.currency)} of"
            f" {show(row.charge, row.currency)} was given back,"
            f" {show(row.expert_gave, row.currency)} of it by the expert, who got"
            f" {show(row.expert, row.currency)}.",
        )
        for row in await rows_of(s, REFUNDS_BOUNDED)
    ]
