"""Public holidays of countries and of their parts, as the `holidays` library knows them."""

from datetime import date
from functools import lru_cache

import holidays

from billing.kit.errors import PrimelineError
from billing.tariffs.windows import IsHoliday


class HolidaysUnknown(PrimelineError):
    """No calendar of public holidays has that name."""

    code = "holidays-unknown"

    def __init__(self, place: str) -> None:
        super().__init__(
            f"There are no public holidays known of {place!r};"
            " try a country like FR or one of its parts like DE-BY."
        )


@lru_cache(maxsize=64)
def holidays_of(place: str) -> IsHoliday:
    """Give the holidays of a country or of a part of one, days given in lieu included.

    Raises HolidaysUnknown.
    """
    country, _, part = place.partition("-")
    parts = holidays.list_supported_countries(include_aliases=False).get(country)
    if parts is None or len(country) != len("FR") or ("-" in place and part not in parts):
        raise HolidaysUnknown(place)
    calendar = holidays.country_holidays(country, subdiv=part or None)

    def is_holiday(day: date) -> bool:
        return day in calendar

    return is_holiday


def no_holidays(_: date) -> bool:
    """Say of every day that it is none."""
    return False
