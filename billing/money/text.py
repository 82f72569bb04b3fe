"""Money shown to people, written into JSON and read from what people type."""

import re
from decimal import Decimal
from typing import Final

from babel import Locale
from babel.numbers import format_currency

from billing.kit.errors import PrimelineError
from billing.money.rules import LARGEST_MINOR, units_per_major
from billing.money.values import (
    LEDGER_UNITS_PER_MINOR,
    MINOR_PER_MAJOR,
    Money,
    UnknownCurrency,
)

_NUMBER: Final = re.compile(r"(?P<sign>[+-]?)(?P<whole>[0-9]+)(?:\.(?P<fraction>[0-9]+))?")
_SHOWN_CHARACTERS: Final = 40
_LEDGER_DIGITS: Final = 4


class AmountUnreadable(PrimelineError):
    """What was typed is no amount."""

    code = "amount-unreadable"

    def __init__(self, text: str) -> None:
        super().__init__(f"{text[:_SHOWN_CHARACTERS]!r} is not an amount; write it like 12.50.")


class AmountTooFine(PrimelineError):
    """An amount has more decimals than the currency."""

    code = "amount-too-fine"

    def __init__(self, text: str, currency: str, digits: int) -> None:
        super().__init__(
            f"{text[:_SHOWN_CHARACTERS]!r} has more than the {digits} decimals of {currency}."
        )


class AmountTooLarge(PrimelineError):
    """An amount is larger than any Primeline handles."""

    code = "amount-too-large"

    def __init__(self, currency: str) -> None:
        largest = to_decimal_string(Money.of_minor(LARGEST_MINOR, currency), places=2)
        super().__init__(f"The amount is too large; the largest possible is {largest} {currency}.")


class AmountNegative(PrimelineError):
    """An amount below zero was given where only a positive one makes sense."""

    code = "amount-negative"

    def __init__(self, text: str) -> None:
        super().__init__(f"{text[:_SHOWN_CHARACTERS]!r} is below zero, which is not possible here.")


def format_money(money: Money, locale: str) -> str:
    """Show an amount as people of `locale` ("en", "fr", "de_AT", "en-GB") write it: "€1.20".

    A whole number of cents has two decimals, anything finer four; nothing is ever rounded.
    """
    known = Locale.parse(locale.replace("-", "_"))
    major = Decimal(money.amount) / units_per_major(money.currency)
    if money.is_whole_minor:
        return format_currency(major, money.currency, locale=known)
    pattern = known.currency_formats["standard"].pattern.replace("0.00", "0.0000")
    return format_currency(
        major, money.currency, format=pattern, locale=known, currency_digits=False
    )


def to_decimal_string(money: Money, places: int = _LEDGER_DIGITS) -> str:
    """Write an amount for a program: 5 000 ledger units are "0.5000", or "0.50" with two places.

    ValueError for less than one or more than four places, or if digits would be lost.
    """
    if not 1 <= places <= _LEDGER_DIGITS:
        raise ValueError(f"An amount has one to four decimals, not {places}.")
    shown, lost = divmod(abs(money.amount) * 10**places, units_per_major(money.currency))
    if lost:
        raise ValueError(f"{money} needs more than {places} decimals.")
    whole, fraction = divmod(shown, 10**places)
    sign = "-" if money.amount < 0 else ""
    return f"{sign}{whole}.{fraction:0{places}}"


def parse(
    text: str, currency: str, *, negative_allowed: bool = False, ledger_units: bool = False
) -> Money:
    """Read what a person typed, "1.20", "1.2" or "1", as a whole number of cents.

    `ledger_units`: two more decimals are read, for what is accrued and never paid by itself.

    Raises AmountUnreadable, AmountTooFine, AmountTooLarge, AmountNegative or UnknownCurrency.
    """
    if currency not in MINOR_PER_MAJOR:
        raise UnknownCurrency(currency)
    digits = _LEDGER_DIGITS if ledger_units else len(str(MINOR_PER_MAJOR[currency])) - 1
    stripped = text.strip()
    match = _NUMBER.fullmatch(stripped)
    if match is None:
        raise AmountUnreadable(stripped)
    fraction = match["fraction"] or ""
    if len(fraction) > digits:
        raise AmountTooFine(stripped, currency, digits)
    # Python refuses to read thousands of digits, so the length is looked at before the value.
    whole = match["whole"].lstrip("0") or "0"
    if len(whole) > len(str(LARGEST_MINOR)):
        raise AmountTooLarge(currency)
    units = int(whole) * units_per_major(currency)
    units += int(fraction.ljust(_LEDGER_DIGITS, "0"))
    if units > LARGEST_MINOR * LEDGER_UNITS_PER_MINOR:
        raise AmountTooLarge(currency)
    if match["sign"] == "-" and units:
        if not negative_allowed:
            raise AmountNegative(stripped)
        units = -units
    return Money(units, currency)
