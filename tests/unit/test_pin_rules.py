"""Wrong PINs: what locks a source, what stops all unknown ones."""

from datetime import UTC, datetime, timedelta

import pytest

from billing.pins.rules import (
    DAY,
    FAILURES_A_DAY,
    FAILURES_TO_LOCK,
    LONGEST_STRANGERS_LOCK,
    after_stranger,
    after_try,
    is_locked,
    source_of,
)
from billing.pins.values import Lock, PinCheck

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("trunk", "number", "source"),
    [
        ("carrier", "+33639980101", "carrier +33639980101"),
        ("carrier", None, "carrier -"),
        (None, "+33639980101", "- +33639980101"),
        ("", None, "- -"),
    ],
)
def test_a_source_is_trunk_and_number(trunk: str | None, number: str | None, source: str) -> None:
    assert source_of(trunk, number) == source


def test_a_right_pin_between_doesnt_make_the_day_longer() -> None:
    lock, wrong = Lock(), 0
    while not is_locked(lock.locked_until, NOW):
        _, lock = after_try(lock, NOW, right=False)
        wrong += 1
        if wrong % (FAILURES_TO_LOCK - 1) == 0 and wrong < FAILURES_A_DAY:
            _, lock = after_try(lock, NOW, right=True)
    assert wrong == FAILURES_A_DAY
    assert lock.locked_until == NOW + DAY


def test_a_day_that_is_over_counts_anew() -> None:
    lock = Lock(in_day=FAILURES_A_DAY - 1, day_began_at=NOW - DAY)
    assert after_try(lock, NOW, right=False) == (PinCheck.WRONG, Lock(1, 0, None, 1, NOW))
    before = NOW - timedelta(microseconds=1)
    assert after_try(lock, before, right=False)[0] is PinCheck.LOCKED


def test_a_lock_of_a_source_never_ends_before_its_day_if_that_is_used_up() -> None:
    lock = Lock(FAILURES_TO_LOCK - 1, 0, None, FAILURES_A_DAY - 1, NOW)
    assert after_try(lock, NOW, right=False)[1].locked_until == NOW + DAY


def test_unknown_sources_are_stopped_twice_as_long_each_time_up_to_eight_days() -> None:
    lock, at = Lock(), NOW
    stops: list[timedelta] = []
    while len(stops) < 6:
        lock = after_stranger(lock, at)
        if lock.locked_until is not None:
            assert lock.in_day == FAILURES_A_DAY
            stops.append(lock.locked_until - at)
            at = lock.locked_until
    assert stops == [DAY, 2 * DAY, 4 * DAY, *[LONGEST_STRANGERS_LOCK] * 3]
