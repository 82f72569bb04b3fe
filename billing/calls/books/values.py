"""What is found in books that aren't right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.money.text import to_decimal_string
from billing.money.values import Money


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: which check found it, the row, and what is wrong in words."""

    check: str
    row: str
    sentence: str


def show(amount: int | None, currency: str | None) -> str:
    """Write ledger units for a person; units alone where no currency is known."""
    if amount is None:
        return "nothing"
    if currency is None:
        return str(amount)
    return f"{to_decimal_string(Money(amount, currency))} {currency}"


async def rows_of(s: AsyncSession, query: str) -> Sequence[Row[Any]]:
    """Run one of the queries of the books."""
    return (await s.execute(text(query))).all()
