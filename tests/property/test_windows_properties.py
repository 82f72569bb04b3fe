"""Whatever the windows and the zone: every instant has one price, and tax is added exactly."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from billing.money.values import Money
from billing.tariffs import overlaps
from billing.tariffs.net import gross
from billing.tariffs.overlaps import WindowsOverlap
from billing.tariffs.public_holidays import holidays_of
from billing.tariffs.text import days_of, days_text, hours_text, own_prices, window_of
from billing.tariffs.values import Tariff
from billing.tariffs.windows import (
    DAYS,
    WEEKDAYS,
    Timetable,
    Window,
    window_at,
)

ZERO = Money.zero("EUR")
OWN = Tariff(Money(12_000, "EUR"), ZERO, ZERO, None)
PRICES = own_prices(OWN)
YEAR_BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
YEAR_SECONDS = 365 * 86_400

# North, south, half an hour, a quarter, no summer time, and clocks put back at midnight.
ZONES = (
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Asia/Tokyo",
    "America/Havana",
)

single = st.builds(
    Window,
    name=st.just("w"),
    days=st.frozensets(st.sampled_from(DAYS), min_size=1),
    from_minute=st.integers(0, 1_439),
    to_minute=st.integers(1, 1_440),
    prices=st.just(PRICES),
).filter(lambda window: window.from_minute != window.to_minute)

tables = st.builds(
    lambda zone, found: Timetable(
        zone, "FR", tuple(replace(one, name=f"w{place}") for place, one in enumerate(found))
    ),
    st.sampled_from(ZONES),
    st.lists(single, min_size=1, max_size=4),
)
instants = st.integers(0, YEAR_SECONDS - 1).map(
    lambda seconds: YEAR_BEGINS + timedelta(seconds=seconds)
)


def holding(table: Timetable, at: datetime) -> list[Window]:
    """Every window that holds by itself, found without the others and by counting minutes."""
    local = at.astimezone(ZoneInfo(table.time_zone))
    found = []
    for window in table.windows:
        length = (window.to_minute - window.from_minute) % 1_440 or 1_440
        minute = local.hour * 60 + local.minute
        for days_before in (0, 1):
            day = local.date() - timedelta(days=days_before)
            kind = "holiday" if holidays_of("FR")(day) else WEEKDAYS[day.weekday()]
            since = minute + days_before * 1_440 - window.from_minute
            if kind in window.days and 0 <= since < length:
                found.append(window)
    return found


def is_possible(table: Timetable) -> bool:
    try:
        overlaps.check(OWN, table)
    except WindowsOverlap:
        return False
    return True


@given(tables, st.lists(instants, min_size=1, max_size=20))
def test_every_instant_of_a_year_falls_into_one_window_or_into_none(
    table: Timetable, moments: list[datetime]
) -> None:
    assume(is_possible(table))
    for at in moments:
        found = holding(table, at)
        assert len(found) <= 1
        assert window_at(table, at, holidays_of("FR")) == (found[0] if found else None)


@given(tables, instants)
def test_windows_that_hold_at_one_instant_are_refused(table: Timetable, at: datetime) -> None:
    if len(holding(table, at)) > 1:
        assert not is_possible(table)


def changes_of_clocks(zone: str) -> list[datetime]:
    """Both moments of the year at which a zone's clocks are put on and back."""
    place, found, day = ZoneInfo(zone), [], timedelta(days=1)
    for number in range(365):
        earliest = YEAR_BEGINS + number * day
        offset = earliest.astimezone(place).utcoffset()
        if (earliest + day).astimezone(place).utcoffset() == offset:
            continue
        found.append(
            next(
                moment
                for minutes in range(1, 1_441)
                if (moment := earliest + timedelta(minutes=minutes)).astimezone(place).utcoffset()
                != offset
            )
        )
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_in_both_nights_of_the_clocks_each_minute_has_the_price_that_the_clock_shows(
    zone: str,
) -> None:
    changes = changes_of_clocks(zone)
    assert len(changes) == (0 if zone == "Asia/Tokyo" else 2)
    half_hours = tuple(
        Window(f"{half}", frozenset(DAYS), half * 30, half * 30 + 30, PRICES) for half in range(48)
    )
    table = Timetable(zone, "FR", half_hours)
    overlaps.check(OWN, table)
    for change in changes:
        day = change.astimezone(ZoneInfo(zone)).date()
        minutes: Counter[str] = Counter()
        for step in range(-1_500, 1_500):
            at = change + timedelta(minutes=step)
            local = at.astimezone(ZoneInfo(zone))
            found = window_at(table, at, holidays_of("FR"))
            assert found is not None
            assert found.name == str(local.hour * 2 + local.minute // 30)
            minutes[found.name] += local.date() == day
        # What the clocks skip is in no window, what they repeat is in its window twice.
        before = (change - timedelta(minutes=1)).astimezone(ZoneInfo(zone)).utcoffset()
        after = change.astimezone(ZoneInfo(zone)).utcoffset()
        assert before is not None
        assert after is not None
        skipped = (after - before) // timedelta(minutes=1)
        missed = [30 - minutes[window.name] for window in half_hours]
        assert sum(missed) == skipped
        assert all(0 <= one * (1 if skipped > 0 else -1) <= 30 for one in missed)


@given(single)
def test_a_window_is_read_as_it_is_written(window: Window) -> None:
    line = f"w {days_text(window.days)} {hours_text(window)} 1.20"
    assert window_of(line, OWN) == window
    assert days_of(days_text(window.days), "w") == window.days


@given(st.integers(0, 10**9), st.integers(0, 10_000))
def test_a_net_price_becomes_gross_within_half_a_cent(cents: int, tax: int) -> None:
    net = Money(cents * 100, "EUR")
    found = gross(net, tax)
    exact = Fraction(cents * (10_000 + tax), 10_000)
    assert found.is_whole_minor
    assert Fraction(-1, 2) <= exact - found.amount // 100 < Fraction(1, 2)
    assert gross(net, 0) == net


def test_dates_beyond_a_calendar_are_no_holidays() -> None:
    assert not holidays_of("FR")(date(1, 1, 2))
