"""A statement's file read by its layout: whole, or not at all with all that is wrong with it."""

import csv
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from typing import Any, Final, TypeVar

from billing.money.values import Money
from billing.reconciliation import cells
from billing.reconciliation.errors import Problem, StatementUnreadable
from billing.reconciliation.values import Layout, Line

T = TypeVar("T")

LARGEST_BYTES: Final = 4 * 1024 * 1024
MOST_LINES: Final = 20_000

_WORDS: Final = {
    "number": "called number", "start": "start", "time": "time", "seconds": "duration",
    "amount": "amount", "currency": "currency", "caller": "caller", "carrier_id": "call id",
    "calls": "number of calls",
}  # fmt: skip

Row = tuple[int, list[str]]


def read(content: bytes, layout: Layout) -> tuple[Line, ...]:
    """Read a file; raises StatementUnreadable with everything that is wrong in it."""
    rows = list(_rows(_text(content, layout), layout))
    problems: list[Problem] = []
    if not rows:
        raise StatementUnreadable([Problem(None, "The file has no lines.")])
    if layout.has_head:
        places, width = _places(rows[0], layout), len(rows[0][1])
        rows = rows[1:]
        if not rows:
            raise StatementUnreadable([Problem(None, "The file has a head and nothing below it.")])
    else:
        places = {name: int(place) - 1 for name, place in layout.columns.items()}
        width = len(rows[0][1])
        if max(places.values()) >= width:
            raise StatementUnreadable(
                [Problem(rows[0][0], f"It has {width} columns, the layout needs more.")]
            )
    if len(rows) > MOST_LINES:
        raise StatementUnreadable(
            [Problem(None, f"The file has {len(rows)} lines; the most is {MOST_LINES}.")]
        )
    lines = []
    for number, row in rows:
        if len(row) != width:
            problems.append(Problem(number, f"It has {len(row)} columns instead of {width}."))
            continue
        reader = _Reader(number, row, places, layout, problems)
        line = reader.line()
        if line is not None:
            lines.append(line)
    problems += _repeats(lines, layout)
    if problems:
        raise StatementUnreadable(sorted(problems, key=lambda one: one.line or 0))
    return tuple(lines)


def _text(content: bytes, layout: Layout) -> str:
    if len(content) > LARGEST_BYTES:
        raise StatementUnreadable(
            [Problem(None, f"The file has more than {LARGEST_BYTES // 1024 // 1024} MiB.")]
        )
    if not content.strip():
        raise StatementUnreadable([Problem(None, "The file is empty.")])
    try:
        text = content.decode(layout.encoding)
    except UnicodeDecodeError as error:
        line = None
        if not layout.encoding.startswith("utf-16"):
            line = content.count(b"\n", 0, error.start) + 1
        sentence = f"Byte {error.start + 1} of the file is not {layout.encoding}."
        raise StatementUnreadable([Problem(line, sentence)]) from None
    return text.removeprefix("\ufeff")


def _rows(text: str, layout: Layout) -> Iterator[Row]:
    """The lines that aren't blank, each with the number of its first line in the file."""
    skipped = layout.skip_lines
    below = text.split("\n", skipped)
    rest = below[skipped] if len(below) > skipped else ""
    reader = csv.reader(StringIO(rest, newline=""), delimiter=layout.delimiter, strict=True)
    while True:
        number = skipped + reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise StatementUnreadable(
                [Problem(number, f"It is no line of a CSV file: {error}.")]
            ) from None
        if any(cell.strip() for cell in row):
            yield number, row


def _places(head: Row, layout: Layout) -> Mapping[str, int]:
    number, cells_ = head
    names = [cell.strip().casefold() for cell in cells_]
    problems = []
    for name, wanted in layout.columns.items():
        found = names.count(wanted.strip().casefold())
        if found != 1:
            said = f"are {found} columns" if found else "is no column"
            problems.append(Problem(number, f"There {said} {wanted!r} ({_WORDS[name]})."))
    if problems:
        raise StatementUnreadable(problems)
    return {name: names.index(wanted.strip().casefold()) for name, wanted in layout.columns.items()}


class _Reader:
    """One row being read; what is wrong with it is added to the problems of the file."""

    def __init__(
        self,
        number: int,
        row: list[str],
        places: Mapping[str, int],
        layout: Layout,
        problems: list[Problem],
    ) -> None:
        self._number, self._row, self._places = number, row, places
        self._layout, self._problems = layout, problems
        self._wrong = False

    def line(self) -> Line | None:
        """Give the row as a line; None: something is wrong with it."""
        layout = self._layout
        per_call = layout.kind == "per-call"
        number = self._read("number", lambda cell: cells.number_of(cell, layout))
        amount: Money | None = self._read("amount", lambda cell: cells.amount_of(cell, layout))
        self._read("currency", lambda cell: cells.check_currency(cell, layout))
        seconds = self._read("seconds", cells.seconds_of)
        caller = self._read("caller", cells.caller_of)
        carrier_id = self._read("carrier_id", cells.text_of)
        calls = self._read("calls", cells.count_of)
        times: dict[str, Any] = {}
        if per_call:
            start = self._read("start", lambda cell: cells.moment_of(cell, layout))
            if start:
                times = {"start_ms": start[0], "other_start_ms": start[1]}
        else:
            period = self._read("start", lambda cell: cells.period_of(cell, layout))
            if period:
                times = {"start_ms": period[0], "end_ms": period[1]}
        if self._wrong or number is None or amount is None:
            return None
        return Line(
            position=self._number,
            number=number,
            amount=amount,
            seconds=seconds,
            caller=caller,
            carrier_id=carrier_id or None,
            calls=calls,
            **times,
        )

    def _read(self, name: str, convert: Callable[[str], T]) -> T | None:
        place = self._places.get(name)
        if place is None:
            return None
        cell = self._row[place]
        if name == "start" and "time" in self._places:
            cell = f"{cell.strip()} {self._row[self._places['time']].strip()}"
        try:
            return convert(cell)
        except cells.Wrong as wrong:
            self._wrong = True
            self._problems.append(Problem(self._number, f"The {_WORDS[name]} {wrong}."))
            return None


def _repeats(lines: list[Line], layout: Layout) -> Iterator[Problem]:
    """No call, and no sum, stands in a file twice."""
    by_id: dict[str, int] = {}
    by_content: dict[Any, int] = {}
    for line in lines:
        aggregate = layout.kind == "aggregate"
        content = (line.number, line.start_ms) if aggregate else line.content
        first = by_content.setdefault(content, line.position)
        if first != line.position:
            what = "is about the number and period of" if aggregate else "repeats"
            yield Problem(line.position, f"It {what} line {first}.")
        elif line.carrier_id is not None:
            first = by_id.setdefault(line.carrier_id, line.position)
            if first != line.position:
                yield Problem(line.position, f"It has the call id of line {first}.")
