"""What a work hands back: checks, a table, figures for the JSON file, plots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Check:
    """One thing wanted of a work and what was found.

    `must`: not kept means wrong money or the like; else it is a goal of speed, which a busy machine
    may miss.
    """

    what: str
    wanted: str
    found: str
    kept: bool
    must: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a heading."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plot: points from left to right."""

    name: str
    points: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over one axis; `name` is its file's."""

    name: str
    title: str
    across: str
    upward: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one work. `method` says in words what was done and beside what."""

    work: str
    title: str
    method: str
    checks: tuple[Check, ...]
    tables: tuple[Table, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    plots: tuple[Plot, ...] = ()

    @property
    def wrong(self) -> list[Check]:
        """The checks that must be kept and aren't."""
        return [check for check in self.checks if check.must and not check.kept]


@dataclass(frozen=True, slots=True)
class Room:
    """Where and how long a work may run."""

    folder: Path
    tree: Path
    sipp_tree: Path
    quick: bool


def shown_ms(us: int | None) -> str:
    """Give microseconds as milliseconds with one decimal: `12.3 ms`."""
    if us is None:
        return "-"
    sign, tenths = "-" if us < 0 else "", (abs(us) + 50) // 100
    return f"{sign}{tenths // 10}.{tenths % 10} ms"
