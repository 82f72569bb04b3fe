import json
from dataclasses import replace
from typing import Any

import pytest

from billing.kit.snapshots import UnreadableSnapshot
from billing.money.values import Money
from billing.shares import snapshot as shares_snapshot
from billing.shares.values import ShareRule
from billing.tariffs import snapshot as tariffs_snapshot
from billing.tariffs.values import Tariff

TARIFF = Tariff(
    price_per_minute=Money(12_000, "GBP"),
    connect_fee=Money(5_000, "GBP"),
    minimum_charge=Money(10_000, "GBP"),
    maximum_charge=Money(90_000, "GBP"),
    first_increment_seconds=30,
    next_increment_seconds=6,
    free_seconds=20,
    maximum_seconds=1_800,
    tax_basis_points=2_000,
)
FROZEN_TARIFF: dict[str, Any] = {
    "currency": "GBP",
    "price_per_minute": 12_000,
    "connect_fee": 5_000,
    "minimum_charge": 10_000,
    "maximum_charge": 90_000,
    "first_increment_seconds": 30,
    "next_increment_seconds": 6,
    "free_seconds": 20,
    "maximum_seconds": 1_800,
    "tax_basis_points": 2_000,
    "price_per_act": None,
    "act_minimum_seconds": 10,
    "act_maximum_seconds": 1_800,
    "mode": "minute",
}
ACT_FIELDS = ("price_per_act", "act_minimum_seconds", "act_maximum_seconds", "mode")


def test_a_tariff_frozen_before_there_were_acts_is_thawed() -> None:
    older = {name: value for name, value in FROZEN_TARIFF.items() if name not in ACT_FIELDS}

    assert tariffs_snapshot.from_json(older) == TARIFF
    with pytest.raises(UnreadableSnapshot):
        tariffs_snapshot.from_json({**older, "price_per_act": None})


@pytest.mark.parametrize("mode", ["act", "hour", None, ["act"]])
def test_a_tariff_paid_by_what_it_has_no_price_of_is_not_thawed(mode: object) -> None:
    with pytest.raises(UnreadableSnapshot):
        tariffs_snapshot.from_json({**FROZEN_TARIFF, "mode": mode})


def test_an_act_is_frozen_and_thawed_through_json() -> None:
    act = replace(TARIFF, price_per_act=Money(50_000, "GBP")).by("act")

    assert tariffs_snapshot.from_json(json.loads(json.dumps(tariffs_snapshot.to_json(act)))) == act


def test_a_tariff_is_frozen_and_thawed_through_json() -> None:
    assert tariffs_snapshot.to_json(TARIFF) == FROZEN_TARIFF
    assert tariffs_snapshot.from_json(json.loads(json.dumps(FROZEN_TARIFF))) == TARIFF


def test_a_tariff_without_a_maximum_charge_stays_without() -> None:
    frozen = FROZEN_TARIFF | {"maximum_charge": None}

    thawed = tariffs_snapshot.from_json(frozen)

    assert thawed.maximum_charge is None
    assert tariffs_snapshot.to_json(thawed) == frozen


@pytest.mark.parametrize("rule", [ShareRule(), ShareRule(5_050, "gross")])
def test_a_share_rule_is_frozen_and_thawed_through_json(rule: ShareRule) -> None:
    frozen = json.loads(json.dumps(shares_snapshot.to_json(rule)))

    assert shares_snapshot.from_json(frozen) == rule


def test_every_field_of_a_frozen_tariff_is_needed() -> None:
    for name in FROZEN_TARIFF:
        with pytest.raises(UnreadableSnapshot, match=f"{name} missing"):
            tariffs_snapshot.from_json({k: v for k, v in FROZEN_TARIFF.items() if k != name})


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (None, "it is no object"),
        ([], "it is no object"),
        (FROZEN_TARIFF | {"surprise": 1}, "surprise unknown"),
        (FROZEN_TARIFF | {"currency": "XXX"}, "currency is none that we know"),
        (FROZEN_TARIFF | {"currency": ["EUR"]}, "currency is none that we know"),
        (FROZEN_TARIFF | {"connect_fee": 1.0}, "connect_fee is no whole number"),
        (FROZEN_TARIFF | {"connect_fee": "1"}, "connect_fee is no whole number"),
        (FROZEN_TARIFF | {"connect_fee": None}, "connect_fee is no whole number"),
        (FROZEN_TARIFF | {"free_seconds": True}, "free_seconds is no whole number"),
    ],
)
def test_a_strange_frozen_tariff_is_refused(data: object, problem: str) -> None:
    with pytest.raises(UnreadableSnapshot) as raised:
        tariffs_snapshot.from_json(data)

    assert raised.value.sentence == f"The stored tariff can't be read: {problem}."


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"basis": "net"}, "expert_basis_points missing"),
        ({"basis": "other", "expert_basis_points": 1}, "basis is neither net nor gross"),
        ({"basis": "net", "expert_basis_points": "1"}, "expert_basis_points is no whole number"),
    ],
)
def test_a_strange_frozen_share_rule_is_refused(data: object, problem: str) -> None:
    with pytest.raises(UnreadableSnapshot) as raised:
        shares_snapshot.from_json(data)

    assert raised.value.sentence == f"The stored share rule can't be read: {problem}."
