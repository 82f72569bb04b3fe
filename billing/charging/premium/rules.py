"""The arithmetic of premium-rate calls. Seconds count from the caller's answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from billing.catalogue.rules import metered_seconds, outpayment, retail
from billing.catalogue.values import PremiumTerms
from billing.charging.premium.values import CallBounds, Cap, PremiumDue, PremiumOutcome
from billing.ledger.values import LedgerLine
from billing.money.values import Money
from billing.rulesets.values import CallRules
from billing.shares.rules import split
from billing.shares.values import ShareRule
from billing.tariffs.rules import affordable_seconds


@dataclass(frozen=True, slots=True)
class Due:
    """A spend notice and the second at which its amount is reached."""

    seconds: int
    at: Money
    kind: Literal["tell", "confirm"]


@dataclass(frozen=True, slots=True)
class PeriodCap:
    """What one caller number may spend in a day or month, and which one."""

    period: Literal["day", "month"]
    began_on: str
    amount: Money


def bounds_of(terms: PremiumTerms, asked: CallRules, *, skippable: bool) -> CallBounds:
    """Of what terms and rules ask of a call, take the stricter: 40.00 and 50.00 → 40.00.

    `skippable`: whether # ends the message, which depends on when the price rose.
    """

    def lower(mine: Money | None, theirs: Money | None) -> Money | None:
        return least([one for one in (mine, theirs) if one is not None])

    longest = terms.maximum_seconds
    if asked.maximum_seconds is not None:
        longest = min(longest, asked.maximum_seconds)
    return CallBounds(
        rule_set=asked.rule_set,
        maximum_seconds=longest,
        maximum_charge=lower(terms.maximum_charge, asked.maximum_charge),
        day_maximum=lower(terms.day_maximum, asked.day_maximum),
        month_maximum=lower(terms.month_maximum, asked.month_maximum),
        notices=asked.notices,
        message=asked.message,
        message_skippable=skippable,
        tone_gap_ms=asked.tone_gap_ms,
    )


def cap_of(terms: PremiumTerms, bounds: CallBounds, left: Money | None) -> Cap:
    """Give the second at which a call ends, with `left` of the day and month (None: no cap).

    At 0.80 a minute and at most 1.00 a call: 75 s, by amount. Where nothing may be spent: 0 s.
    """
    amounts = [notice.at for notice in bounds.notices if notice.kind == "end"]
    amounts += [amount for amount in (bounds.maximum_charge, left) if amount is not None]
    longest = min(bounds.maximum_seconds, terms.maximum_seconds)
    if amounts:
        seconds = affordable_seconds(terms.retail, min(amounts))
        if seconds < longest:
            return Cap(seconds, "amount")
    return Cap(longest, "seconds")


def period_caps(terms: PremiumTerms, bounds: CallBounds, at: datetime) -> tuple[PeriodCap, ...]:
    """Name the day and month that a call which came in at `at` counts in, where they are capped."""
    day = at.astimezone(ZoneInfo(terms.time_zone)).date().isoformat()
    caps = []
    if bounds.day_maximum is not None:
        caps.append(PeriodCap("day", day, bounds.day_maximum))
    if bounds.month_maximum is not None:
        caps.append(PeriodCap("month", day[:7], bounds.month_maximum))
    return tuple(caps)


def notices_due(terms: PremiumTerms, bounds: CallBounds, cap: Cap) -> tuple[Due, ...]:
    """Give the notices that fall before the cap, in their order: 1.00 at 0.80 a minute → 75 s."""
    due = [
        Due(affordable_seconds(terms.retail, notice.at), notice.at, notice.kind)
        for notice in bounds.notices
        if notice.kind != "end"
    ]
    return tuple(
        sorted((one for one in due if one.seconds < cap.seconds), key=lambda one: one.seconds)
    )


def outcome(
    terms: PremiumTerms,
    meter: tuple[int, int] | None,
    share: ShareRule | None,
) -> PremiumOutcome:
    """Rate a call by the carrier's meter (answer and release, ms); None: never answered.

    `share` None: no expert talked, so the platform has all of the outpayment.
    """
    seconds = metered_seconds(*meter) if meter else 0
    paid = outpayment(terms, seconds)
    parts = split(paid, 0, share) if share else None
    return PremiumOutcome(
        carrier=terms.carrier,
        answered_ms=meter[0] if meter else None,
        released_ms=max(meter) if meter else None,
        metered_seconds=seconds,
        retail=retail(terms, seconds),
        outpayment=paid,
        expert=parts.expert if parts else Money.zero(terms.currency),
        platform=parts.platform if parts else paid,
    )


def least(amounts: Sequence[Money]) -> Money | None:
    """The least amount, but not below zero; None of none."""
    if not amounts:
        return None
    lowest = min(amounts)
    return max(lowest, Money.zero(lowest.currency))


_CONFIRMED: Final = ("confirmed-", "corrected-")
_GIVEN_UP: Final = "written-off-"


def due_of(lines: Iterable[LedgerLine], currency: str) -> PremiumDue:
    """Sum up what a call's transfers made due: each account's change by its carrier's statements.

    What is listed after it was written off is due again.
    """
    state: Literal["expected", "due", "written-off"] = "expected"
    sums = {"carrier-due": 0, "expert-payable": 0, "platform-revenue": 0}
    for line in lines:
        if line.reason.startswith(_CONFIRMED):
            state = "due"
        elif line.reason.startswith(_GIVEN_UP):
            state = "written-off" if state == "expected" else state
        else:
            continue
        for account, signed in (
            (line.credit, line.amount.amount),
            (line.debit, -line.amount.amount),
        ):
            if account in sums:
                sums[account] += signed
    return PremiumDue(
        state,
        outpayment=Money(-sums["carrier-due"], currency),
        expert=Money(sums["expert-payable"], currency),
        platform=Money(sums["platform-revenue"], currency),
    )
