"""What loading a price list would change of what is kept."""

from collections.abc import Iterable, Sequence

from billing.pricelists.cells import moment_text
from billing.pricelists.columns import NONE, PRICES
from billing.pricelists.values import Change, Entry, Problem
from billing.pricelists.writing import Cells, version_cells, window_cells
from billing.tariffs.service import KeptTariff
from billing.tariffs.values import Tariff
from billing.tariffs.windows import Timetable


def plan(
    entries: Sequence[Entry], kept: Iterable[KeptTariff]
) -> tuple[tuple[Change, ...], tuple[Problem, ...]]:
    """Say what each entry changes of what is kept, and which can't be loaded.

    A version that is kept as it stands in the list is unchanged; one that is kept otherwise is a
    problem, since versions are never edited. `entries` are in the order of their starts.
    """
    known: dict[str, list[tuple[Entry | KeptTariff, Tariff, Timetable | None]]] = {}
    for one in kept:
        known.setdefault(one.name, []).append((one, one.tariff, one.timetable))
    changes: list[Change] = []
    problems: list[Problem] = []
    for entry in entries:
        versions = known.setdefault(entry.name, [])
        before = None
        for version, tariff, timetable in versions:
            if version.valid_from == entry.valid_from:
                before = version, tariff, timetable
                break
            if version.valid_from < entry.valid_from:
                before = version, tariff, timetable
        if versions and versions[0][1].currency != entry.tariff.currency:
            problems.append(_other_currency(entry, versions[0][1].currency))
            continue
        if before is None:
            changes.append(Change(entry, "new-version" if versions else "added"))
        else:
            cells = _differences(before[1:], (entry.tariff, entry.timetable))
            if before[0].valid_from != entry.valid_from:
                changes.append(Change(entry, "new-version", cells))
            elif cells:
                problems.append(_edited(entry, cells))
                continue
            else:
                changes.append(Change(entry, "unchanged"))
                continue
        versions.append((entry, entry.tariff, entry.timetable))
        versions.sort(key=lambda one: one[0].valid_from)
    return tuple(changes), tuple(problems)


Version = tuple[Tariff, Timetable | None]


def _differences(before: Version, after: Version) -> tuple[tuple[str, str, str], ...]:
    """Name the cells that two versions have otherwise, and each window that is another."""
    one, other = _cells(before), _cells(after)
    return tuple(
        (name, one.get(name, ""), other.get(name, ""))
        for name in {**one, **other}
        if one.get(name, "") != other.get(name, "")
    )


def _cells(version: Version) -> dict[str, str]:
    tariff, timetable = version
    cells = dict(version_cells(tariff, timetable))
    for window in () if timetable is None else timetable.windows:
        cells[f"window {window.name}"] = _window_text(window_cells(window), cells)
    return cells


def _window_text(window: Cells, version: Cells) -> str:
    """Write a window in one line: days, hours, price, and what else is not as in its version."""
    others = [
        f" {column}={window[column]}"
        for column in PRICES[1:]
        if window[column] != (version[column] or NONE)
    ]
    told = f"{window['window_days']} {window['window_hours']} {window['price_per_minute']}"
    return told + "".join(others)


def _other_currency(entry: Entry, currency: str) -> Problem:
    return Problem(
        entry.line,
        "currency",
        entry.tariff.currency,
        f"Tariff {entry.name!r} is in {currency}, and a tariff keeps its currency.",
        "Choose another name.",
    )


def _edited(entry: Entry, cells: Sequence[tuple[str, str, str]]) -> Problem:
    told = ", ".join(f"{name} {before or '(none)'}" for name, before, _ in cells)
    return Problem(
        entry.line,
        "starts_at",
        moment_text(entry.valid_from),
        f"Tariff {entry.name!r} has a version from that moment, which is otherwise ({told});"
        " versions are never edited.",
        "Choose a later start.",
    )
