"""Time zones by name."""

from zoneinfo import ZoneInfo

from billing.kit.errors import PrimelineError


class TimeZoneUnknown(PrimelineError):
    """A time zone that isn't in the database of zones."""

    code = "time-zone-unknown"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no time zone {name!r}; try Europe/Paris.")


def check_zone(name: str) -> str:
    """Give the name back; raises TimeZoneUnknown."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise TimeZoneUnknown(name) from error
    return name
