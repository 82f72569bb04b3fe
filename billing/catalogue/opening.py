"""When an expert is there: hours of the week, and the next time a clock shows an hour."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from billing.catalogue.values import OpenHours

DAY_MINUTES: Final = 1_440


def is_open(hours: Iterable[OpenHours], at: datetime, time_zone: str) -> bool:
    """Whether a moment lies in the hours, by the expert's own clock; no hours: always.

    Monday 9:00 to 12:00 holds at 9:00 and no longer at 12:00.
    """
    stretches = tuple(hours)
    local = at.astimezone(ZoneInfo(time_zone))
    minute = local.hour * 60 + local.minute
    return not stretches or any(
        one.weekday == local.weekday() and one.from_minute <= minute < one.to_minute
        for one in stretches
    )


def next_at(hour: time, after: datetime, time_zone: str) -> datetime:
    """Give the next moment, in UTC, at which a clock of the zone shows `hour`.

    At 18:00, "17:30" is tomorrow's. What the clocks skip when they are put on is an hour later.
    """
    zone = ZoneInfo(time_zone)
    local = after.astimezone(zone)
    for days in (0, 1):
        day = local.date() + timedelta(days=days)
        moment = datetime.combine(day, hour, zone).astimezone(after.tzinfo)
        if moment > after:
            return moment
    raise AssertionError((hour, after))  # tomorrow's is always later
