"""What a caller may spend at most, as he hears it and lowers it himself."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.errors import CallerUnknown
from billing.accounts.models import CallerAccount
from billing.kit.errors import PrimelineError
from billing.money.values import Money


class LimitNotLower(PrimelineError):
    """A caller wants to spend more a day than he may: that is for the operator to say."""

    code = "limit-not-lower"

    def __init__(self) -> None:
        super().__init__("A caller can only lower the limit for a day himself.")


@dataclass(frozen=True, slots=True)
class OwnLimits:
    """The most that a call, a day and a month may cost; None: there is no such limit."""

    per_call: Money | None
    per_day: Money | None
    per_month: Money | None


async def limits_of(s: AsyncSession, account_id: UUID) -> OwnLimits:
    """Give a caller's limits. Raises CallerUnknown."""
    account = await s.get(CallerAccount, account_id)
    if account is None:
        raise CallerUnknown(account_id)

    def money(amount: int | None) -> Money | None:
        return None if amount is None else Money(amount, account.currency)

    return OwnLimits(
        money(account.call_limit), money(account.day_limit), money(account.month_limit)
    )


async def lower_day_limit(s: AsyncSession, account_id: UUID, limit: Money) -> None:
    """Set a caller's limit for a day, if it is lower than the one there is.

    Raises CallerUnknown, CurrencyMismatch or LimitNotLower.
    """
    account = await s.get(CallerAccount, account_id, populate_existing=True, with_for_update=True)
    if account is None:
        raise CallerUnknown(account_id)
    amount = (Money.zero(account.currency) + limit).amount
    if account.day_limit is not None and amount >= account.day_limit:
        raise LimitNotLower
    account.day_limit = amount
    await s.flush()
