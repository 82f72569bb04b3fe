"""`books check`: proves from the rows alone that everybody's money is right."""

from collections.abc import Awaitable, Callable
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.books import (
    adjustments,
    disputes,
    ledger,
    premium,
    refunds,
    settled,
    statements,
)
from billing.calls.books.values import Finding
from billing.kit.database import allow

__all__ = ["Finding", "check"]

_CHECKS: Final[tuple[Callable[[AsyncSession], Awaitable[list[Finding]]], ...]] = (
    ledger.sums,
    ledger.orphans,
    ledger.wallets,
    ledger.holds,
    ledger.resolutions,
    ledger.clearing,
    ledger.vouchers,
    settled.grants,
    settled.settled_once,
    settled.parts,
    settled.rated,
    settled.experts,
    settled.spendings,
    settled.reservations,
    premium.settled,
    premium.parts,
    premium.rated,
    premium.spendings,
    statements.closed,
    statements.lines,
    statements.shared,
    disputes.returned,
    refunds.parts,
    refunds.bounded,
    adjustments.moved,
    adjustments.paid_back,
)


async def check(s: AsyncSession, *, within_ms: int = 0) -> list[Finding]:
    """Check all of the books in one REPEATABLE READ snapshot; [] means that all is right.

    Needs a session that has no transaction yet. Reads only. No statement may take longer than
    `within_ms`; 0: as long as it needs.
    """
    await s.connection(
        execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    )
    await allow(s, within_ms)
    return [finding for part in _CHECKS for finding in await part(s)]
