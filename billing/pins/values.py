"""What comes of a PIN that was tried."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PinCheck(StrEnum):
    """What came of a PIN that was keyed."""

    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Lock:
    """Wrong PINs of one person from one source.

    `failures` counts since the last lock or right PIN, `lockouts` the locks in a row. `in_day`
    counts since `day_began_at`; a right PIN doesn't make it less.
    """

    failures: int = 0
    lockouts: int = 0
    locked_until: datetime | None = None
    in_day: int = 0
    day_began_at: datetime | None = None
