"""What windows a version may have: each whole in itself, and no two at one time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from billing.kit.errors import PrimelineError
from billing.kit.zones import check_zone
from billing.tariffs import rules
from billing.tariffs.values import Tariff
from billing.tariffs.windows import (
    DAY_MINUTES,
    DAYS,
    WEEKDAYS,
    Day,
    InvalidWindow,
    Timetable,
    Window,
    clock_of,
    tariff_in,
)

MOST_WINDOWS: Final = 100
LONGEST_NAME: Final = 40

_NAMES: Final[dict[Day, str]] = {
    "mon": "a Monday",
    "tue": "a Tuesday",
    "wed": "a Wednesday",
    "thu": "a Thursday",
    "fri": "a Friday",
    "sat": "a Saturday",
    "sun": "a Sunday",
    "holiday": "a public holiday",
}


class WindowsOverlap(PrimelineError):
    """Two windows that hold at one time: nobody could say which of the prices counts."""

    code = "windows-overlap"

    def __init__(self, one: str, other: str, day: Day, minute: int) -> None:
        super().__init__(
            f"The windows {one!r} and {other!r} overlap: both hold at {clock_of(minute)} of a"
            f" day that may be {_NAMES[day]}."
        )


def check(tariff: Tariff, timetable: Timetable) -> None:
    """Raise unless every instant has one price, and each price can be rated.

    Raises InvalidWindow, WindowsOverlap, TimeZoneUnknown or InvalidTariff. Whether there is a
    calendar of the country is for who has the calendars.
    """
    check_zone(timetable.time_zone)
    if not timetable.windows:
        raise InvalidWindow("A timetable has at least one window.")
    if len(timetable.windows) > MOST_WINDOWS:
        raise InvalidWindow(f"A tariff has at most {MOST_WINDOWS} windows.")
    for window in timetable.windows:
        _check_window(window, with_holidays=timetable.holidays_of is not None)
        try:
            rules.check(tariff_in(tariff, window))
        except rules.InvalidTariff as error:
            raise rules.InvalidTariff(f"In the window {window.name!r}: {error}") from error
    for one, other in combinations(timetable.windows, 2):
        if one.name == other.name:
            raise InvalidWindow(f"Two windows are called {one.name!r}.")
        shared = _overlap(one, other, with_holidays=timetable.holidays_of is not None)
        if shared is not None:
            raise WindowsOverlap(one.name, other.name, *shared)


def _check_window(window: Window, *, with_holidays: bool) -> None:
    name = window.name
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or name.strip() != name:
        raise InvalidWindow(f"A window's name has 1 to {LONGEST_NAME} letters, not {name!r}.")
    if not window.days:
        raise InvalidWindow(f"The window {name!r} has no days.")
    if unknown := sorted(set(window.days) - set(DAYS)):
        raise InvalidWindow(
            f"The window {name!r} names a day {unknown[0]!r}; the days are {', '.join(DAYS)}."
        )
    if "holiday" in window.days and not with_holidays and window.days != frozenset(DAYS):
        raise InvalidWindow(
            f"The window {name!r} holds on public holidays; name the country that they are of."
        )
    if not (0 <= window.from_minute < DAY_MINUTES and 1 <= window.to_minute <= DAY_MINUTES):
        raise InvalidWindow(f"The window {name!r} isn't between 00:00 and 24:00.")
    if window.from_minute == window.to_minute:
        raise InvalidWindow(
            f"The window {name!r} ends when it begins; a whole day is 00:00 to 24:00."
        )


def _overlap(one: Window, other: Window, *, with_holidays: bool) -> tuple[Day, int] | None:
    """Give a kind of day and a minute of it at which both windows hold."""
    for mine in _stretches(one, with_holidays=with_holidays):
        for theirs in _stretches(other, with_holidays=with_holidays):
            if mine.after and theirs.after:
                continue  # then both began on one day and hold at its midnight, found there
            days = mine.days & theirs.days
            begins = max(mine.from_minute, theirs.from_minute)
            if days and begins < min(mine.to_minute, theirs.to_minute):
                return min(days, key=DAYS.index), begins
    return None


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What a window holds of single days: its own, or those `after` its own."""

    days: frozenset[Day]
    from_minute: int
    to_minute: int
    after: bool = False


def _stretches(window: Window, *, with_holidays: bool) -> Iterator[_Stretch]:
    if not window.is_past_midnight:
        yield _Stretch(window.days, window.from_minute, window.to_minute)
        return
    yield _Stretch(window.days, window.from_minute, DAY_MINUTES)
    nights = frozenset(_days_after(window.days, with_holidays=with_holidays))
    yield _Stretch(nights, 0, window.to_minute, after=True)


def _days_after(days: Iterable[Day], *, with_holidays: bool) -> Iterator[Day]:
    """Give what days may follow: any day may be a holiday, and any may follow one."""
    for day in days:
        if day == "holiday":
            yield from DAYS
        else:
            yield WEEKDAYS[(WEEKDAYS.index(day) + 1) % 7]
    if with_holidays:
        yield "holiday"
