"""How a call came to its charge, step by step: the steps are the rules that billed it."""

from typing import Any

import pytest

from billing.calls.rules import arithmetic, running
from billing.money.values import Money
from billing.shares.values import ShareRule
from billing.tariffs.rules import Earlier, charge, rate
from billing.tariffs.values import Tariff


def eur(cents: int) -> Money:
    return Money.of_minor(cents, "EUR")


def tariff(**changes: Any) -> Tariff:
    values: dict[str, Any] = {
        "price_per_minute": eur(120),
        "connect_fee": eur(0),
        "minimum_charge": eur(0),
        "maximum_charge": None,
        "tax_basis_points": 2_000,
    }
    return Tariff(**values | changes)


def test_every_step_from_milliseconds_to_shares_is_shown() -> None:
    one = tariff(
        connect_fee=eur(10), first_increment_seconds=30, next_increment_seconds=60, free_seconds=5
    )
    steps = arithmetic(one, ShareRule(), [(0, 30_500), (40_000, 46_499)], 300)
    assert (steps.talked_ms, steps.used_seconds, steps.billed_seconds) == (36_999, 36, 36)
    assert (steps.rated.free_seconds, steps.rated.billable_seconds) == (5, 90)
    assert (steps.rated.connect_fee, steps.rated.rounded_down) == (eur(10), eur(190))
    assert steps.rated.charge == eur(190)
    assert steps.split.charge == steps.split.tax + steps.split.expert + steps.split.platform


def test_talk_beyond_the_grant_is_shown_and_not_billed() -> None:
    steps = arithmetic(tariff(), ShareRule(), [(0, 25_040)], 25)
    assert (steps.billed_seconds, steps.overrun_ms, steps.rated.charge) == (25, 40, eur(50))


@pytest.mark.parametrize(
    ("changes", "rounded", "bounded"),
    [
        ({}, 122, 122),
        ({"minimum_charge": eur(200)}, 122, 200),
        ({"maximum_charge": eur(100)}, 122, 100),
        ({"price_per_minute": eur(35)}, 35, 35),
    ],
)
def test_rounding_comes_before_the_bounds(
    changes: dict[str, Any], rounded: int, bounded: int
) -> None:
    rated = rate(tariff(**changes), 61)
    assert (rated.rounded_down, rated.bounded) == (eur(rounded), eur(bounded))
    assert rated.charge == charge(tariff(**changes), 61) == eur(bounded)


def test_nothing_talked_has_no_fee_and_no_minimum() -> None:
    rated = rate(tariff(connect_fee=eur(10), minimum_charge=eur(50)), 0)
    assert (rated.billable_seconds, rated.connect_fee, rated.charge) == (0, eur(0), eur(0))


def test_what_was_charged_before_is_taken_off_and_the_fee_not_taken_twice() -> None:
    one = tariff(connect_fee=eur(10), maximum_charge=eur(150))
    rated = rate(one, 60, earlier=Earlier(60, eur(130), eur(130)))
    assert (rated.connect_fee, rated.bounded, rated.charge) == (eur(0), eur(150), eur(20))


def test_a_running_charge_is_the_charge_of_that_moment() -> None:
    now = running(tariff(), [(1_000, 62_999)], 300)
    assert (now.used_seconds, now.charge, now.granted_seconds_left) == (61, eur(122), 239)
