"""When one tariff counts as dearer than another."""

from typing import Any

import pytest

from billing.money.values import Money
from billing.tariffs.rules import dearer
from billing.tariffs.values import Tariff


def tariff_of(**changes: Any) -> Tariff:
    values: dict[str, Any] = {
        "price_per_minute": Money(12_000, "USD"),
        "connect_fee": Money(0, "USD"),
        "minimum_charge": Money(0, "USD"),
        "maximum_charge": Money(100_000, "USD"),
        "free_seconds": 30,
    }
    return Tariff(**values | changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"price_per_minute": Money(12_100, "USD")}, True),
        ({"price_per_minute": Money(11_900, "USD")}, False),
        ({"connect_fee": Money(100, "USD")}, True),
        ({"minimum_charge": Money(100, "USD")}, True),
        ({"first_increment_seconds": 60}, True),
        ({"next_increment_seconds": 60}, True),
        ({"free_seconds": 29}, True),
        ({"free_seconds": 31}, False),
        ({"maximum_charge": Money(110_000, "USD")}, True),
        ({"maximum_charge": None}, True),
        ({"maximum_charge": Money(90_000, "USD")}, False),
        ({"price_per_minute": Money(11_900, "USD"), "connect_fee": Money(100, "USD")}, True),
    ],
)
def test_a_tariff_is_dearer_if_any_part_of_its_price_is(
    changes: dict[str, Any], expected: bool
) -> None:
    assert dearer(tariff_of(**changes), tariff_of()) is expected


def test_where_nothing_bounded_a_charge_a_bound_makes_nothing_dearer() -> None:
    assert not dearer(tariff_of(), tariff_of(maximum_charge=None))
