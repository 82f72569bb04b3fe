"""The arithmetic of a call, said in sentences."""

from typing import Any

import pytest

from billing.calls.explaining import explain
from billing.calls.rules import arithmetic
from billing.money.values import Money
from billing.shares.values import ShareRule
from billing.tariffs.values import Tariff


def eur(cents: int) -> Money:
    return Money.of_minor(cents, "EUR")


def said(
    ms: int, granted: int = 300, share: ShareRule | None = None, **changes: Any
) -> dict[str, str]:
    values: dict[str, Any] = {
        "price_per_minute": eur(120),
        "connect_fee": eur(0),
        "minimum_charge": eur(0),
        "maximum_charge": None,
        "tax_basis_points": 2_000,
    }
    tariff = Tariff(**values | changes)
    done = arithmetic(tariff, share or ShareRule(), [(0, ms)], granted)
    return {step.what: step.sentence for step in explain(done)}


def test_an_act_is_explained_without_minutes() -> None:
    told = said(25_500, price_per_act=eur(500), mode="act")

    assert told["price"] == "An act is due once it has lasted 10 s: 5.0000 EUR."
    assert told["charge"] == "The caller pays 5.0000 EUR."
    assert "billable" not in told


def test_a_plain_call_is_explained_to_the_last_part() -> None:
    assert said(252_040) == {
        "used": "252.040 s were talked; whole seconds count: 252 s.",
        "billed": "300 s were granted, so all of it counts. 252 s.",
        "billable": "Counted by the second: 252 s.",
        "price": "1.2000 EUR a minute for 252 s, rounded down to whole cents: 5.0400 EUR.",
        "charge": "The caller pays 5.0400 EUR.",
        "tax": "20 % tax are in it: 0.8400 EUR.",
        "expert": "The expert gets 70 % of what is left without tax: 2.9400 EUR.",
        "platform": "The platform keeps the rest: 1.2600 EUR.",
    }


@pytest.mark.parametrize(
    ("step", "sentence", "told"),
    [
        (
            "billed",
            "25 s were granted; 40 ms beyond them are not charged. 25 s.",
            said(25_040, granted=25),
        ),
        ("free", "The first 30 s are free: 31 s are left.", said(61_000, free_seconds=30)),
        (
            "billable",
            "Counted in blocks of 30 s, then 60 s: 90 s.",
            said(31_000, first_increment_seconds=30, next_increment_seconds=60),
        ),
        (
            "price",
            "0.1000 EUR + 1.2000 EUR a minute for 60 s, rounded down to whole cents: 1.3000 EUR.",
            said(60_000, connect_fee=eur(10)),
        ),
        (
            "minimum",
            "A call that costs anything costs at least 2.0000 EUR.",
            said(60_000, minimum_charge=eur(200)),
        ),
        (
            "maximum",
            "A call costs 1.0000 EUR at most.",
            said(60_000, maximum_charge=eur(100)),
        ),
        (
            "expert",
            "The expert gets 62.50 % of the charge: 0.7500 EUR.",
            said(60_000, share=ShareRule(6_250, "gross")),
        ),
    ],
)
def test_each_rule_that_took_part_is_named(step: str, sentence: str, told: dict[str, str]) -> None:
    assert told[step] == sentence


def test_rules_that_took_no_part_are_not_named() -> None:
    assert not {"free", "minimum", "maximum"} & set(said(60_000))
