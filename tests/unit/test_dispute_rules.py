"""What an upheld dispute undoes, and by when a dispute is to be answered."""

from datetime import date
from uuid import UUID

import pytest

from billing.disputes.rules import undoing
from billing.kit.phones import country_of
from billing.money.values import Money
from billing.rulesets.loading import shipped
from billing.rulesets.rules import dispute_dates, in_force

WALLET, TAX, EXPERT, PLATFORM = (UUID(int=number) for number in range(1, 5))


def test_everybody_gives_his_part_and_who_paid_gets_the_whole() -> None:
    left = {
        (WALLET, "wallet"): -50_400,
        (TAX, "tax"): 8_400,
        (EXPERT, "expert-payable"): 29_400,
        (PLATFORM, "platform-revenue"): 12_600,
    }
    back = {one.kind: (one.to_account, one.amount) for one in undoing(left, "EUR")}
    assert back == {
        "wallet": (True, Money(50_400, "EUR")),
        "tax": (False, Money(8_400, "EUR")),
        "expert-payable": (False, Money(29_400, "EUR")),
        "platform-revenue": (False, Money(12_600, "EUR")),
    }


def test_what_is_at_zero_already_is_left_alone() -> None:
    assert undoing({(WALLET, "wallet"): 0}, "EUR") == ()


def test_an_american_call_may_be_disputed_for_60_days_and_is_answered_within_56() -> None:
    sets = in_force(shipped(), "US", date(2026, 11, 22))
    dates = dispute_dates(sets, call_on=date(2026, 11, 22), disputed_on=date(2026, 12, 1))
    assert dates == {"claim": date(2027, 1, 21), "answer": date(2027, 1, 26)}


def test_french_rules_set_no_days() -> None:
    sets = in_force(shipped(), "FR", date(2026, 11, 22))
    assert dispute_dates(sets, call_on=date(2026, 11, 22), disputed_on=date(2026, 12, 1)) == {}


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+18005550100", "US"),
        ("+18885550100", "US"),
        ("+16135550100", "CA"),
        ("+33199001234", "FR"),
        ("+449091234567", "GB"),
        ("+80012345678", None),
        ("100", None),
    ],
)
def test_a_number_is_of_the_country_that_its_prefix_says(number: str, country: str | None) -> None:
    assert country_of(number) == country
