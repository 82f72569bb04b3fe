"""Adjustments: each is what its transfer moved, and no more was paid back than was paid in."""

from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.books.queries import ADJUSTMENTS, PAID_BACK
from billing.calls.books.values import Finding, rows_of, show


async def moved(s: AsyncSession) -> list[Finding]:
    """What was moved by hand has a row that says why, and the other way round."""
    return [
        Finding(
            "adjustments",
            f"adjustment {row.id}" if row.id else f"transfer {row.transfer_id}",
            f"Adjustment {row.id or 'missing'} says {show(row.amount, row.currency)}; its transfer"
            f" {row.transfer_id or 'missing'} moved {show(row.moved, row.currency)}.",
        )
        for row in await rows_of(s, ADJUSTMENTS)
    ]


async def paid_back(s: AsyncSession) -> list[Finding]:
    """A wallet paid no more back than was paid in."""
    return [
        Finding(
            "paid-back",
            f"wallet {row.wallet_id}",
            f"Wallet {row.wallet_id}: {show(row.paid_back, row.currency)} was paid back of"
            f" {show(row.paid_in, row.currency)} paid in.",
        )
        for row in await rows_of(s, PAID_BACK)
    ]
