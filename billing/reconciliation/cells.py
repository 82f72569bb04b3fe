"""One cell of a statement's file as a value, or a sentence about what is wrong with it."""

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from billing.endpoints.formats import read_number
from billing.kit.clock import to_ms
from billing.kit.errors import PrimelineError
from billing.kit.phones import ANONYMOUS
from billing.money.text import parse
from billing.money.values import Money
from billing.reconciliation.values import Layout

LONGEST_CELL: Final = 200
LONGEST_CALL_SECONDS: Final = 7 * 86_400
MOST_CALLS: Final = 10_000_000
_SHOWN: Final = 40
_FIRST_YEAR, _LAST_YEAR = 2000, 2100

_FORMULA: Final = re.compile(r"[=@\t\r]|[+-](?![0-9])")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_CLOCK: Final = re.compile(r"([0-9]{1,3}):([0-5][0-9]):([0-5][0-9])", re.ASCII)
_CALLER: Final = re.compile(r"\+?[0-9*xX#.?]{1,25}", re.ASCII)
_GROUPED: Final = r"[0-9]{{1,3}}(?:(?P<mark>[{marks}])[0-9]{{3}})(?:(?P=mark)[0-9]{{3}})*"


class Wrong(Exception):
    """A cell that can't be read; its text ends a sentence about the cell."""


def text_of(cell: str) -> str:
    """Give a cell without blanks around it; nothing in it may be a formula or a control sign."""
    text = cell.strip(" \u00a0")
    if _FORMULA.match(text):
        raise Wrong(f"{shown(text)} looks like a formula of a spreadsheet")
    if _CONTROL.search(text):
        raise Wrong("has control characters")
    if len(text) > LONGEST_CELL:
        raise Wrong(f"has more than {LONGEST_CELL} characters")
    return text


def shown(text: str) -> str:
    """Quote what was read, cut where it is long."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def number_of(cell: str, layout: Layout) -> str:
    """Read a called number as +E.164."""
    text = text_of(cell)
    number = read_number(layout.numbers, text, layout.region)
    if number is None:
        raise Wrong(f"{shown(text)} is no phone number as the layout has them")
    return number


def caller_of(cell: str) -> str | None:
    """Read a caller: digits, some perhaps masked; None: withheld or left empty."""
    text = text_of(cell).replace(" ", "").replace("-", "")
    if not text or text.lower() in ANONYMOUS:
        return None
    if not _CALLER.fullmatch(text):
        raise Wrong(f"{shown(text)} is no phone number, masked or not")
    return text


def amount_of(cell: str, layout: Layout) -> Money:
    """Read an amount with the layout's decimal mark: `1.234,56`, `1 234,56`, `0.5432`."""
    text = text_of(cell)
    mark = layout.decimal_mark
    whole, found, fraction = text.partition(mark)
    marks = "".join(one for one in ".,'\u2019 \u00a0\u202f" if one != mark)
    if re.fullmatch(_GROUPED.format(marks=re.escape(marks)), whole, re.ASCII):
        whole = re.sub(r"[^0-9]", "", whole)
    try:
        return parse(f"{whole}.{fraction}" if found else whole, layout.currency, ledger_units=True)
    except PrimelineError as error:
        raise Wrong(f"{shown(text)}: {error.sentence.rstrip('.')}") from None


def seconds_of(cell: str) -> int:
    """Read a duration: whole seconds, or hours:minutes:seconds."""
    text = text_of(cell)
    if _WHOLE.fullmatch(text):
        seconds = int(text)
    elif clock := _CLOCK.fullmatch(text):
        hours, minutes, rest = (int(one) for one in clock.groups())
        seconds = hours * 3_600 + minutes * 60 + rest
    else:
        raise Wrong(f"{shown(text)} is no duration: whole seconds or h:mm:ss")
    if seconds > LONGEST_CALL_SECONDS:
        raise Wrong(f"{shown(text)} is longer than any call")
    return seconds


def count_of(cell: str) -> int:
    """Read how many calls a line sums up."""
    text = text_of(cell)
    if not _WHOLE.fullmatch(text) or int(text) > MOST_CALLS:
        raise Wrong(f"{shown(text)} is no number of calls")
    return int(text)


def check_currency(cell: str, layout: Layout) -> None:
    """Refuse a currency that isn't the layout's."""
    text = text_of(cell)
    if text.upper() != layout.currency:
        raise Wrong(f"{shown(text)} is not {layout.currency}, the layout's currency")


def moment_of(cell: str, layout: Layout) -> tuple[int, int | None]:
    """Read a start (ms); with the same clock time an hour later, where clocks went back."""
    text = text_of(cell)
    at = _parsed(text, layout)
    if at.tzinfo is not None:
        return to_ms(at), None
    zone = ZoneInfo(layout.time_zone)
    first, second = (at.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != at:
        raise Wrong(f"{shown(text)} does not exist in {layout.time_zone}: clocks went forward")
    start_ms, other_ms = to_ms(first), to_ms(second)
    return start_ms, other_ms if other_ms != start_ms else None


def period_of(cell: str, layout: Layout) -> tuple[int, int]:
    """Read the day or month of a sum, in the layout's time zone (ms, the end not included)."""
    at = _parsed(text_of(cell), layout)
    first = at.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    days = 1
    if layout.period == "month":
        first = first.replace(day=1)
        days = monthrange(first.year, first.month)[1]
    zone = ZoneInfo(layout.time_zone)
    return to_ms(first.replace(tzinfo=zone)), to_ms(
        (first + timedelta(days=days)).replace(tzinfo=zone)
    )


def _parsed(text: str, layout: Layout) -> datetime:
    for form in layout.date_formats:
        try:
            at = datetime.strptime(text, form)  # noqa: DTZ007  (the zone is the layout's)
        except ValueError:
            continue
        if not _FIRST_YEAR <= at.year < _LAST_YEAR:
            raise Wrong(f"{shown(text)} is no year of ours")
        return at
    raise Wrong(
        f"{shown(text)} is no date as the layout has them: {' or '.join(layout.date_formats)}"
    )
