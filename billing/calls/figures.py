"""Sums over the calls that go on, for whoever watches the system."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from billing.calls.models import CallRow
from billing.ledger.models import Transfer
from billing.money.values import Money


@dataclass(frozen=True, slots=True)
class OpenHolds:
    """How many holds there are in one currency, and what they hold together."""

    count: int
    held: Money


async def open_holds(s: AsyncSession) -> list[OpenHolds]:
    """Sum the holds of calls that go on, by currency; costs as much as there are such calls."""
    done = aliased(Transfer)
    query = (
        select(Transfer.currency, func.count(), func.sum(Transfer.amount))
        .join(CallRow, CallRow.id == Transfer.call_id)
        .where(
            CallRow.ended_at.is_(None),
            Transfer.kind == "pending",
            ~select(done.id).where(done.pending_id == Transfer.id).exists(),
        )
        .group_by(Transfer.currency)
        .order_by(Transfer.currency)
    )
    return [
        OpenHolds(count, Money(int(amount), currency))
        for currency, count, amount in await s.execute(query)
    ]
