"""Price lists: what is written is read back as it was, and no file whatever is half understood."""

import csv
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from itertools import groupby
from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st

from billing.kit.errors import PrimelineError
from billing.money.values import Money
from billing.pricelists.columns import NAMES
from billing.pricelists.errors import PriceListRefused
from billing.pricelists.planning import plan
from billing.pricelists.reading import read
from billing.pricelists.values import Entry, Problem
from billing.pricelists.writing import write
from billing.tariffs import service
from billing.tariffs.service import KeptTariff
from billing.tariffs.values import Tariff
from billing.tariffs.windows import DAYS, Prices, Timetable, Window
from tests.property.test_rating_properties import euros, tariffs

NOBODY = UUID(int=0)

names = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20
) | st.sampled_from(["=1+1", "+33", "-", "@me", "'=x", "''", "night rate", "a;b", 'a"b', "été"])
starts = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)
prices = st.builds(
    Prices, euros(1_000), euros(500), euros(10), st.none() | euros(5_000), st.none() | euros(5_000)
)
windows = st.builds(
    Window,
    name=st.just(""),
    days=st.frozensets(st.sampled_from(DAYS), min_size=1),
    from_minute=st.integers(0, 1_439),
    to_minute=st.integers(1, 1_440),
    prices=prices,
)


@st.composite
def timetables(draw: st.DrawFn) -> Timetable | None:
    found = draw(st.lists(windows, max_size=3))
    if not found:
        return None
    named = [replace(one, name=f"w {number}") for number, one in enumerate(found)]
    ordered = sorted(named, key=lambda one: (one.from_minute, one.name))
    return Timetable("Europe/Paris", "FR", tuple(ordered))


@st.composite
def versions(draw: st.DrawFn) -> KeptTariff:
    tariff, timetable = draw(tariffs()), draw(timetables())
    usable = False
    with suppress(PrimelineError):
        service.check(tariff, timetable)
        usable = True
    if not usable:
        timetable = None
    return KeptTariff(NOBODY, NOBODY, draw(names), draw(starts), tariff, timetable)


kept_lists = st.lists(
    versions(), min_size=1, max_size=5, unique_by=lambda one: (one.name, one.valid_from)
)


def read_or_refused(content: bytes) -> tuple[Entry, ...] | tuple[Problem, ...]:
    """Read a file, or give what is wrong with it; anything else that is raised is a bug."""
    try:
        return read(content)
    except PriceListRefused as error:
        return error.problems


def written(kept: list[KeptTariff]) -> bytes:
    return write((one.name, one.valid_from, one.tariff, one.timetable) for one in kept).encode()


@given(kept_lists)
def test_what_is_written_is_read_back_and_changes_nothing(kept: list[KeptTariff]) -> None:
    kept.sort(key=lambda one: (one.name, one.valid_from))

    entries = read(written(kept))

    assert [(one.name, one.valid_from, one.tariff, one.timetable) for one in entries] == [
        (one.name, one.valid_from, one.tariff, one.timetable) for one in kept
    ]
    changes, problems = plan(entries, kept)
    assert problems == ()
    assert {change.what for change in changes} == {"unchanged"}


@given(kept_lists)
def test_loaded_where_nothing_is_kept_the_first_of_each_name_is_added(
    kept: list[KeptTariff],
) -> None:
    changes, problems = plan(read(written(kept)), [])

    assert problems == ()
    for _, own in groupby(changes, key=lambda change: change.entry.name):
        first, *later = own
        assert first.what == "added"
        assert {change.what for change in later} <= {"new-version"}


@given(kept_lists, st.data())
def test_a_kept_version_that_the_list_has_otherwise_is_a_problem(
    kept: list[KeptTariff], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(kept) - 1))
    before: Tariff = kept[place].tariff
    raised = replace(before, price_per_minute=before.price_per_minute + Money.of_minor(1, "EUR"))
    assume(kept[place].timetable is None)
    listed = [*kept]
    listed[place] = replace(kept[place], tariff=raised)

    changes, problems = plan(read(written(listed)), kept)

    (problem,) = problems
    assert problem.column == "starts_at"
    assert "price_per_minute" in problem.why
    assert {change.what for change in changes} <= {"unchanged"}


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode()))
def test_garbage_is_refused_in_words(content: bytes) -> None:
    assert read_or_refused(content)


cells = (
    st.sampled_from(
        ["", "1.20", "EUR", "2026-12-01", "none", "mon-fri", "20:00-06:00", "UTC", "FR", "night"]
    )
    | st.text(max_size=12)
    | st.integers(-(10**30), 10**30).map(str)
    | st.floats().map(str)
)


@given(
    st.lists(st.sampled_from(NAMES), max_size=len(NAMES), unique=True),
    st.lists(st.lists(cells, max_size=len(NAMES)), min_size=1, max_size=5),
    st.sampled_from([",", ";", "\t"]),
)
def test_rows_of_anything_are_read_whole_or_refused_in_words(
    more: list[str], rows: list[list[str]], delimiter: str
) -> None:
    head = list(dict.fromkeys([*NAMES[:4], *more]))
    text = StringIO(newline="")
    lines = csv.writer(text, delimiter=delimiter)
    lines.writerow(head)
    lines.writerows([*row, *[""] * (len(head) - len(row))][: len(head)] for row in rows)

    for found in read_or_refused(text.getvalue().encode("utf-8", "surrogatepass")):
        if isinstance(found, Entry):
            service.check(found.tariff, found.timetable)
        else:
            assert found.why
