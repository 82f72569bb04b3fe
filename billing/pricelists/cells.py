"""Single cells of a price list, read and written; what is wrong is said with what would be right.

A cell that begins like a formula is written with an apostrophe before it, as spreadsheets do, and
read without.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from billing.kit.errors import PrimelineError
from billing.money.text import AmountTooFine, parse, to_decimal_string
from billing.money.values import MINOR_PER_MAJOR, Money
from billing.tariffs.rules import HIGHEST_TAX_BASIS_POINTS

LONGEST_NAME: Final = 100
FORMULA: Final = frozenset("=+-@\t\r")
"""What a cell begins with that a spreadsheet computes instead of showing."""

MOST_SECONDS: Final = 10**9 - 1

_WHOLE = re.compile(r"[0-9]{1,9}")
_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].+)?")
_MINUTES_A_DAY: Final = 1_440
_HOURS = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")


class CellWrong(Exception):
    """A cell can't be read: why, and what would be right."""

    def __init__(self, why: str, right: str) -> None:
        super().__init__(why)
        self.why, self.right = why, right


def safe(text: str) -> str:
    """Write text so that a spreadsheet doesn't compute it: `=1+1` becomes `'=1+1`."""
    return f"'{text}" if text[:1] in FORMULA or _is_quoted(text) else text


def plain_text(cell: str) -> str:
    """Read what `safe` wrote; CellWrong for what a spreadsheet would compute."""
    if cell[:1] in FORMULA:
        raise CellWrong(
            "A spreadsheet would take it for a formula.", f"Write an apostrophe first: '{cell[:20]}"
        )
    return cell[1:] if _is_quoted(cell) else cell


def _is_quoted(text: str) -> bool:
    return text[:1] == "'" and text[1:2] in {*FORMULA, "'"}


def name(cell: str) -> str:
    """Read the name of a tariff."""
    text = plain_text(cell)
    if not 1 <= len(text) <= LONGEST_NAME or not text.isprintable() or text != text.strip():
        raise CellWrong(
            f"A name has 1 to {LONGEST_NAME} letters and no blanks around it.", "Write a name."
        )
    return text


def currency(cell: str) -> str:
    """Read a currency."""
    if cell not in MINOR_PER_MAJOR:
        raise CellWrong(
            "That is no currency that Primeline knows.",
            f"Write one of {', '.join(MINOR_PER_MAJOR)}.",
        )
    return cell


def amount(cell: str, in_currency: str) -> Money:
    """Read a price, with a decimal point or comma and no sign of a currency."""
    text = cell
    if "," in cell:
        whole, comma, fraction = cell.rpartition(",")
        if "," in whole or "." in cell or len(fraction) not in {1, 2}:
            raise CellWrong(
                "It may be read in two ways.", "Write it without separators, like 1234.50."
            )
        text = f"{whole}.{fraction}" if comma else cell
    try:
        return parse(text, in_currency)
    except AmountTooFine as error:
        raise CellWrong(error.sentence, f"Write whole cents, like {_cents(text)}.") from None
    except PrimelineError as error:
        raise CellWrong(error.sentence, "Write it like 1.20, without a currency.") from None


def _cents(text: str) -> str:
    return str(Decimal(text.strip()).quantize(Decimal("0.01")))


def amount_text(money: Money) -> str:
    """Write a price: "1.20"."""
    return to_decimal_string(money, places=2)


def seconds(cell: str, least: int, most: int) -> int:
    """Read a number of seconds."""
    right = f"Write a whole number from {least} to {most}."
    if _WHOLE.fullmatch(cell) is None:
        raise CellWrong("That is no whole number of seconds.", right)
    if not least <= int(cell) <= most:
        raise CellWrong("That is too few or too many seconds.", right)
    return int(cell)


def percent(cell: str) -> int:
    """Read a percentage as basis points: "5.5" or "5,5" is 550."""
    right = "Write a percentage from 0 to 100 with at most two decimals, like 20 or 5.5."
    match = _PERCENT.fullmatch(cell.removesuffix("%").strip().replace(",", "."))
    if match is None:
        raise CellWrong("That is no percentage.", right)
    points = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if points > HIGHEST_TAX_BASIS_POINTS:
        raise CellWrong("That is more than all.", right)
    return points


def percent_text(basis_points: int) -> str:
    """Write basis points as a percentage: 550 is "5.50"."""
    return f"{basis_points // 100}.{basis_points % 100:02}"


def moment(cell: str) -> datetime:
    """Read a start, in UTC where it names no zone."""
    right = "Write it like 2026-12-01 or 2026-12-01T08:00+01:00."
    if _DATE.fullmatch(cell) is None:
        raise CellWrong("That is no date, or one that may be read in two ways.", right)
    try:
        read = datetime.fromisoformat(cell)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CellWrong("There is no such date or time.", right) from None


def moment_text(at: datetime) -> str:
    """Write a start in UTC, as short as it is exact: "2026-12-01"."""
    utc = at.astimezone(UTC).replace(tzinfo=None)
    midnight = utc.time() == datetime.min.time()
    return utc.date().isoformat() if midnight else f"{utc.isoformat()}+00:00"


def hours(cell: str) -> tuple[int, int]:
    """Read "20:00-06:00" as minutes of the day; 24:00 may end it."""
    match = _HOURS.fullmatch(cell)
    right = "Write them like 20:00-06:00; a whole day is 00:00-24:00."
    if match is None:
        raise CellWrong("Those are no hours.", right)
    from_hour, from_minute, to_hour, to_minute = map(int, match.groups())
    begins, ends = from_hour * 60 + from_minute, to_hour * 60 + to_minute
    if max(from_minute, to_minute) > 59 or begins >= _MINUTES_A_DAY or ends > _MINUTES_A_DAY:  # noqa: PLR2004
        raise CellWrong("There is no such time of a day.", right)
    return begins, ends
