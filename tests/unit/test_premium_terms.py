"""Premium terms: the carrier's meter, what is expected, what can't be saved."""

import json
from dataclasses import replace
from typing import Any

import pytest

from billing.catalogue import snapshot
from billing.catalogue.errors import InvalidPremiumTerms
from billing.catalogue.rules import check, metered_seconds, outpayment, retail
from billing.catalogue.values import PremiumTerms, carrier_id
from billing.kit.snapshots import UnreadableSnapshot
from billing.money.text import parse
from billing.money.values import Money
from billing.tariffs.rules import affordable_seconds


def eur(text: str) -> Money:
    return parse(text, "EUR", ledger_units=True)


TERMS = PremiumTerms(
    retail_per_minute=eur("0.80"),
    retail_per_call=eur("0"),
    outpayment_per_minute=eur("0.52"),
    outpayment_per_call=eur("0"),
    carrier="carrier",
    announced_by="us",
    country="FR",
    publisher="Example SARL",
    service="Advice by Ada",
    category="advice",
    time_zone="Europe/Paris",
    day_maximum=eur("10.00"),
)
BY_CALL = replace(
    TERMS,
    retail_per_minute=eur("0"),
    retail_per_call=eur("3.00"),
    outpayment_per_minute=eur("0"),
    outpayment_per_call=eur("1.9999"),
)


@pytest.mark.parametrize(
    ("released_ms", "seconds"), [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (61_200, 62), (-5_000, 1)]
)
def test_each_begun_second_from_answer_to_release_is_metered(
    released_ms: int, seconds: int
) -> None:
    assert metered_seconds(1_700_000_000_000, 1_700_000_000_000 + released_ms) == seconds


@pytest.mark.parametrize(
    ("terms", "seconds", "paid", "expected"),
    [
        (TERMS, 0, "0", "0"),
        (TERMS, 1, "0.01", "0.0086"),
        (TERMS, 60, "0.80", "0.52"),
        (TERMS, 62, "0.82", "0.5373"),
        (BY_CALL, 0, "0", "0"),
        (BY_CALL, 1, "3.00", "1.9999"),
        (BY_CALL, 3_600, "3.00", "1.9999"),
    ],
)
def test_retail_price_and_outpayment_follow_the_meter(
    terms: PremiumTerms, seconds: int, paid: str, expected: str
) -> None:
    assert retail(terms, seconds) == eur(paid)
    assert outpayment(terms, seconds) == eur(expected)


def test_the_cap_of_an_amount_is_a_number_of_seconds_like_any_credit() -> None:
    seconds = affordable_seconds(TERMS.retail, eur("1.00"))
    assert seconds == 75
    assert retail(TERMS, seconds) <= eur("1.00") < retail(TERMS, seconds + 1)


def test_seconds_below_zero_are_no_meter() -> None:
    with pytest.raises(ValueError, match="-1 seconds"):
        outpayment(TERMS, -1)


def test_terms_that_can_be_used_pass() -> None:
    check(TERMS)
    check(BY_CALL)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"retail_per_minute": eur("0")}, "has a retail price"),
        ({"retail_per_minute": Money(-100, "EUR")}, "retail price per minute is below zero"),
        ({"retail_per_minute": eur("0.8001")}, "not a whole number of cents"),
        ({"outpayment_per_minute": Money(1, "GBP")}, "terms have one currency"),
        ({"day_maximum": Money(100, "GBP")}, "terms have one currency"),
        ({"outpayment_per_minute": eur("0.8001")}, "No carrier pays out more"),
        ({"outpayment_per_call": eur("0.01")}, "No carrier pays out more"),
        ({"publisher": " "}, "needs a publisher"),
        ({"service": ""}, "needs a service"),
        ({"category": ""}, "needs a category"),
        ({"carrier": ""}, "needs a carrier"),
        ({"announced_by": "nobody"}, "announced by the carrier or by us"),
        ({"time_zone": "Mars/Olympus"}, "no time zone"),
        ({"maximum_seconds": 0}, "longest call"),
    ],
)
def test_terms_that_cannot_be_used_are_refused_with_a_sentence(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidPremiumTerms, match=sentence):
        check(replace(TERMS, **changes))


def test_terms_are_frozen_and_thawed_through_json() -> None:
    for terms in (TERMS, BY_CALL, replace(TERMS, day_maximum=None, maximum_charge=eur("5"))):
        assert snapshot.from_json(json.loads(json.dumps(snapshot.to_json(terms)))) == terms


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("currency", "XXX"),
        ("retail_per_minute", 1.5),
        ("carrier", None),
        ("announced_by", "nobody"),
        ("day_maximum", "10"),
    ],
)
def test_frozen_terms_that_were_tampered_with_are_not_read(name: str, value: object) -> None:
    with pytest.raises(UnreadableSnapshot):
        snapshot.from_json(snapshot.to_json(TERMS) | {name: value})


def test_a_carriers_accounts_have_one_owner() -> None:
    assert carrier_id("carrier") == carrier_id("carrier")
    assert carrier_id("carrier") != carrier_id("another")
