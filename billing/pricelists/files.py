"""The file of a price list as rows of named cells, however a spreadsheet has written it."""

import codecs
import csv
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Final

from billing.pricelists.columns import NAMES, REQUIRED
from billing.pricelists.errors import PriceListRefused
from billing.pricelists.values import Problem

LARGEST_BYTES: Final = 4 * 1024 * 1024
MOST_ROWS: Final = 5_000
DELIMITERS: Final = (",", ";", "\t")
SHOWN_CHARACTERS: Final = 40
"""Of a value that is wrong, and may be anything."""

_ENCODINGS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file by column; `line` is its first in the file, from 1."""

    line: int
    cells: Mapping[str, str]


def rows_of(content: bytes, problems: list[Problem]) -> list[Row]:
    """Read all rows, cells without blanks around them; what is wrong is added to `problems`.

    Raises PriceListRefused for what can't be read as rows at all.
    """
    lines = _lines(_text(content), problems)
    if not lines:
        raise _refused("The file is empty.", "Begin with `primeline tariff template`.")
    (line, head), *rest = lines
    names = [cell.strip().casefold().replace(" ", "_") for cell in head]
    _check_head(line, names)
    if len(rest) > MOST_ROWS:
        raise _refused(f"It has {len(rest)} rows.", f"The most is {MOST_ROWS}; cut it in parts.")
    rows = []
    for number, cells in rest:
        if any(cell.strip() for cell in cells[len(names) :]) or len(cells) < len(names):
            why = f"It has {len(cells)} cells, the first row {len(names)}."
            right = "An amount with a decimal comma is put in quotes, or ; separates the cells."
            problems.append(Problem(number, None, "", why, right))
            continue
        given = [cell.strip() for cell in cells[: len(names)]]
        rows.append(Row(number, dict(zip(names, given, strict=True))))
    return rows


def _text(content: bytes) -> str:
    if len(content) > LARGEST_BYTES:
        raise _refused(f"It has more than {LARGEST_BYTES // 2**20} MiB.", "Cut it in parts.")
    encoding = next((name for mark, name in _ENCODINGS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1 if encoding.startswith("utf-8") else None
        why = f"Byte {error.start + 1} of the file is no {encoding.removesuffix('-sig').upper()}."
        raise PriceListRefused([Problem(line, None, "", why, "Save it as CSV in UTF-8.")]) from None


def _lines(text: str, problems: list[Problem]) -> list[tuple[int, list[str]]]:
    """Split into cells the lines that aren't blank."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    lines: list[tuple[int, list[str]]] = []
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return lines
        except csv.Error as error:
            why = f"From here on it is no CSV: {error}."
            problems.append(Problem(number, None, "", why, "Look for a quote that isn't closed."))
            if not lines:
                raise PriceListRefused(problems) from None
            return lines
        if any(cell.strip() for cell in cells):
            lines.append((number, cells))


def _delimiter(text: str) -> str:
    """Take the one by which the first line falls into most columns that are known."""
    head = next((line for line in text.splitlines() if line.strip()), "")

    def known(delimiter: str) -> int:
        cells = {cell.strip(' "').casefold().replace(" ", "_") for cell in head.split(delimiter)}
        return len(cells & set(NAMES))

    return max(DELIMITERS, key=known)


def _check_head(line: int, names: list[str]) -> None:
    problems = []
    known = ", ".join(NAMES)
    for name in dict.fromkeys(names):
        shown = name[:SHOWN_CHARACTERS]
        if name not in NAMES:
            why = "There is no such column." if name else "A column has no name."
            problems.append(Problem(line, shown or None, shown, why, f"The columns are: {known}."))
        elif names.count(name) > 1:
            problems.append(Problem(line, name, "", "The column is there twice.", "Keep one."))
    problems += [
        Problem(line, name, "", "The column is missing.", "See `primeline tariff template`.")
        for name in REQUIRED
        if name not in names
    ]
    if problems:
        raise PriceListRefused(problems)


def _refused(why: str, right: str) -> PriceListRefused:
    return PriceListRefused([Problem(None, None, "", why, right)])
