"""Hours of the week as an operator writes them: `mon 09:00-12:00`."""

import re
from typing import Final

from billing.catalogue.errors import InvalidHours
from billing.catalogue.values import OpenHours

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_STRETCH: Final = re.compile(r"([a-z]{3}) (\d\d):(\d\d)-(\d\d):(\d\d)")


def read_hours(text: str) -> OpenHours:
    """Read one stretch; raises InvalidHours."""
    found = _STRETCH.fullmatch(text.strip().lower())
    if found is None or found[1] not in _DAYS:
        raise InvalidHours(f"{text!r} is not like 'mon 09:00-12:00'")
    minutes = [int(found[at]) for at in range(2, 6)]
    return OpenHours(
        _DAYS.index(found[1]), minutes[0] * 60 + minutes[1], minutes[2] * 60 + minutes[3]
    )
