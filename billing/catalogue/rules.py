"""What premium terms come to: pure arithmetic of the carrier's meter."""

from typing import Final
from zoneinfo import available_timezones

from billing.catalogue.errors import InvalidPremiumTerms
from billing.catalogue.values import PremiumTerms
from billing.money.values import Money
from billing.tariffs.rules import LONGEST_TALK_SECONDS, charge

_SECONDS_PER_MINUTE: Final = 60
_MS_PER_SECOND: Final = 1_000


def metered_seconds(answered_ms: int, released_ms: int) -> int:
    """Seconds on the carrier's meter: each begun one counts, and an answered call has one.

    61 200 ms from answer to release are 62 s; a clock set back makes it one second.
    """
    return max(1, -((answered_ms - released_ms) // _MS_PER_SECOND))


def retail(terms: PremiumTerms, seconds: int) -> Money:
    """What the caller's phone company charges him: 62 s at 0.80 a minute → 0.82, rounded down."""
    return charge(terms.retail, seconds)


def outpayment(terms: PremiumTerms, seconds: int) -> Money:
    """What the carrier is expected to pay us, down to ledger units: 62 s at 0.52 → 0.5373.

    ValueError below zero seconds; nothing metered is nothing paid.
    """
    if seconds < 0:
        raise ValueError(f"{seconds} seconds can't be paid.")
    if seconds == 0:
        return Money.zero(terms.currency)
    by_time = terms.outpayment_per_minute.amount * seconds // _SECONDS_PER_MINUTE
    return Money(by_time + terms.outpayment_per_call.amount, terms.currency)


def dearer(new: PremiumTerms, old: PremiumTerms) -> bool:
    """Whether some call costs its caller more than before: a minute or a call costs more."""
    return (
        new.retail_per_minute > old.retail_per_minute or new.retail_per_call > old.retail_per_call
    )


def check(terms: PremiumTerms) -> None:
    """Raise InvalidPremiumTerms, with a sentence, unless the terms can be used.

    Caps of price by country are the rule set's business, not looked at here.
    """
    _check_amounts(terms)
    for name in ("carrier", "country", "publisher", "service", "category"):
        if not getattr(terms, name).strip():
            raise InvalidPremiumTerms(f"A premium-rate number needs a {name}.")
    for name in ("publisher", "service"):
        if not any(letter.isalnum() for letter in getattr(terms, name)):
            raise InvalidPremiumTerms(f"The {name} is told to callers: it needs a letter or digit.")
    if terms.announced_by not in {"carrier", "us"}:
        raise InvalidPremiumTerms("The price is announced by the carrier or by us.")
    if terms.time_zone not in available_timezones():
        raise InvalidPremiumTerms(f"There is no time zone {terms.time_zone!r}.")
    if not 1 <= terms.maximum_seconds <= LONGEST_TALK_SECONDS:
        raise InvalidPremiumTerms(
            f"The longest call must be 1 to {LONGEST_TALK_SECONDS} seconds,"
            f" not {terms.maximum_seconds}."
        )


def _check_amounts(terms: PremiumTerms) -> None:
    retail_prices = {
        "retail price per minute": terms.retail_per_minute,
        "retail price per call": terms.retail_per_call,
    }
    caps = {
        "highest charge of a call": terms.maximum_charge,
        "highest charge of a day": terms.day_maximum,
        "highest charge of a month": terms.month_maximum,
    }
    outpayments = {
        "outpayment per minute": terms.outpayment_per_minute,
        "outpayment per call": terms.outpayment_per_call,
    }
    for name, money in (retail_prices | outpayments | caps).items():
        if money is None:
            continue
        if money.currency != terms.currency:
            raise InvalidPremiumTerms(
                f"The {name} is in {money.currency}, the retail price in {terms.currency};"
                " terms have one currency."
            )
        if money.amount < 0:
            raise InvalidPremiumTerms(f"The {name} is below zero.")
        if name not in outpayments and not money.is_whole_minor:
            raise InvalidPremiumTerms(f"The {name} is not a whole number of cents.")
    if not terms.retail_per_minute and not terms.retail_per_call:
        raise InvalidPremiumTerms("A premium-rate number has a retail price.")
    if (
        terms.outpayment_per_minute > terms.retail_per_minute
        or terms.outpayment_per_call > terms.retail_per_call
    ):
        raise InvalidPremiumTerms("No carrier pays out more than it charges the caller.")
