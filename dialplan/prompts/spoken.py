"""Values that are said in several phrases, each of which is rendered beforehand.

A sum of any size, a length of time, an hour or a date is put together from some hundred sounds, so
that nothing has to be made during a call.
"""

from datetime import date, time
from typing import Final

from billing.money.values import LEDGER_UNITS_PER_MINOR, MINOR_PER_MAJOR, Money
from dialplan.prompts.numbers import UnsayableValue
from dialplan.prompts.values import Phrase

WHOLE_UP_TO: Final = 100
"""Amounts up to so many units are sounds of their own."""

GREATEST_THOUSAND: Final = 30
HOUR_SECONDS: Final = 3_600
MINUTE_SECONDS: Final = 60


def sum_phrases(money: Money) -> tuple[Phrase, ...]:
    """Say a sum; what is below a cent is dropped.

    1 234.56 EUR is "one thousand", "two hundred", "thirty-four euros and fifty-six cents". One
    above 30 999 units is a sound of its own. Raises UnsayableValue below zero.
    """
    per_major = MINOR_PER_MAJOR[money.currency]
    minor = money.amount // LEDGER_UNITS_PER_MINOR
    major = minor // per_major
    if minor < 0:
        raise UnsayableValue("sum", money)
    if major <= WHOLE_UP_TO or major >= (GREATEST_THOUSAND + 1) * 1_000:
        return (Phrase("amount", Money.of_minor(minor, money.currency)),)
    thousands, below = divmod(major, 1_000)
    hundreds, rest = divmod(below, 100)
    phrases = [Phrase("thousands", thousands)] if thousands else []
    phrases += [Phrase("hundreds", hundreds)] if hundreds else []
    left = Money.of_minor(minor - (major - rest) * per_major, money.currency)
    phrases += [] if rest else [Phrase("unit", money.currency)]
    phrases += [Phrase("amount", left)] if left else []
    return tuple(phrases)


def length_phrases(seconds: int) -> tuple[Phrase, ...]:
    """Say how long something lasted: 190 s is "three minutes", "ten seconds".

    From an hour on the seconds are left out, from a day on the hours are unsayable.
    """
    hours, below = divmod(seconds, HOUR_SECONDS)
    minutes, rest = divmod(below, MINUTE_SECONDS)
    phrases = [Phrase("hours", hours)] if hours else []
    phrases += [Phrase("minutes", minutes)] if minutes else []
    phrases += [Phrase("seconds", rest)] if not hours and (rest or not minutes) else []
    return tuple(phrases)


def clock_phrases(at: time) -> tuple[Phrase, ...]:
    """Say an hour of the day: 14:05 is "fourteen hours", "five minutes"."""
    hour = Phrase("hours", at.hour)
    return (hour, Phrase("minutes", at.minute)) if at.minute else (hour,)


def date_phrases(on: date, days_ago: int) -> tuple[Phrase, ...]:
    """Say a date: "today", "yesterday", or "on the third", "of November"."""
    if days_ago in {0, 1}:
        return (Phrase(("today", "yesterday")[days_ago]),)
    return Phrase("day", on.day), Phrase("month", on.month)
