"""A price list as values: its rows, what is wrong with them, what loading them changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from billing.tariffs.values import Tariff
from billing.tariffs.windows import Timetable


@dataclass(frozen=True, slots=True)
class Entry:
    """A version of a tariff as the list has it. `line` is that of its row in the file, from 1."""

    line: int
    name: str
    valid_from: datetime
    tariff: Tariff
    timetable: Timetable | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what stands there, why it can't be, what would be right.

    `line` None: the file as a whole. `column` None: the row as a whole.
    """

    line: int | None
    column: str | None
    value: str
    why: str
    right: str

    def __str__(self) -> str:
        """The problem in one line."""
        where = "The file" if self.line is None else f"Line {self.line}"
        if self.column is not None:
            where += f", {self.column}"
        shown = f" {self.value!r}" if self.value else ""
        return f"{where}{shown}: {self.why} {self.right}".rstrip()


@dataclass(frozen=True, slots=True)
class Change:
    """What loading an entry does: a tariff that is new, a new version of a known one, or nothing.

    `cells` are those that the version has otherwise than the one before it: column, before, after.
    """

    entry: Entry
    what: Literal["added", "new-version", "unchanged"]
    cells: tuple[tuple[str, str, str], ...] = ()
