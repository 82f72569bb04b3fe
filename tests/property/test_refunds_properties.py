"""Refunds taken apart: whatever the order and the bearer, the parts are exact to the unit."""

from hypothesis import given
from hypothesis import strategies as st

from billing.money.values import Money
from billing.refunds.rules import charge_without, difference, given_back
from billing.shares.rules import split
from billing.shares.values import ShareRule, Split
from tests.database.world import tariff_of

charges = st.integers(1, 50_000).map(lambda cents: Money.of_minor(cents, "EUR"))
shares = st.builds(
    split,
    charges,
    st.integers(0, 2_500),
    st.builds(ShareRule, st.integers(0, 8_000), st.sampled_from(["net", "gross"])),
)


@st.composite
def refunds(draw: st.DrawFn) -> tuple[Split, list[tuple[int, bool]]]:
    """A charge and refunds, in ledger units and whether all share them, up to all of it."""
    charged = draw(shares)
    left = charged.charge.amount // 100
    made: list[tuple[int, bool]] = []
    while left and len(made) < 12:
        cents = draw(st.integers(1, left))
        made.append((cents * 100, draw(st.booleans())))
        left -= cents
    if left:
        made.append((left * 100, draw(st.booleans())))
    return charged, made


@given(refunds())
def test_parts_of_many_refunds_are_those_of_one_and_never_more_than_anybody_got(
    case: tuple[Split, list[tuple[int, bool]]],
) -> None:
    charged, made = case
    shared = alone = tax = expert = platform = 0
    before = given_back(charged, shared=0, alone=0)
    for amount, all_share in made:
        shared, alone = (shared + amount, alone) if all_share else (shared, alone + amount)
        now = given_back(charged, shared=shared, alone=alone)
        part = difference(before, now)
        assert part.charge.amount == amount
        assert part.tax + part.expert + part.platform == part.charge
        assert part.expert.amount >= -1
        tax, expert = tax + part.tax.amount, expert + part.expert.amount
        platform += part.platform.amount
        assert (tax, expert, platform) == (
            now.tax.amount,
            now.expert.amount,
            now.platform.amount,
        )
        assert 0 <= tax <= charged.tax.amount
        assert 0 <= expert <= charged.expert.amount
        before = now
    assert tax == charged.tax.amount
    if all(all_share for _, all_share in made):
        assert (expert, platform) == (charged.expert.amount, charged.platform.amount)


@given(st.integers(0, 600), st.data())
def test_seconds_refunded_one_after_the_other_are_worth_what_they_are_worth_together(
    billed: int, data: st.DataObject
) -> None:
    talked = [(tariff_of("1.17"), billed), (tariff_of("2.31"), data.draw(st.integers(0, 600)))]
    seconds = data.draw(st.integers(0, sum(one for _, one in talked)))
    less = charge_without(talked, seconds)
    assert Money.zero("EUR") <= less <= charge_without(talked, 0)
    assert charge_without(talked, sum(one for _, one in talked)) == Money.zero("EUR")
