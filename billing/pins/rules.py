"""When wrong PINs lock, and for how long: one rule for callers and experts."""

from datetime import datetime, timedelta
from typing import Final

from billing.pins.values import Lock, PinCheck

FAILURES_TO_LOCK: Final = 5
"""Wrong PINs in a row, over all calls, that lock."""

FIRST_LOCK_MINUTES: Final = 15
LONGEST_LOCK_MINUTES: Final = 24 * 60
"""Each lock without a right PIN between is twice as long as the one before, up to this."""


def is_locked(lock: Lock, at: datetime) -> bool:
    """Whether no PIN is tried now."""
    return lock.locked_until is not None and at < lock.locked_until


def after_try(lock: Lock, at: datetime, *, right: bool) -> tuple[PinCheck, Lock]:
    """Give what came of a PIN that was tried, and the lock after it.

    The fifth wrong one in a row locks for 15 minutes, the tenth for 30, up to a day.
    """
    if right:
        return PinCheck.RIGHT, Lock()
    failures = lock.failures + 1
    if failures < FAILURES_TO_LOCK:
        return PinCheck.WRONG, Lock(failures, lock.lockouts)
    minutes = min(FIRST_LOCK_MINUTES * 2**lock.lockouts, LONGEST_LOCK_MINUTES)
    return PinCheck.LOCKED, Lock(0, lock.lockouts + 1, at + timedelta(minutes=minutes))
