"""Which numbers an expert may be reached at, and what can be wrong with a trunk."""

from dataclasses import replace

import pytest

from billing.endpoints.errors import DestinationRefused, InvalidEndpoint, TrunkInvalid
from billing.endpoints.rules import check_destination, check_trunk
from billing.endpoints.values import NumberFormat, Trunk

FRENCH = ("FR-fixed", "FR-mobile")
TRUNK = Trunk(
    "carrier",
    addresses=("203.0.113.10", "203.0.113.0/28", "203.0.113.9:5070"),
    host="sip.example.com",
    presented_number="+33199000001",
)


@pytest.mark.parametrize(
    ("given", "region", "allowed", "e164"),
    [
        ("01 99 00 00 01", "FR", FRENCH, "+33199000001"),
        ("+33612345678", "FR", FRENCH, "+33612345678"),
        ("+33612345678", "US", ("FR-mobile",), "+33612345678"),
        ("202 555 0123", "US", ("US-fixed", "US-mobile"), "+12025550123"),
        ("020 7946 0958", "GB", ("GB-fixed",), "+442079460958"),
        ("09 50 00 00 00", "FR", ("FR-voip",), "+33950000000"),
    ],
)
def test_an_ordinary_number_of_an_allowed_country_and_kind_may_be_dialled(
    given: str, region: str, allowed: tuple[str, ...], e164: str
) -> None:
    assert check_destination(given, region, allowed) == e164


@pytest.mark.parametrize(
    ("given", "region", "why"),
    [
        ("112", "FR", "emergency"),
        ("15", "FR", "emergency"),
        ("911", "US", "emergency"),
        ("999", "GB", "emergency"),
        ("3615", "FR", "short"),
        ("10 14", "FR", "short"),
        ("0899 00 00 00", "FR", "premium-rate"),
        ("+1 900 555 1234", "FR", "premium-rate"),
        ("0820 20 00 00", "FR", "shared-cost"),
        ("0800 12 34 56", "FR", "freephone"),
        ("+881 6 1234 5678", "FR", "satellite"),
        ("+870 771 234 567", "FR", "satellite"),
        ("+882 1234 5678", "FR", "nobody has"),
        ("+33 6 39 98", "FR", "no phone number"),
        ("+44 1632 960001", "FR", "nobody has"),
        ("+32 2 555 12 12", "FR", "BE-fixed is not among"),
        ("+1 202 555 0123", "FR", "US-fixed, US-mobile is not among"),
        ("tomorrow", "FR", "no phone number"),
        ("", "FR", "no phone number"),
    ],
)
def test_others_are_refused_with_the_reason(given: str, region: str, why: str) -> None:
    with pytest.raises(DestinationRefused, match=why):
        check_destination(given, region, FRENCH)


def test_a_trunk_may_dial_fixed_and_mobile_numbers_of_its_own_country_if_nothing_is_said() -> None:
    assert replace(TRUNK, region="BE").allowed == ("BE-fixed", "BE-mobile")
    assert replace(TRUNK, destinations=("FR-fixed",)).allowed == ("FR-fixed",)


def test_a_whole_trunk_is_in_order() -> None:
    check_trunk(TRUNK)
    check_trunk(replace(TRUNK, username="us", sealed_password="x", register=True, proxy="10.0.0.1"))
    check_trunk(Trunk("in", ha1="0" * 32))


@pytest.mark.parametrize(
    ("trunk", "why"),
    [
        (Trunk("in"), "no call comes or goes"),
        (replace(TRUNK, addresses=("anywhere",)), "'anywhere' is no address"),
        (replace(TRUNK, addresses=("0.0.0.0/0",)), "is no address"),
        (replace(TRUNK, addresses=("203.0.113.10:sip",)), "is no address"),
        (replace(TRUNK, ha1="password"), "hash"),
        (replace(TRUNK, maximum_calls=0), "at least 1"),
        (replace(TRUNK, host=None, register=True), "need a host"),
        (replace(TRUNK, host="a b"), "'a b' is no host"),
        (replace(TRUNK, proxy="x;lr"), "'x;lr' is no host"),
        (replace(TRUNK, username="us"), "belong together"),
        (replace(TRUNK, username="u s", sealed_password="x"), "no user name"),
        (replace(TRUNK, register=True), "can't register"),
        (replace(TRUNK, presented_number=None), "never the caller's"),
        (replace(TRUNK, presented_number="0199000001"), "write it like"),
        (replace(TRUNK, presented_number="+33899000000"), "must not be presented"),
        (replace(TRUNK, region="France"), "no country"),
        (replace(TRUNK, inbound=NumberFormat("e.164")), "no number format"),  # type: ignore[arg-type]
        (replace(TRUNK, outbound=NumberFormat("any")), "can't go out"),
        (replace(TRUNK, outbound=NumberFormat("e164", add="+")), "prefixes"),
        (replace(TRUNK, destinations=("FR",)), "can't be allowed"),
        (replace(TRUNK, destinations=("XX-fixed",)), "can't be allowed"),
    ],
)
def test_what_is_wrong_with_a_trunk_is_said(trunk: Trunk, why: str) -> None:
    with pytest.raises(TrunkInvalid, match=why):
        check_trunk(trunk)


def test_a_trunks_name_is_one_word() -> None:
    with pytest.raises(InvalidEndpoint):
        check_trunk(replace(TRUNK, name="my carrier"))
