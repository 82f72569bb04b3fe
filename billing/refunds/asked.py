"""How much a refund gives back: what was asked for, within what is left of the call's charge."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from billing.charging import sessions
from billing.charging.models import ChargingSession
from billing.charging.segments import closed_segments
from billing.ledger.models import RefundRow, SettlementRow
from billing.money.values import Money
from billing.refunds import rules
from billing.refunds.errors import (
    RefundInvalid,
    RefundTooMuch,
    SecondsTooMany,
    SecondsWorthNothing,
)
from billing.tariffs.values import Tariff


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a call is to go back: an amount, seconds of talk, or, with neither, all the rest."""

    amount: Money | None = None
    seconds: int | None = None

    def check(self) -> None:
        """Raise RefundInvalid for both, nothing, or what is no whole number of cents."""
        if self.amount is not None and self.seconds is not None:
            raise RefundInvalid("A refund is of an amount or of seconds, not of both.")
        if self.seconds is not None and self.seconds <= 0:
            raise RefundInvalid("A refund is of at least one second.")
        if self.amount is not None and (self.amount.amount <= 0 or not self.amount.is_whole_minor):
            raise RefundInvalid("A refund is more than nothing and a whole number of cents.")


async def amount_of(
    s: AsyncSession,
    asked: Asked,
    settled: SettlementRow,
    session: ChargingSession,
    before: Sequence[RefundRow],
) -> Money:
    """Give what goes back, more than nothing; `before` are the call's refunds so far.

    Seconds are worth what the call would have cost less without them, at its own frozen tariffs;
    of all refunds by seconds together. Raises CurrencyMismatch, RefundTooMuch, SecondsTooMany or
    SecondsWorthNothing.
    """
    charged = Money(settled.charge, sessions.tariff_of(session).currency)
    left = charged - Money(sum(row.amount for row in before), charged.currency)
    wanted = left
    if asked.amount is not None:
        wanted = Money.zero(charged.currency) + asked.amount
    elif asked.seconds is not None:
        wanted = await _worth(s, asked.seconds, settled, session, before)
    if wanted > left or not left:
        raise RefundTooMuch(settled.call_id, charged, left)
    return wanted


async def _worth(
    s: AsyncSession,
    seconds: int,
    settled: SettlementRow,
    session: ChargingSession,
    before: Sequence[RefundRow],
) -> Money:
    by_seconds = [row for row in before if row.seconds is not None]
    given = sum(row.seconds or 0 for row in by_seconds)
    if given + seconds > settled.billed_seconds:
        raise SecondsTooMany(settled.call_id, settled.billed_seconds - given)
    talked = await _talked(s, settled, session)
    total = Money(settled.charge, talked[0][0].currency) - rules.charge_without(
        talked, given + seconds
    )
    worth = total - Money(sum(row.amount for row in by_seconds), total.currency)
    if worth.amount <= 0:
        raise SecondsWorthNothing(seconds)
    return worth


async def _talked(
    s: AsyncSession, settled: SettlementRow, session: ChargingSession
) -> list[tuple[Tariff, int]]:
    """List the call's segments in order, each with its tariff and the seconds billed."""
    closed = await closed_segments(s, session)
    talked = [(one.tariff, one.bill.billed_seconds) for one in closed]
    last = settled.billed_seconds - sum(billed for _, billed in talked)
    return [*talked, (sessions.tariff_of(session), last)]
