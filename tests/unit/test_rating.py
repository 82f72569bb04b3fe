from dataclasses import replace
from typing import Any

import pytest

from billing.money.values import CurrencyMismatch, Money
from billing.tariffs.rules import (
    Earlier,
    InvalidTariff,
    affordable_seconds,
    after,
    billable_seconds,
    charge,
    check,
    rate,
)
from billing.tariffs.values import Tariff


def eur(minor: int) -> Money:
    return Money.of_minor(minor, "EUR")


def tariff(
    price: int,
    increments: tuple[int, int] = (1, 1),
    *,
    free: int = 0,
    fee: int = 0,
    minimum: int = 0,
    maximum: int | None = None,
    longest: int = 3_600,
) -> Tariff:
    return Tariff(
        price_per_minute=eur(price),
        connect_fee=eur(fee),
        minimum_charge=eur(minimum),
        maximum_charge=None if maximum is None else eur(maximum),
        first_increment_seconds=increments[0],
        next_increment_seconds=increments[1],
        free_seconds=free,
        maximum_seconds=longest,
    )


@pytest.mark.parametrize(
    ("increments", "paid", "billable"),
    [
        ((1, 1), 0, 0),
        ((60, 60), 0, 0),
        ((60, 60), -5, 0),
        ((60, 60), 1, 60),
        ((60, 60), 60, 60),
        ((60, 60), 61, 120),
        ((30, 60), 31, 90),
        ((20, 15), 21, 35),
        ((20, 15), 35, 35),
        ((20, 15), 36, 50),
    ],
)
def test_talk_is_rounded_up_to_increments(
    increments: tuple[int, int], paid: int, billable: int
) -> None:
    assert billable_seconds(tariff(120, increments), paid) == billable


@pytest.mark.parametrize(
    ("rated", "used", "cents"),
    [
        (tariff(120), 61, 122),
        (tariff(120), 0, 0),
        (tariff(120, (60, 60)), 61, 240),
        (tariff(120, (30, 60)), 31, 180),
        (tariff(120, (20, 15)), 21, 70),
        (tariff(120, (60, 60), free=30), 20, 0),
        (tariff(120, (60, 60), free=30), 30, 0),
        (tariff(120, (60, 60), free=30), 31, 120),
        (tariff(35), 61, 35),
        (tariff(35), 1, 0),
        (tariff(35), 2, 1),
        (tariff(120, fee=50), 0, 0),
        (tariff(120, fee=50), 1, 52),
        (tariff(120, fee=50, free=10), 10, 0),
        (tariff(120, minimum=100), 0, 0),
        (tariff(120, minimum=100), 1, 100),
        (tariff(120, minimum=100), 51, 102),
        (tariff(120, maximum=150), 75, 150),
        (tariff(120, maximum=150), 3_600, 150),
        (tariff(0, fee=50), 3_600, 50),
        (tariff(0), 3_600, 0),
        (tariff(100, fee=1), 1, 2),
    ],
)
def test_talk_is_charged_down_to_whole_cents(rated: Tariff, used: int, cents: int) -> None:
    assert charge(rated, used) == eur(cents)


def test_fee_and_talk_are_rounded_down_together_once() -> None:
    # 0.01 + 2 s at 0.35 a minute = 0.02166…
    assert charge(tariff(35, fee=1), 2) == eur(2)


def test_talk_below_zero_seconds_is_refused() -> None:
    with pytest.raises(ValueError, match="seconds"):
        charge(tariff(120), -1)


@pytest.mark.parametrize(
    ("rated", "cents", "seconds"),
    [
        (tariff(120), 50, 25),
        (tariff(120), 1_000, 500),
        (tariff(120), 999_999, 3_600),
        (tariff(120), 1, 0),
        (tariff(120), 0, 0),
        (tariff(120), -100, 0),
        (tariff(35), 0, 0),
        (tariff(35), 1, 3),
        (tariff(120, (60, 60)), 119, 0),
        (tariff(120, (60, 60)), 120, 60),
        (tariff(120, (60, 60)), 359, 120),
        (tariff(120, (30, 60)), 180, 90),
        (tariff(120, free=30), 0, 0),
        (tariff(120, free=30), 1, 30),
        (tariff(120, (60, 60), free=30), 120, 90),
        (tariff(120, fee=50), 50, 0),
        (tariff(120, fee=50), 52, 1),
        (tariff(120, minimum=100), 99, 0),
        (tariff(120, minimum=100), 100, 50),
        (tariff(120, maximum=150), 149, 74),
        (tariff(120, maximum=150), 150, 3_600),
        (tariff(0, fee=50), 49, 0),
        (tariff(0, fee=50), 50, 3_600),
        (tariff(120, longest=90), 1_000, 90),
    ],
)
def test_credit_buys_the_most_seconds_it_can_pay(rated: Tariff, cents: int, seconds: int) -> None:
    assert affordable_seconds(rated, eur(cents)) == seconds


@pytest.mark.parametrize("cents", [-100, 0, 100])
@pytest.mark.parametrize("rated", [tariff(0), tariff(120, free=3_600), tariff(120, maximum=0)])
def test_talk_that_never_costs_anything_is_affordable_to_its_maximum(
    rated: Tariff, cents: int
) -> None:
    assert affordable_seconds(rated, eur(cents)) == 3_600


def test_credit_in_another_currency_buys_nothing() -> None:
    with pytest.raises(CurrencyMismatch):
        affordable_seconds(tariff(120), Money.of_minor(100, "GBP"))


@pytest.mark.parametrize(
    ("rated", "earlier", "used", "cents"),
    [
        (tariff(120, fee=50), Earlier(60, eur(170), eur(170)), 60, 120),
        (tariff(120, free=30), Earlier(20, eur(0), eur(0)), 10, 0),
        (tariff(120, free=30), Earlier(20, eur(0), eur(0)), 11, 2),
        (tariff(120, fee=50, free=30), Earlier(20, eur(0), eur(0)), 11, 52),
        (tariff(120, minimum=100), Earlier(10, eur(100), eur(100)), 10, 20),
        (tariff(120, minimum=100), Earlier(10, eur(30), eur(30)), 10, 70),
        (tariff(120, minimum=100), Earlier(10, eur(100), eur(20)), 10, 0),
        (tariff(120, minimum=100), Earlier(10, eur(100), eur(20)), 45, 10),
        (tariff(120, maximum=900), Earlier(60, eur(500), eur(600)), 60, 120),
        (tariff(120, maximum=150), Earlier(60, eur(120), eur(120)), 60, 30),
        (tariff(120, maximum=150), Earlier(60, eur(200), eur(200)), 60, 0),
    ],
)
def test_a_later_segment_counts_on_from_the_earlier_ones(
    rated: Tariff, earlier: Earlier, used: int, cents: int
) -> None:
    assert charge(rated, used, earlier=earlier) == eur(cents)


def test_a_later_segment_lasts_at_most_what_is_left_of_the_maximum() -> None:
    rated = tariff(120, longest=100)

    assert affordable_seconds(rated, eur(1_000), earlier=Earlier(60, eur(120), eur(120))) == 40
    assert affordable_seconds(rated, eur(1_000), earlier=Earlier(200, eur(400), eur(400))) == 0


def test_an_earlier_charge_in_another_currency_is_refused() -> None:
    with pytest.raises(CurrencyMismatch):
        charge(
            tariff(120),
            10,
            earlier=Earlier(60, Money.of_minor(120, "GBP"), Money.of_minor(120, "GBP")),
        )


GOOD = tariff(120, (60, 60), free=30, fee=50, minimum=100, maximum=5_000)


def test_a_good_tariff_is_accepted() -> None:
    check(GOOD)
    check(tariff(0, longest=1))
    check(replace(GOOD, maximum_charge=GOOD.minimum_charge))


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (
            replace(GOOD, connect_fee=Money.zero("GBP")),
            "The connect fee is in GBP, the price in EUR; a tariff has one currency.",
        ),
        (replace(GOOD, price_per_minute=eur(-1)), "The price per minute is below zero."),
        (replace(GOOD, connect_fee=eur(-1)), "The connect fee is below zero."),
        (replace(GOOD, minimum_charge=eur(-1)), "The minimum charge is below zero."),
        (replace(GOOD, maximum_charge=eur(-1)), "The maximum charge is below zero."),
        (
            replace(GOOD, price_per_minute=Money(12_050, "EUR")),
            "The price per minute is not a whole number of cents.",
        ),
        (replace(GOOD, connect_fee=eur(10**12 + 1)), "The connect fee is too large."),
        (
            replace(GOOD, maximum_charge=eur(99)),
            "The maximum charge is below the minimum charge.",
        ),
        (
            replace(GOOD, first_increment_seconds=0),
            "The first increment must be 1 second up to the longest talk (3600 seconds), not 0.",
        ),
        (
            replace(GOOD, next_increment_seconds=3_601),
            "The next increment must be 1 second up to the longest talk (3600 seconds), not 3601.",
        ),
        (
            replace(GOOD, free_seconds=-1),
            "The free seconds must be 0 up to the longest talk (3600 seconds), not -1.",
        ),
        (
            replace(GOOD, maximum_seconds=0),
            "The longest talk must be 1 to 86400 seconds, not 0.",
        ),
        (
            replace(GOOD, maximum_seconds=86_401),
            "The longest talk must be 1 to 86400 seconds, not 86401.",
        ),
        (
            replace(GOOD, tax_basis_points=10_001),
            "The tax rate must be 0 to 10000 basis points, not 10001.",
        ),
        (
            replace(GOOD, tax_basis_points=-1),
            "The tax rate must be 0 to 10000 basis points, not -1.",
        ),
    ],
)
def test_a_bad_tariff_is_refused_with_a_sentence(bad: Tariff, sentence: str) -> None:
    with pytest.raises(InvalidTariff) as raised:
        check(bad)

    assert raised.value.sentence == sentence


def act(price: int = 500, *, least: int = 10, longest: int = 1_800, **terms: int) -> Tariff:
    sold = replace(
        tariff(120, **terms),  # type: ignore[arg-type]
        price_per_act=eur(price),
        act_minimum_seconds=least,
        act_maximum_seconds=longest,
    )
    check(sold)
    return sold.by("act")


@pytest.mark.parametrize(
    ("seconds", "minor"), [(0, 0), (9, 0), (10, 500), (600, 500), (1_800, 500)]
)
def test_an_act_costs_its_price_once_it_is_due(seconds: int, minor: int) -> None:
    assert charge(act(), seconds) == eur(minor)


def test_an_act_has_no_fee_minimum_or_free_seconds() -> None:
    assert charge(act(fee=100, minimum=900, free=60), 10) == eur(500)


def test_an_act_pays_no_more_than_the_calls_maximum_leaves() -> None:
    sold = act(maximum=800)

    assert charge(sold, 60) == eur(500)
    assert charge(sold, 60, earlier=Earlier(100, eur(600), eur(600))) == eur(200)
    assert charge(sold, 60, earlier=Earlier(100, eur(800), eur(800))) == eur(0)


def test_minutes_after_an_act_take_no_connect_fee() -> None:
    by_minute = tariff(120, fee=100)

    assert charge(by_minute, 60) == eur(220)
    assert charge(by_minute, 60, earlier=Earlier(20, eur(500), eur(500))) == eur(120)


def test_an_act_uses_up_what_a_minimum_added_before_it() -> None:
    # Of the 2.00 that were charged, 1.00 was talked: the whole call is worth 6.00.
    assert charge(act(minimum=200), 60, earlier=Earlier(50, eur(200), eur(100))) == eur(400)


def test_segments_are_summed_up_without_what_bounds_added_or_took_off() -> None:
    raised = tariff(100, minimum=200)
    capped = tariff(100, maximum=150)

    first = after(None, rate(raised, 60))
    assert first == Earlier(60, eur(200), eur(100))
    second = after(first, rate(raised, 60, earlier=first))
    assert second == Earlier(120, eur(200), eur(200))
    third = after(second, rate(raised, 60, earlier=second))
    assert third == Earlier(180, eur(300), eur(300))
    assert after(None, rate(capped, 120)) == Earlier(120, eur(150), eur(150))


def test_an_act_is_bought_whole_or_not_at_all() -> None:
    assert affordable_seconds(act(), eur(500)) == 1_800
    assert affordable_seconds(act(), eur(499)) == 0
    assert affordable_seconds(act(), eur(-1)) == 0


def test_an_act_lasts_no_longer_than_what_is_left_of_the_call() -> None:
    sold = act(longest=600, least=10)

    assert affordable_seconds(sold, eur(500)) == 600
    assert affordable_seconds(sold, eur(500), earlier=Earlier(3_300, eur(100), eur(100))) == 300


@pytest.mark.parametrize(
    "wrong",
    [
        {"price_per_act": eur(-1)},
        {"price_per_act": Money(1_234, "EUR")},
        {"price_per_act": Money.of_minor(500, "GBP")},
        {"price_per_act": eur(500), "act_maximum_seconds": 0},
        {"price_per_act": eur(500), "act_maximum_seconds": 86_401},
        {"price_per_act": eur(500), "act_minimum_seconds": 0},
        {"price_per_act": eur(500), "act_minimum_seconds": 1_801},
    ],
)
def test_an_act_that_cant_be_sold_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidTariff):
        check(replace(tariff(120), **wrong))


def test_a_tariff_without_acts_sells_none() -> None:
    with pytest.raises(ValueError, match="price of an act"):
        tariff(120).by("act")
