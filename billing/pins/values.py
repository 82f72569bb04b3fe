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
    """Wrong PINs of one person since his last right one.

    `failures` counts since the last lock or right PIN, `lockouts` the locks in a row.
    """

    failures: int = 0
    lockouts: int = 0
    locked_until: datetime | None = None
