"""Disputed calls: an upheld one left nothing behind, and only those gave money back."""

from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.books.queries import DISPUTES
from billing.calls.books.values import Finding, rows_of, show


async def returned(s: AsyncSession) -> list[Finding]:
    """All that a call with an upheld dispute moved went back, once, and of no other call."""
    return [
        Finding(
            "disputes",
            f"call {row.call_id}",
            f"Call {row.call_id}: its upheld disputes returned {show(row.returned, row.currency)},"
            f" its transfers say {show(row.moved, row.currency)};"
            f" {show(row.left_over, row.currency)} stayed behind.",
        )
        for row in await rows_of(s, DISPUTES)
    ]
