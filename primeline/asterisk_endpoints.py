"""Trunks and phones, and the sections of `pjsip.conf` they become."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from billing.kit.errors import PrimelineError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,78}")
_NUMBER = re.compile(r"\+?[0-9]{2,15}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{8,128}")


class UnsafeSetting(PrimelineError):
    """A value that must not be written into Asterisk's files."""

    code = "unsafe-setting"

    def __init__(self, what: str, value: str) -> None:
        super().__init__(f"{value!r} can't be used as {what} in Asterisk's configuration.")


@dataclass(frozen=True, slots=True)
class Trunk:
    """A line to a carrier, known by a digest user name and password or by source addresses.

    `name` reaches the application with each call. `trusted`: its caller ids count as proved, and
    its P-Asserted-Identity wins over From. `addresses`: `IP`, `IP:port` or `IP/bits`.
    """

    name: str
    trusted: bool = False
    username: str | None = None
    password: str | None = None
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhoneEndpoint:
    """A registered SIP phone; `endpoint` is its name, its user name and its address of record.

    `number` is the caller id of its own calls, whatever it says itself; None: none at all.
    """

    endpoint: str
    password: str
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """All that calls can come from and go to."""

    trunks: tuple[Trunk, ...] = ()
    phones: tuple[PhoneEndpoint, ...] = ()


def endpoint_sections(lines: Lines) -> tuple[str, str]:
    """Give the sections of all trunks and those of all phones.

    Raises `UnsafeSetting` for a name, number, password or address that could mean something else
    in Asterisk's syntax, and for two of one name.
    """
    _refuse_doubles([one.name for one in lines.trunks] + [one.endpoint for one in lines.phones])
    trunks = "\n".join(_trunk(trunk) for trunk in lines.trunks)
    return trunks, "\n".join(_phone(phone) for phone in lines.phones)


def _checked(pattern: re.Pattern[str], what: str, value: str) -> str:
    if not pattern.fullmatch(value):
        raise UnsafeSetting(what, value)
    return value


def checked_secret(value: str) -> str:
    """Give a password that is safe to write; raises `UnsafeSetting`."""
    if not _SECRET.fullmatch(value):
        raise UnsafeSetting("a password (8 to 128 letters, digits, _ or -)", "…")
    return value


def checked_address(value: str) -> str:
    """Give an IP address, with a port or as a network; raises `UnsafeSetting`."""
    host, _, port = value.partition(":")
    try:
        ip_network(host, strict=False)
    except ValueError:
        raise UnsafeSetting("an address", value) from None
    if port and not port.isdecimal():
        raise UnsafeSetting("an address", value)
    return value


def _trunk(trunk: Trunk) -> str:
    name = _checked(_NAME, "a trunk's name", trunk.name)
    kind = "_trusted-trunk" if trunk.trusted else "_trunk"
    lines = [f"[{name}]({kind})", f"set_var = PRIMELINE_TRUNK={name}"]
    by = [
        *(["ip"] if trunk.addresses else []),
        *(["auth_username"] if trunk.username else []),
    ]
    if not by:
        raise UnsafeSetting("a trunk without user name and addresses", name)
    lines += [f"identify_by = {','.join(by)}"]
    if trunk.username is not None:
        # The endpoint is found by its own name in the Authorization header.
        if trunk.username != name:
            raise UnsafeSetting(f"the user name of trunk {name}", trunk.username)
        lines += [f"auth = {name}"]
    if trunk.addresses:
        matches = ",".join(checked_address(address) for address in trunk.addresses)
        lines += ["", f"[_{name}-addresses]", "type = identify", f"endpoint = {name}"]
        lines += [f"match = {matches}"]
    if trunk.username is not None:
        lines += ["", *_auth(name, trunk.password or "")]
    return "\n".join([*lines, ""])


def _phone(phone: PhoneEndpoint) -> str:
    name = _checked(_NAME, "a phone's name", phone.endpoint)
    number = "" if phone.number is None else _checked(_NUMBER, "a number", phone.number)
    lines = [
        f"[{name}](_phone)",
        # Without a caller id of its own Asterisk would believe the phone's From.
        f"callerid = <{number or 'anonymous'}>",
        f"auth = {name}",
        f"aors = {name}",
        "",
        *_auth(name, phone.password),
        "",
        f"[{name}](_contact)",
        "",
    ]
    return "\n".join(lines)


def _auth(name: str, password: str) -> list[str]:
    return [
        f"[{name}]",
        "type = auth",
        "auth_type = digest",
        f"username = {name}",
        f"password = {checked_secret(password)}",
    ]


def _refuse_doubles(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise UnsafeSetting("the name of two trunks or phones", name)
