"""What caller numbers spend at premium rate in a day and month: counted, held, resolved."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.charging.premium.models import PremiumSpending
from billing.charging.premium.rules import PeriodCap, least
from billing.money.values import Money


def _keys(caller_number: str, currency: str, periods: Sequence[tuple[str, str]]) -> Any:
    return (
        (PremiumSpending.caller_number == caller_number)
        & (PremiumSpending.currency == currency)
        & tuple_(PremiumSpending.period, PremiumSpending.began_on).in_(periods)
    )


async def left(s: AsyncSession, caller_number: str, caps: Sequence[PeriodCap]) -> Money | None:
    """Give what the caps leave a caller number, with their rows locked; None: there are none."""
    if not caps:
        return None
    currency = caps[0].amount.currency
    await s.execute(
        insert(PremiumSpending)
        .values(
            [
                {
                    "caller_number": caller_number,
                    "period": cap.period,
                    "began_on": cap.began_on,
                    "currency": currency,
                }
                for cap in caps
            ]
        )
        .on_conflict_do_nothing()
    )
    rows = await s.execute(
        select(
            PremiumSpending.period,
            PremiumSpending.began_on,
            PremiumSpending.posted + PremiumSpending.pending,
        )
        .where(_keys(caller_number, currency, [(cap.period, cap.began_on) for cap in caps]))
        .order_by(PremiumSpending.period, PremiumSpending.began_on)
        .with_for_update()
    )
    taken = {(period, began_on): amount for period, began_on, amount in rows}
    return least(
        [Money(cap.amount.amount - taken[cap.period, cap.began_on], currency) for cap in caps]
    )


async def hold(
    s: AsyncSession, caller_number: str, caps: Sequence[PeriodCap], amount: Money
) -> None:
    """Count what a call may come to under each cap; the rows are locked by `left`."""
    if caps:
        periods = [(cap.period, cap.began_on) for cap in caps]
        await _change(s, caller_number, amount.currency, periods, posted=0, pending=amount.amount)


async def resolve(
    s: AsyncSession,
    caller_number: str,
    periods: Sequence[tuple[str, str]],
    *,
    paid: Money,
    held: Money,
) -> None:
    """Take `held` out of what is pending in each period, `paid` of it for good."""
    if periods:
        await _change(
            s, caller_number, paid.currency, periods, posted=paid.amount, pending=-held.amount
        )


async def _change(
    s: AsyncSession,
    caller_number: str,
    currency: str,
    periods: Sequence[tuple[str, str]],
    *,
    posted: int,
    pending: int,
) -> None:
    # Locked in the order that all calls of a number take them.
    locked = (
        select(
            PremiumSpending.caller_number, PremiumSpending.period, PremiumSpending.began_on,
            PremiumSpending.currency,
        )
        .where(_keys(caller_number, currency, periods))
        .order_by(PremiumSpending.period, PremiumSpending.began_on)
        .with_for_update()
        .cte("locked")
    )  # fmt: skip
    await s.execute(
        update(PremiumSpending)
        .where(
            PremiumSpending.caller_number == locked.c.caller_number,
            PremiumSpending.period == locked.c.period,
            PremiumSpending.began_on == locked.c.began_on,
            PremiumSpending.currency == locked.c.currency,
        )
        .values(posted=PremiumSpending.posted + posted, pending=PremiumSpending.pending + pending)
        .execution_options(synchronize_session=False)
    )
