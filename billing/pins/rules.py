"""When wrong PINs lock, for whom and for how long: one rule for callers and experts."""

from datetime import datetime, timedelta
from typing import Final

from billing.pins.values import Lock, PinCheck

FAILURES_TO_LOCK: Final = 5
"""Wrong PINs in a row from one source, over all calls, that lock it."""

FIRST_LOCK_MINUTES: Final = 15
LONGEST_LOCK_MINUTES: Final = 24 * 60
"""Each lock without a right PIN between is twice as long as the one before, up to this."""

FAILURES_A_DAY: Final = 20
"""Wrong PINs for one person within a day: from all unknown sources together, and from each known
one. Of the 10,000 PINs of four digits that is one in 500 a day."""

DAY: Final = timedelta(days=1)
"""From the first wrong PIN on, by no calendar."""

LONGEST_STRANGERS_LOCK: Final = 8 * DAY


def source_of(trunk: str | None, caller_number: str | None) -> str:
    """Name where a call comes from: `source_of("carrier", "+33639980101")` is both in a row.

    A withheld number leaves the trunk; our own phones come over none.
    """
    return " ".join((trunk or "-", caller_number or "-"))


def is_locked(locked_until: datetime | None, at: datetime) -> bool:
    """Whether no PIN is tried now."""
    return locked_until is not None and at < locked_until


def after_try(lock: Lock, at: datetime, *, right: bool) -> tuple[PinCheck, Lock]:
    """Give what came of a PIN that was tried, and the source's lock after it.

    The fifth wrong one in a row locks for 15 minutes, the tenth for 30, up to a day; the
    twentieth within a day locks until that day is over.
    """
    if right:
        return PinCheck.RIGHT, Lock(in_day=lock.in_day, day_began_at=lock.day_began_at)
    in_day, began_at, day_over_at = _counted(lock.in_day, lock.day_began_at, at)
    failures, lockouts = lock.failures + 1, lock.lockouts
    until = day_over_at
    if failures >= FAILURES_TO_LOCK:
        minutes = min(FIRST_LOCK_MINUTES * 2**lockouts, LONGEST_LOCK_MINUTES)
        failures, lockouts = 0, lockouts + 1
        until = max(at + timedelta(minutes=minutes), day_over_at or at)
    check = PinCheck.WRONG if until is None else PinCheck.LOCKED
    return check, Lock(failures, lockouts, until, in_day, began_at)


def after_stranger(lock: Lock, at: datetime) -> Lock:
    """Give the lock of all unknown sources together after a wrong PIN from one of them.

    The twentieth within a day locks for a day, then for two, four and eight, until the operator
    unlocks or the PIN is another one: a right PIN from elsewhere doesn't tell who guessed.
    """
    in_day, began_at, day_over_at = _counted(lock.in_day, lock.day_began_at, at)
    if day_over_at is None:
        return Lock(0, lock.lockouts, None, in_day, began_at)
    stop = min(DAY * 2**lock.lockouts, LONGEST_STRANGERS_LOCK)
    return Lock(0, lock.lockouts + 1, at + stop, in_day, began_at)


def _counted(
    in_day: int, began_at: datetime | None, at: datetime
) -> tuple[int, datetime, datetime | None]:
    """Count one more; the third is when the day is over, if nothing is tried any more in it."""
    if began_at is None or at >= began_at + DAY:
        in_day, began_at = 0, at
    in_day += 1
    return in_day, began_at, began_at + DAY if in_day >= FAILURES_A_DAY else None
