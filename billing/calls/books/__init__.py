"""`books check`: proves from the rows alone that everybody's money is right."""

from collections.abc import Awaitable, Callable
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.books import ledger, settled
from billing.calls.books.values import Finding

__all__ = ["Finding", "check"]

_CHECKS: Final[tuple[Callable[[AsyncSession], Awaitable[list[Finding]]], ...]] = (
    ledger.sums,
    ledger.orphans,
    ledger.wallets,
    ledger.holds,
    ledger.resolutions,
    ledger.clearing,
    settled.grants,
    settled.settled_once,
    settled.parts,
    settled.rated,
    settled.experts,
    settled.spendings,
    settled.reservations,
)


async def check(s: AsyncSession) -> list[Finding]:
    """Check all of the books in one REPEATABLE READ snapshot; [] means that all is right.

    Needs a session that has no transaction yet. Reads only.
    """
    await s.connection(
        execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    )
    await s.execute(text("SET LOCAL statement_timeout = 0"))
    return [finding for part in _CHECKS for finding in await part(s)]
