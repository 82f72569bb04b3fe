"""How often a PIN may be keyed in one call: one rule for the paid call and the lines."""

from enum import StrEnum

from billing.pins.values import PinCheck


class Next(StrEnum):
    """What follows a PIN that was tried."""

    GO_ON = "go-on"
    AGAIN = "again"
    WRONG = "wrong"
    LOCKED = "locked"


def after_pin(check: PinCheck, tries: int, most: int) -> Next:
    """Say what follows the try number `tries` of `most`, counted from 1.

    `after_pin(PinCheck.WRONG, 3, 3)` is `Next.WRONG`: the call ends.
    """
    if check is PinCheck.RIGHT:
        return Next.GO_ON
    if check is PinCheck.LOCKED:
        return Next.LOCKED
    return Next.AGAIN if tries < most else Next.WRONG
