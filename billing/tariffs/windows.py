"""Windows: the days and hours of a week in which a tariff has other prices."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

from billing.kit.errors import PrimelineError
from billing.money.values import Money
from billing.tariffs import rules
from billing.tariffs.values import Tariff

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
"""What kind of a day a date is: a public holiday is no weekday any more."""

DAYS: Final[tuple[Day, ...]] = get_args(Day)
WEEKDAYS: Final = DAYS[:7]
DAY_MINUTES: Final = 1_440

IsHoliday = Callable[[date], bool]
"""Whether a date is a public holiday where the tariff says."""


class InvalidWindow(PrimelineError):
    """A window that can't be used; the sentence says what is wrong with it."""

    code = "invalid-window"


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


def clock_of(minute: int) -> str:
    """Write a minute of the day as clocks show it: 1 440 is "24:00"."""
    return f"{minute // 60:02}:{minute % 60:02}"
