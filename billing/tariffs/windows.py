"""Windows: the days and hours of a week in which a tariff has other prices."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

from billing.kit.errors import PrimelineError
from billing.kit.zones import check_zone
from billing.money.values import Money
from billing.tariffs import rules
from billing.tariffs.values import Tariff

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
"""What kind of a day a date is: a public holiday is no weekday any more."""

DAYS: Final[tuple[Day, ...]] = get_args(Day)
WEEKDAYS: Final = DAYS[:7]
DAY_MINUTES: Final = 1_440
MOST_WINDOWS: Final = 100
LONGEST_NAME: Final = 40

IsHoliday = Callable[[date], bool]
"""Whether a date is a public holiday where the tariff says."""


class InvalidWindow(PrimelineError):
    """A window that can't be used; the sentence says what is wrong with it."""

    code = "invalid-window"


class WindowsOverlap(PrimelineError):
    """Two windows that hold at one time: nobody could say which of the prices counts."""

    code = "windows-overlap"

    def __init__(self, one: str, other: str, day: Day, minute: int) -> None:
        super().__init__(
            f"The windows {one!r} and {other!r} overlap: both hold at {clock_of(minute)} of a"
            f" day that may be {_NAMES[day]}."
        )


@dataclass(frozen=True, slots=True)
class Prices:
    """What a window changes of its version's tariff; all else is as the version has it."""

    price_per_minute: Money
    connect_fee: Money
    minimum_charge: Money
    maximum_charge: Money | None
    price_per_act: Money | None


@dataclass(frozen=True, slots=True)
class Window:
    """Prices of some days, from a minute of the local day up to another, not included.

    `to_minute` 1 440 is midnight. A `to_minute` below `from_minute` is one of the next day: Friday
    22:00 to 06:00 ends on the morning after, whatever day that is.
    """

    name: str
    days: frozenset[Day]
    from_minute: int
    to_minute: int
    prices: Prices

    @property
    def is_past_midnight(self) -> bool:
        """Whether the window ends on the day after the one it begins on."""
        return self.to_minute < self.from_minute


@dataclass(frozen=True, slots=True)
class Timetable:
    """All windows of a version, by the clock of one IANA zone; outside them its own prices hold.

    `holidays_of` is an ISO 3166 country, or a part of one ("DE-BY"), whose public holidays count
    as such; None: no day is a holiday.
    """

    time_zone: str
    holidays_of: str | None
    windows: tuple[Window, ...]


def window_at(timetable: Timetable, at: datetime, is_holiday: IsHoliday) -> Window | None:
    """Give the window that holds at an instant; None: the version's own prices hold.

    Every instant has one local date and time, so in the hour that clocks show twice a window holds
    twice, and of the hour they skip nothing is left. Mondays from 20:00 to 24:00: 20:00:00 is in
    it, 19:59:59 isn't.
    """
    local = at.astimezone(ZoneInfo(timetable.time_zone))
    minute, today = local.hour * 60 + local.minute, local.date()
    with_holidays = timetable.holidays_of is not None

    def kind(day: date) -> Day:
        return "holiday" if with_holidays and is_holiday(day) else WEEKDAYS[day.weekday()]

    for window in timetable.windows:
        if window.is_past_midnight:
            if minute >= window.from_minute and kind(today) in window.days:
                return window
            if minute < window.to_minute and kind(today - timedelta(days=1)) in window.days:
                return window
        elif window.from_minute <= minute < window.to_minute and kind(today) in window.days:
            return window
    return None


def tariff_in(tariff: Tariff, window: Window | None) -> Tariff:
    """Give the flat tariff of a window, or of the time outside all of them (None)."""
    if window is None:
        return tariff
    prices = window.prices
    return replace(
        tariff,
        price_per_minute=prices.price_per_minute,
        connect_fee=prices.connect_fee,
        minimum_charge=prices.minimum_charge,
        maximum_charge=prices.maximum_charge,
        price_per_act=prices.price_per_act,
    )


def flat_tariffs(tariff: Tariff, timetable: Timetable | None) -> list[Tariff]:
    """Give every flat tariff that may be announced: the version's own, then each window's."""
    windows = () if timetable is None else timetable.windows
    return [tariff, *(tariff_in(tariff, window) for window in windows)]


def dearer(new: tuple[Tariff, Timetable | None], old: tuple[Tariff, Timetable | None]) -> bool:
    """Whether some call may cost more by a new version than by an old one, at any time.

    Windows of the same times are compared one by one; if the times differ, each new price is
    compared with all old ones, since any of them may have held.
    """
    now_flat, before_flat = _by_time(*new), _by_time(*old)
    if now_flat.keys() == before_flat.keys():
        return any(rules.dearer(now_flat[time], before_flat[time]) for time in now_flat)
    return any(
        rules.dearer(one, other) for one in now_flat.values() for other in before_flat.values()
    )


def _by_time(tariff: Tariff, timetable: Timetable | None) -> dict[Hashable, Tariff]:
    flat: dict[Hashable, Tariff] = {None: tariff}
    if timetable is not None:
        for window in timetable.windows:
            times = (window.days, window.from_minute, window.to_minute)
            where = (timetable.time_zone, timetable.holidays_of)
            flat[times, where] = tariff_in(tariff, window)
    return flat


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


def clock_of(minute: int) -> str:
    """Write a minute of the day as clocks show it: 1 440 is "24:00"."""
    return f"{minute // 60:02}:{minute % 60:02}"


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
