from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from billing.money.rules import allocate
from billing.money.values import Money
from billing.shares.rules import InvalidShareRule, check, split
from billing.shares.values import ShareRule

rules = st.builds(ShareRule, st.integers(0, 10_000), st.sampled_from(["net", "gross"]))


def accepted(rule: ShareRule, tax_basis_points: int) -> bool:
    try:
        check(rule, tax_basis_points)
    except InvalidShareRule:
        return False
    return True


@given(st.integers(0, 10**16), st.lists(st.integers(0, 10**9), min_size=1, max_size=8))
def test_an_allocation_sums_to_its_total_within_one_unit_each(
    total: int, weights: list[int]
) -> None:
    assume(sum(weights))

    parts = allocate(total, weights)

    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


@given(st.integers(0, 10**12), st.integers(0, 10_000), rules)
def test_a_split_sums_to_its_charge_within_one_unit_of_each_exact_part(
    units: int, tax_basis_points: int, rule: ShareRule
) -> None:
    assume(accepted(rule, tax_basis_points))
    tax_part = Fraction(tax_basis_points, 10_000 + tax_basis_points)
    basis = 1 - tax_part if rule.basis == "net" else Fraction(1)

    parts = split(Money(units, "EUR"), tax_basis_points, rule)

    assert parts.tax + parts.expert + parts.platform == parts.charge == Money(units, "EUR")
    assert min(parts.tax.amount, parts.expert.amount, parts.platform.amount) >= 0
    assert abs(parts.tax.amount - units * tax_part) < 1
    assert abs(parts.expert.amount - units * basis * rule.expert_basis_points / 10_000) < 1


@given(st.integers(0, 10_000), rules)
def test_a_rule_is_refused_exactly_when_the_platform_would_pay(
    tax_basis_points: int, rule: ShareRule
) -> None:
    tax_part = Fraction(tax_basis_points, 10_000 + tax_basis_points)
    basis = 1 - tax_part if rule.basis == "net" else Fraction(1)
    platform = 1 - tax_part - basis * rule.expert_basis_points / 10_000

    assert accepted(rule, tax_basis_points) == (platform >= 0)
