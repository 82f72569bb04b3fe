"""Days, months, hours and great numbers as words."""

from typing import Final

from dialplan.prompts.amounts import COINS
from dialplan.prompts.durations import counted
from dialplan.prompts.numbers import UnsayableValue, number_words

_MONTHS: Final = {
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
    "fr": (
        "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
        "octobre", "novembre", "décembre",
    ),
}  # fmt: skip
_ORDINALS: Final = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth", "twenty": "twentieth", "thirty": "thirtieth",
}  # fmt: skip
_NOUNS: Final = {
    "hours": {"en": "hour", "fr": "heure"},
    "minutes": {"en": "minute", "fr": "minute"},
    "seconds": {"en": "second", "fr": "seconde"},
}
RANGES: Final = {
    "hours": range(25),
    "minutes": range(1, 60),
    "seconds": range(60),
    "day": range(1, 32),
    "month": range(1, 13),
    "hundreds": range(1, 10),
    "thousands": range(1, 31),
}
"""The values of each of these phrases; all of them are rendered before the first call."""


def date_text(id_: str, value: int, language: str) -> str:
    """Say one of `RANGES`: "day" 3 is "on the third", "hundreds" 2 is "two hundred".

    Raises UnsayableValue.
    """
    if value not in RANGES[id_]:
        raise UnsayableValue(id_, value)
    if id_ in _NOUNS:
        return counted(value, _NOUNS[id_][language], language)
    if id_ == "day":
        return _day(value, language)
    if id_ == "month":
        month = _MONTHS[language][value - 1]
        return f"of {month}" if language == "en" else month
    return number_words(value * (100 if id_ == "hundreds" else 1_000), language)


def unit_text(currency: str, language: str) -> str:
    """Say the unit of money alone, as after a round number: "euros"."""
    return COINS[currency, language][0].many


def _day(day: int, language: str) -> str:
    if language == "fr":
        return "le premier" if day == 1 else f"le {number_words(day, 'fr')}"
    head, joint, last = number_words(day, "en").rpartition("-")
    return f"on the {head}{joint}{_ORDINALS.get(last, f'{last}th')}"
