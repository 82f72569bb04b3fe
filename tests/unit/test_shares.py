import pytest

from billing.money.values import Money
from billing.shares.rules import InvalidShareRule, check, split
from billing.shares.values import ShareRule, Split


def eur(amount: int) -> Money:
    return Money(amount, "EUR")


@pytest.mark.parametrize(
    ("charge", "tax_basis_points", "rule", "parts"),
    [
        (50_400, 2_000, ShareRule(7_000), (8_400, 29_400, 12_600)),
        (5_000, 2_000, ShareRule(7_000), (833, 2_917, 1_250)),
        (0, 2_000, ShareRule(7_000), (0, 0, 0)),
        (100, 0, ShareRule(7_000), (0, 70, 30)),
        (100, 0, ShareRule(0), (0, 0, 100)),
        (100, 0, ShareRule(10_000), (0, 100, 0)),
        (50_400, 2_000, ShareRule(7_000, "gross"), (8_400, 35_280, 6_720)),
        (12_000, 2_000, ShareRule(8_000, "gross"), (2_000, 9_600, 400)),
        (100, 10_000, ShareRule(5_000, "gross"), (50, 50, 0)),
        (1, 0, ShareRule(5_000), (0, 1, 0)),
        (1, 10_000, ShareRule(0), (1, 0, 0)),
    ],
)
def test_a_charge_is_split_together_with_ties_in_order(
    charge: int, tax_basis_points: int, rule: ShareRule, parts: tuple[int, int, int]
) -> None:
    assert split(eur(charge), tax_basis_points, rule) == Split(eur(charge), *map(eur, parts))


def test_a_negative_charge_is_not_split() -> None:
    with pytest.raises(ValueError, match="allocated"):
        split(eur(-100), 0, ShareRule())


@pytest.mark.parametrize(
    ("rule", "tax_basis_points"),
    [
        (ShareRule(10_000), 2_000),
        (ShareRule(8_000, "gross"), 2_000),
        (ShareRule(8_333, "gross"), 2_000),
        (ShareRule(10_000, "gross"), 0),
    ],
)
def test_a_rule_that_leaves_everybody_something_is_accepted(
    rule: ShareRule, tax_basis_points: int
) -> None:
    check(rule, tax_basis_points)


@pytest.mark.parametrize(
    ("rule", "tax_basis_points", "sentence"),
    [
        (
            ShareRule(8_334, "gross"),
            2_000,
            (
                "8334 basis points of the price with tax are more than what is left"
                " after 2000 basis points of tax."
            ),
        ),
        (ShareRule(-1), 0, "The expert's part must be 0 to 10000 basis points, not -1."),
        (ShareRule(10_001), 0, "The expert's part must be 0 to 10000 basis points, not 10001."),
    ],
)
def test_a_rule_that_gives_more_than_there_is_is_refused(
    rule: ShareRule, tax_basis_points: int, sentence: str
) -> None:
    with pytest.raises(InvalidShareRule) as raised:
        check(rule, tax_basis_points)

    assert raised.value.sentence == sentence
