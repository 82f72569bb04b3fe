"""Windows of tariffs: which holds when, and which can't be."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from billing.kit.zones import TimeZoneUnknown
from billing.money.text import parse
from billing.money.values import Money
from billing.tariffs import overlaps
from billing.tariffs.overlaps import WindowsOverlap
from billing.tariffs.public_holidays import HolidaysUnknown, holidays_of, no_holidays
from billing.tariffs.rules import InvalidTariff
from billing.tariffs.values import Tariff
from billing.tariffs.windows import (
    DAYS,
    InvalidWindow,
    Prices,
    Timetable,
    Window,
    tariff_in,
    window_at,
)

ZERO = Money.zero("EUR")
OWN = Tariff(
    parse("1.20", "EUR"), ZERO, ZERO, None, first_increment_seconds=60, tax_basis_points=2_000
)
WORKDAYS = "mon tue wed thu fri"


def window(name: str, days: str, begins: str, ends: str, price: str = "0.60") -> Window:
    def minute(clock: str) -> int:
        return int(clock[:2]) * 60 + int(clock[3:])

    return Window(
        name,
        frozenset(days.split()),  # type: ignore[arg-type]
        minute(begins),
        minute(ends),
        Prices(parse(price, "EUR"), ZERO, ZERO, None, None),
    )


def timetable(
    *windows: Window, zone: str = "Europe/Paris", holidays_of: str | None = "FR"
) -> Timetable:
    return Timetable(zone, holidays_of, windows)


NIGHT = window("night", "fri", "22:00", "06:00")
EVENING = window("evening", WORKDAYS, "20:00", "24:00")
BELOW = replace(EVENING.prices, connect_fee=Money(-100, "EUR"))
HOLIDAY = window("holiday", "holiday", "00:00", "24:00")


@pytest.mark.parametrize(
    ("held", "local", "expected"),
    [
        (EVENING, "2026-07-13T19:59:59.999999", False),
        (EVENING, "2026-07-13T20:00:00", True),
        (EVENING, "2026-07-13T23:59:59.999999", True),
        (EVENING, "2026-07-15T00:00:00", False),
        (EVENING, "2026-07-18T20:30:00", False),  # a Saturday
        (EVENING, "2026-07-14T20:30:00", False),  # a Tuesday, but the national day
        (HOLIDAY, "2026-07-13T23:59:59", False),
        (HOLIDAY, "2026-07-14T00:00:00", True),
        (HOLIDAY, "2026-07-14T23:59:59", True),
        (HOLIDAY, "2026-07-15T00:00:00", False),
        (NIGHT, "2026-07-10T21:59:59", False),
        (NIGHT, "2026-07-10T22:00:00", True),
        (NIGHT, "2026-07-11T05:59:59", True),
        (NIGHT, "2026-07-11T06:00:00", False),
        (NIGHT, "2026-07-10T05:00:00", False),  # Thursday's night isn't Friday's
        (NIGHT, "2026-08-15T05:00:00", True),  # into Assumption Day
        (NIGHT, "2026-05-01T22:30:00", False),  # a Friday that is a holiday
    ],
)
def test_a_window_holds_from_its_first_minute_up_to_its_last(
    held: Window, local: str, expected: bool
) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Paris"))
    found = window_at(timetable(held), at.astimezone(UTC), holidays_of("FR"))
    assert found == (held if expected else None)


def test_without_a_country_no_day_is_a_holiday() -> None:
    always = timetable(window("tuesdays", "tue", "00:00", "24:00"), holidays_of=None)
    national_day = datetime(2026, 7, 14, 12, tzinfo=UTC)
    assert window_at(always, national_day, no_holidays) is not None
    assert window_at(always, national_day, holidays_of("FR")) is not None


def test_a_window_that_clocks_skip_does_not_hold_and_one_they_repeat_holds_twice() -> None:
    skipped = timetable(window("two to three", "sun", "02:00", "03:00"))
    spring = [
        datetime(2026, 3, 29, hour, minute, tzinfo=UTC) for hour in (0, 1) for minute in (0, 59)
    ]
    assert [window_at(skipped, at, no_holidays) for at in spring] == [None] * 4
    autumn = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1, 2)]
    held = [window_at(skipped, at, no_holidays) is not None for at in autumn]
    assert held == [True, True, False]


def test_a_window_changes_prices_and_nothing_else() -> None:
    given = Prices(parse("0.60", "EUR"), parse("0.10", "EUR"), ZERO, parse("9", "EUR"), None)
    flat = tariff_in(OWN, Window("w", frozenset({"mon"}), 0, 60, given))
    assert flat == Tariff(
        parse("0.60", "EUR"),
        parse("0.10", "EUR"),
        ZERO,
        parse("9", "EUR"),
        first_increment_seconds=60,
        tax_basis_points=2_000,
    )
    assert tariff_in(OWN, None) is OWN


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (("mon tue", "08:00", "12:00"), ("tue wed", "11:59", "13:00"), "11:59 of a day .* Tuesday"),
        (("fri", "22:00", "06:00"), ("sat", "05:00", "07:00"), "05:00 of a day .* Saturday"),
        (("sun", "22:00", "06:00"), ("mon", "00:00", "01:00"), "00:00 of a day .* Monday"),
        (("mon", "22:00", "06:00"), ("holiday", "00:00", "24:00"), "00:00 .* a public holiday"),
        (("holiday", "22:00", "06:00"), ("wed", "03:00", "04:00"), "03:00 .* a Wednesday"),
        (("mon", "22:00", "06:00"), ("mon", "23:00", "05:00"), "23:00 of a day .* Monday"),
    ],
)
def test_windows_that_may_hold_at_one_time_are_refused_by_name(
    one: tuple[str, str, str], other: tuple[str, str, str], told: str
) -> None:
    for first, second in ((one, other), (other, one)):
        table = timetable(window("one", *first), window("other", *second))
        with pytest.raises(WindowsOverlap, match=told) as raised:
            overlaps.check(OWN, table)
        assert "'one' and 'other'" in str(raised.value)


def test_windows_that_touch_are_no_overlap() -> None:
    days = window("day", "mon tue wed thu fri sat sun holiday", "08:00", "20:00")
    nights = window("night", "mon tue wed thu fri sat sun holiday", "20:00", "08:00")
    overlaps.check(OWN, timetable(days, nights))
    every_day = window("always", " ".join(DAYS), "00:00", "24:00")
    overlaps.check(OWN, timetable(every_day, holidays_of=None))
    # Without holidays nothing but Saturday follows Friday.
    sunday = window("sunday", "sun", "00:00", "24:00")
    overlaps.check(OWN, timetable(NIGHT, sunday, holidays_of=None))


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        (timetable(), InvalidWindow, "at least one"),
        (timetable(window("", "mon", "08:00", "09:00")), InvalidWindow, "name"),
        (timetable(window("w", "", "08:00", "09:00")), InvalidWindow, "no days"),
        (timetable(window("w", "monday", "08:00", "09:00")), InvalidWindow, "'monday'; the days"),
        (timetable(window("w", "mon", "08:00", "08:00")), InvalidWindow, "ends when it begins"),
        (timetable(window("w", "mon", "24:00", "08:00")), InvalidWindow, "between 00:00 and"),
        (timetable(window("w", "mon", "08:00", "24:01")), InvalidWindow, "between 00:00 and"),
        (timetable(HOLIDAY, holidays_of=None), InvalidWindow, "name the country"),
        (timetable(EVENING, EVENING), InvalidWindow, "Two windows are called 'evening'"),
        (timetable(EVENING, zone="Europe/Atlantis"), TimeZoneUnknown, "Atlantis"),
        (
            timetable(replace(EVENING, prices=BELOW)),
            InvalidTariff,
            "In the window 'evening'",
        ),
    ],
)
def test_a_timetable_that_cannot_be_used_is_refused_with_a_reason(
    wrong: Timetable, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        overlaps.check(OWN, wrong)


@pytest.mark.parametrize(
    "place", ["", "XX", "fr", "France", "FRA", "FR-", "DE-QQ", "NYSE", "../FR"]
)
def test_a_place_without_a_calendar_is_refused(place: str) -> None:
    with pytest.raises(HolidaysUnknown, match="try a country like FR"):
        holidays_of(place)


def test_parts_of_a_country_have_holidays_of_their_own() -> None:
    epiphany = date(2026, 1, 6)
    assert holidays_of("DE-BY")(epiphany)
    assert not holidays_of("DE")(epiphany)
