"""Which figures a rule set may have, and how each is written."""

import re
from typing import Any, Final

from billing.kit.errors import PrimelineError
from billing.money.text import parse, to_decimal_string
from billing.money.values import Money
from billing.rulesets.errors import FigureUnusable
from billing.rulesets.values import FigureValue

WORDS, AMOUNT, WHOLE, YES_NO = "words", "an amount", "a whole number", "yes or no"

KINDS: Final = {
    "access-charge-said": YES_NO,
    "adult-prefixes": WORDS,
    "call-back-needs-request": YES_NO,
    "charge-after-tone": YES_NO,
    "claim-days": WHOLE,
    "directory-fields": WORDS,
    "dispute-answer-days": WHOLE,
    "dispute-fee": AMOUNT,
    "increment-seconds": WHOLE,
    "maximum-charge": AMOUNT,
    "maximum-seconds": WHOLE,
    "message-free-below": AMOUNT,
    "message-least-seconds": WHOLE,
    "message-most-seconds": WHOLE,
    "message-parts": WORDS,
    "message-skippable": YES_NO,
    "month-maximum": AMOUNT,
    "notice-confirm": AMOUNT,
    "notice-end": AMOUNT,
    "notice-tell": AMOUNT,
    "one-price-only": YES_NO,
    "paid-after-disconnect-ms": WHOLE,
    "parents-said": YES_NO,
    "partner-checked": YES_NO,
    "price-change-notice-days": WHOLE,
    "refused-categories": WORDS,
    "skip-days": WHOLE,
    "skip-off-days-after-rise": WHOLE,
    "surcharge-range-required": YES_NO,
    "toll-free-disclosure-each-call": YES_NO,
    "toll-free-needs-pin": YES_NO,
    "toll-free-surcharge-refused": YES_NO,
    "tone-gap-ms": WHOLE,
}
"""Every figure that isn't the cap of a range. Times are whole numbers, their unit in the name."""

_CAP: Final = re.compile(r"cap-(?P<range>[a-z0-9]+)-per-(minute|call)")
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_WORD: Final = re.compile(r"[+a-z0-9-]+")


def range_of_cap(name: str) -> str | None:
    """Give the range that a figure caps: cap-089-per-minute → 089."""
    match = _CAP.fullmatch(name)
    return match["range"] if match else None


def read_text(name: str, text: str, currency: str) -> FigureValue:
    """Read a figure as an operator types it. Raises FigureUnusable."""
    wanted = AMOUNT if range_of_cap(name) else KINDS[name]
    stripped = text.strip()
    if wanted == AMOUNT:
        try:
            return parse(stripped, currency)
        except PrimelineError as error:
            raise FigureUnusable(name, text, f"an amount in {currency} like 12.50") from error
    if wanted == WHOLE and _WHOLE.fullmatch(stripped):
        return int(stripped)
    if wanted == YES_NO and stripped in {"yes", "no"}:
        return stripped == "yes"
    if wanted == WORDS:
        words = tuple(stripped.split())
        if all(_WORD.fullmatch(word) for word in words):
            return words
    raise FigureUnusable(name, text, wanted)


def read_data(name: str, value: Any, currency: str) -> FigureValue:
    """Read a figure of a data file, where amounts are texts. Raises FigureUnusable."""
    wanted = AMOUNT if range_of_cap(name) else KINDS[name]
    if wanted == AMOUNT and isinstance(value, str):
        return read_text(name, value, currency)
    if wanted == WHOLE and type(value) is int and value >= 0:
        return value
    if wanted == YES_NO and isinstance(value, bool):
        return value
    if wanted == WORDS and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return read_text(name, " ".join(value), currency)
    raise FigureUnusable(name, str(value), wanted)


def write(value: FigureValue) -> str:
    """Write a figure as `read_text` reads it: an amount of 3.00 EUR is 3.00."""
    match value:
        case Money():
            return to_decimal_string(value, places=2)
        case bool():
            return "yes" if value else "no"
        case tuple():
            return " ".join(value)
    return str(value)
