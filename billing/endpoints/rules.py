"""What a trunk may be, and which numbers may be dialled by one."""

import re
from collections.abc import Collection, Iterator
from ipaddress import ip_network
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberType, shortnumberinfo

from billing.endpoints.errors import DestinationRefused, InvalidEndpoint, TrunkInvalid
from billing.endpoints.formats import write_number
from billing.endpoints.values import FORMAT_KINDS, NumberFormat, Trunk, is_endpoint
from billing.kit.phones import to_e164

KINDS: Final = {
    PhoneNumberType.FIXED_LINE: frozenset({"fixed"}),
    PhoneNumberType.MOBILE: frozenset({"mobile"}),
    PhoneNumberType.FIXED_LINE_OR_MOBILE: frozenset({"fixed", "mobile"}),
    PhoneNumberType.VOIP: frozenset({"voip"}),
}
"""Kinds of numbers that may be allowed; where both are meant, both must be."""

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?")
_PREFIX = re.compile(r"[0-9*]{0,12}")
_DESTINATION = re.compile(r"([A-Z]{2})-(fixed|mobile|voip)")
_HA1 = re.compile(r"[0-9a-f]{32}")
_USERNAME = re.compile(r"[A-Za-z0-9._+-]{1,80}")
_DIALLED = re.compile(r"\+?[0-9*]{1,32}")
_PASSWORD = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")
_PORTS = 65_536
_DEAR: Final = (PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST)
_REFUSED: Final = {
    PhoneNumberType.PREMIUM_RATE: "it is a premium-rate number",
    PhoneNumberType.SHARED_COST: "it is a shared-cost number",
    PhoneNumberType.TOLL_FREE: "it is a freephone number",
    PhoneNumberType.PAGER: "it is a pager",
}


def check_trunk(trunk: Trunk) -> None:
    """Raise InvalidEndpoint for a bad name, TrunkInvalid for the first other thing wrong."""
    if not is_endpoint(trunk.name):
        raise InvalidEndpoint(trunk.name)
    for why in (*_wrong_way_in(trunk), *_wrong_way_out(trunk), *_wrong_numbers(trunk)):
        raise TrunkInvalid(trunk.name, why)


def check_password(name: str, password: str) -> None:
    """Raise TrunkInvalid for a carrier's password that Asterisk's files can't hold."""
    if not _PASSWORD.fullmatch(password):
        raise TrunkInvalid(
            name, "a password has up to 128 printable characters, no space at an end"
        )


def is_address(text: str) -> bool:
    """Whether it is an IPv4 address, `IP:port`, or a network `IP/bits` smaller than a half."""
    host, colon, port = text.partition(":")
    if colon and not (port.isdecimal() and 0 < int(port) < _PORTS):
        return False
    try:
        return ip_network(host, strict=False).prefixlen >= 8  # noqa: PLR2004 - no carrier has more
    except ValueError:
        return False


def is_host(text: str) -> bool:
    """Whether it is a host's name or address, with or without a port."""
    return _HOST.fullmatch(text) is not None and ".." not in text


def check_destination(given: str, region: str, allowed: Collection[str]) -> str:
    """Give a number as +E.164 if it may be dialled; raises DestinationRefused with the reason.

    `allowed`: `FR-mobile` and the like. Emergency, short, premium, shared-cost, freephone and
    satellite numbers never may be.
    """
    if shortnumberinfo.connects_to_emergency_number(given, region):
        raise DestinationRefused(given, "it is an emergency number")
    e164 = to_e164(given, region)
    if e164 is None:
        raise DestinationRefused(given, "it is no phone number, or a short one")
    number = phonenumbers.parse(e164)
    country = phonenumbers.region_code_for_number(number)
    if country is None or not phonenumbers.is_valid_number(number):
        raise DestinationRefused(e164, "nobody has a number like that")
    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise DestinationRefused(e164, "it is a satellite number or of no country")
    type_ = phonenumbers.number_type(number)
    kinds = KINDS.get(type_)
    if kinds is None:
        raise DestinationRefused(e164, _REFUSED.get(type_, "it is neither fixed nor mobile"))
    missing = {f"{country}-{kind}" for kind in kinds} - set(allowed)
    if missing:
        names = ", ".join(sorted(missing))
        raise DestinationRefused(e164, f"{names} is not among what may be dialled")
    return e164


def dial_string(trunk: Trunk, number: str) -> str | None:
    """Give what Asterisk dials for a number (E.164) by a trunk; None: it may not, or not any more.

    `+33199001234` by the trunk `carrier` with national numbers is `0199001234@carrier`.
    """
    if trunk.host is None:
        return None
    try:
        check_destination(number, trunk.region, trunk.allowed)
    except DestinationRefused:
        return None
    written = write_number(trunk.outbound, number, trunk.region)
    assert _DIALLED.fullmatch(written)  # digits alone came of it, and a checked prefix
    return f"{written}@{trunk.name}"


def _wrong_way_in(trunk: Trunk) -> Iterator[str]:
    if not trunk.addresses and trunk.ha1 is None and trunk.host is None:
        yield "it needs addresses, a password or a host, else no call comes or goes"
    for address in trunk.addresses:
        if not is_address(address):
            yield f"{address!r} is no address; write 203.0.113.10 or 203.0.113.0/28"
    if trunk.ha1 is not None and not _HA1.fullmatch(trunk.ha1):
        yield "the password's hash is none"
    if trunk.maximum_calls is not None and trunk.maximum_calls < 1:
        yield "the most calls at once must be at least 1"


def _wrong_way_out(trunk: Trunk) -> Iterator[str]:
    if trunk.host is None:
        if trunk.username or trunk.sealed_password or trunk.register or trunk.proxy:
            yield "user name, password, proxy and registration need a host to go to"
        return
    for host in (trunk.host, *filter(None, [trunk.proxy])):
        if not is_host(host):
            yield f"{host!r} is no host; write sip.example.com or 203.0.113.10:5070"
    if trunk.username is not None and not _USERNAME.fullmatch(trunk.username):
        yield f"{trunk.username!r} is no user name"
    if (trunk.sealed_password is None) != (trunk.username is None):
        yield "a user name and a password at the host belong together"
    if trunk.register and trunk.username is None:
        yield "it can't register without a user name"
    if trunk.presented_number is None:
        yield "calls out need a number to present, never the caller's"


def _wrong_numbers(trunk: Trunk) -> Iterator[str]:
    if trunk.region not in phonenumbers.SUPPORTED_REGIONS:
        yield f"{trunk.region!r} is no country; write two letters like FR"
    for format_ in (trunk.inbound, trunk.outbound):
        yield from _wrong_format(format_)
    if trunk.outbound.kind == "any":
        yield "numbers can't go out in the format any"
    if trunk.presented_number is not None:
        if to_e164(trunk.presented_number) != trunk.presented_number:
            yield f"{trunk.presented_number!r} can't be presented; write it like +33199001234"
        elif phonenumbers.number_type(phonenumbers.parse(trunk.presented_number)) in _DEAR:
            yield "a premium-rate or shared-cost number must not be presented"
    for one in trunk.destinations:
        found = _DESTINATION.fullmatch(one)
        if found is None or found[1] not in phonenumbers.SUPPORTED_REGIONS:
            yield f"{one!r} can't be allowed; write FR-fixed, FR-mobile or FR-voip"


def _wrong_format(format_: NumberFormat) -> Iterator[str]:
    if format_.kind not in FORMAT_KINDS:
        yield f"there is no number format {format_.kind!r}, only {', '.join(FORMAT_KINDS)}"
    if not _PREFIX.fullmatch(format_.strip) or not _PREFIX.fullmatch(format_.add):
        yield "prefixes are up to 12 digits or *"
