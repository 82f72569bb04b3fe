"""Spending limits: rows per account and period that holds are counted under."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import CallerAccount, Spending
from billing.kit.rows import RowsInsert

DAY = "day"
MONTH = "month"
NUMBER_ALONE = "number-alone"


@dataclass(frozen=True, slots=True, order=True)
class Limit:
    """At most `amount` ledger units within a period; ordered as their rows are locked."""

    period: str
    began_on: str
    amount: int

    def to_json(self) -> dict[str, Any]:
        """Freeze the limit."""
        return {"period": self.period, "began_on": self.began_on, "amount": self.amount}


def day_of(account: CallerAccount, at: datetime) -> str:
    """Give the account's own date at a moment."""
    return at.astimezone(ZoneInfo(account.time_zone)).date().isoformat()


def limits_of(account: CallerAccount, *, number_alone: bool, at: datetime) -> tuple[Limit, ...]:
    """List the limits that a call begun at `at` counts under, in the order of their locks."""
    day = day_of(account, at)
    limits = []
    if account.day_limit is not None:
        limits.append(Limit(DAY, day, account.day_limit))
    if account.month_limit is not None:
        limits.append(Limit(MONTH, day[:7], account.month_limit))
    if number_alone:
        limits.append(Limit(NUMBER_ALONE, day, account.number_alone_limit or 0))
    return tuple(sorted(limits))


_ROWS = RowsInsert(Spending, "account_id", "period", "began_on", "limit_amount")
_NEW_ROWS = _ROWS.statement.on_conflict_do_nothing()


async def ensure(s: AsyncSession, account_id: UUID, limits: Sequence[Limit]) -> None:
    """Make the rows of limits that have none yet."""
    if not limits:
        return
    rows = [
        {
            "account_id": account_id,
            "period": limit.period,
            "began_on": limit.began_on,
            "limit_amount": limit.amount,
        }
        for limit in limits
    ]
    await s.execute(_NEW_ROWS, _ROWS.given(rows))


def _keys(account_id: UUID, limits: Sequence[Limit]) -> Any:
    periods = [(limit.period, limit.began_on) for limit in limits]
    return (Spending.account_id == account_id) & tuple_(Spending.period, Spending.began_on).in_(
        periods
    )


async def left(
    s: AsyncSession, account_id: UUID, limits: Sequence[Limit], *, lock: bool = False
) -> int | None:
    """Give the least that any of the limits leaves, in ledger units; None: there are no limits."""
    if not limits:
        return None
    query = (
        select(Spending.period, Spending.began_on, Spending.posted + Spending.pending)
        .where(_keys(account_id, limits))
        .order_by(Spending.period, Spending.began_on)
    )
    rows = await s.execute(query.with_for_update() if lock else query)
    taken = {(period, began_on): amount for period, began_on, amount in rows}
    return min(limit.amount - taken.get((limit.period, limit.began_on), 0) for limit in limits)


async def hold(s: AsyncSession, account_id: UUID, limits: Sequence[Limit], amount: int) -> bool:
    """Count a hold under each limit, in order; False: one has no room, roll back."""
    for limit in limits:
        counted = await s.execute(
            update(Spending)
            .where(
                _keys(account_id, [limit]),
                Spending.posted + Spending.pending + amount <= limit.amount,
            )
            .values(pending=Spending.pending + amount, limit_amount=limit.amount)
            .returning(Spending.period)
            .execution_options(synchronize_session=False)
        )
        if counted.first() is None:
            return False
    return True


async def resolve(
    s: AsyncSession, account_id: UUID, limits: Sequence[Limit], *, paid: int, held: int
) -> None:
    """Take `held` out of what is pending under each limit, `paid` of it for good."""
    if not limits:
        return
    # The rows are locked in the order that holds take them, whatever the plan of the update is.
    locked = (
        select(Spending.account_id, Spending.period, Spending.began_on)
        .where(_keys(account_id, limits))
        .order_by(Spending.period, Spending.began_on)
        .with_for_update()
        .cte("locked")
    )
    await s.execute(
        update(Spending)
        .where(
            Spending.account_id == locked.c.account_id,
            Spending.period == locked.c.period,
            Spending.began_on == locked.c.began_on,
        )
        .values(posted=Spending.posted + paid, pending=Spending.pending - held)
        .execution_options(synchronize_session=False)
    )
