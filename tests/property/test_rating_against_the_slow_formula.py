"""W7: the rating rule beside a formula that walks through increments with exact fractions."""

import random
from fractions import Fraction

from billing.money.values import Money
from billing.tariffs.rules import affordable_seconds, charge, check
from billing.tariffs.values import Tariff

CASES = 100_000
AFFORDABLE_CASES = 20_000
INCREMENTS = (1, 5, 6, 10, 15, 20, 30, 60, 90, 180)


def cents(money: Money) -> Fraction:
    return Fraction(money.amount, 100)


def slow_charge(tariff: Tariff, used: int) -> int:
    """Ledger units, by adding block after block until the talk is covered."""
    paid = used - tariff.free_seconds
    if paid <= 0:
        return 0
    billed = tariff.first_increment_seconds
    while billed < paid:
        billed += tariff.next_increment_seconds
    exact = cents(tariff.connect_fee) + cents(tariff.price_per_minute) * Fraction(billed, 60)
    whole = exact.numerator // exact.denominator
    amount = max(Fraction(whole), cents(tariff.minimum_charge))
    if tariff.maximum_charge is not None:
        amount = min(amount, cents(tariff.maximum_charge))
    assert amount.denominator == 1
    return amount.numerator * 100


def random_tariff(source: random.Random) -> Tariff:
    def sometimes(highest: int) -> int:
        return source.choice((0, source.randint(0, highest)))

    minimum = sometimes(500)
    maximum = source.choice((None, None, minimum + source.randint(0, 3_000)))
    price = source.choice((0, source.randint(1, 20), source.randint(1, 400)))
    longest = source.choice((180, 600, 1_800, 3_600))
    return Tariff(
        price_per_minute=Money.of_minor(price, "EUR"),
        connect_fee=Money.of_minor(sometimes(300), "EUR"),
        minimum_charge=Money.of_minor(minimum, "EUR"),
        maximum_charge=None if maximum is None else Money.of_minor(maximum, "EUR"),
        first_increment_seconds=source.choice(INCREMENTS),
        next_increment_seconds=source.choice(INCREMENTS),
        free_seconds=sometimes(120),
        maximum_seconds=longest,
    )


def test_a_hundred_thousand_random_charges_agree_with_the_slow_formula() -> None:
    source = random.Random(20_240_601)
    charged = 0
    for _ in range(CASES):
        tariff = random_tariff(source)
        used = min(source.randint(0, tariff.maximum_seconds), source.randint(0, 3_600))
        fast = charge(tariff, used)
        assert fast.amount == slow_charge(tariff, used), (tariff, used)
        assert fast.is_whole_minor
        charged += bool(fast)
    assert charged > CASES // 2


def test_affordable_seconds_are_tight_by_the_slow_formula() -> None:
    source = random.Random(7)
    inside = 0
    for _ in range(AFFORDABLE_CASES):
        tariff = random_tariff(source)
        check(tariff)
        credit = source.randint(1, 200_000)
        seconds = affordable_seconds(tariff, Money(credit, "EUR"))
        assert 0 <= seconds <= tariff.maximum_seconds
        assert slow_charge(tariff, seconds) <= credit, (tariff, credit)
        if seconds < tariff.maximum_seconds:
            assert slow_charge(tariff, seconds + 1) > credit, (tariff, credit)
            inside += 1
    assert inside > AFFORDABLE_CASES // 10
