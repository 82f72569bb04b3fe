"""Trunks and phones, and the sections of `pjsip.conf` they become."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_network

from billing.endpoints.formats import write_number
from billing.endpoints.rules import check_password, check_trunk
from billing.endpoints.values import KnownPhone, Trunk
from billing.kit.errors import PrimelineError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,78}")
_NUMBER = re.compile(r"\+?[0-9]{2,15}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{8,128}")
_HA1 = re.compile(r"[0-9a-f]{32}")


class UnsafeSetting(PrimelineError):
    """A value that must not be written into Asterisk's files."""

    code = "unsafe-setting"

    def __init__(self, what: str, value: str) -> None:
        super().__init__(f"{value!r} can't be used as {what} in Asterisk's configuration.")


@dataclass(frozen=True, slots=True)
class Lines:
    """All that calls can come from and go to.

    `passwords`: ours at the hosts of trunks, by the trunk's name.
    """

    trunks: tuple[Trunk, ...] = ()
    phones: tuple[KnownPhone, ...] = ()
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)


def endpoint_sections(lines: Lines) -> tuple[str, str]:
    """Give the sections of all trunks and those of all phones.

    A phone without a password has none. Raises `UnsafeSetting` or `TrunkInvalid` for a value that
    could mean something else in Asterisk's syntax, and for two of one name.
    """
    phones = [phone for phone in lines.phones if phone.ha1 is not None]
    _refuse_doubles([one.name for one in lines.trunks] + [one.endpoint for one in phones])
    trunks = [_trunk(one, lines.passwords.get(one.name)) for one in lines.trunks]
    return "\n".join(trunks), "\n".join(_phone(phone) for phone in phones)


def checked_secret(value: str) -> str:
    """Give a password of ours that is safe to write; raises `UnsafeSetting`."""
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


def netmask(address: str) -> str:
    """Give an address without its port, as lists of who may come want it: `10.0.0.0/255.0.0.0`."""
    return str(ip_network(checked_address(address).partition(":")[0], strict=False).with_netmask)


def _checked(pattern: re.Pattern[str], what: str, value: str) -> str:
    if not pattern.fullmatch(value):
        raise UnsafeSetting(what, value)
    return value


def _trunk(trunk: Trunk, password: str | None) -> str:
    check_trunk(trunk)
    name = _checked(_NAME, "a trunk's name", trunk.name)
    kind = "_trusted-trunk" if trunk.trusted else "_trunk"
    lines = [f"[{name}]({kind})", f"set_var = PRIMELINE_TRUNK={name}"]
    if trunk.maximum_calls is not None:
        lines += [f"set_var = PRIMELINE_MOST={trunk.maximum_calls}"]
    lines += [*_way_in(trunk), *_way_out(trunk, password)]
    if trunk.addresses and trunk.ha1 is None:
        matches = ",".join(checked_address(address) for address in trunk.addresses)
        lines += ["", f"[_{name}-addresses]", "type = identify", f"endpoint = {name}"]
        lines += [f"match = {matches}"]
    if trunk.ha1 is not None:
        lines += ["", *_auth(name, trunk.ha1)]
    if trunk.host is not None:
        lines += ["", *_host(trunk, password)]
    return "\n".join([*lines, ""])


def _way_in(trunk: Trunk) -> Iterator[str]:
    if trunk.ha1 is None:
        # Without addresses too: then nothing matches, and no call comes in by it.
        yield "identify_by = ip"
        return
    # The endpoint is found by its own name in the Authorization header.
    yield "identify_by = auth_username"
    yield f"auth = {trunk.name}"
    if trunk.addresses:
        yield "deny = 0.0.0.0/0.0.0.0"
        yield from (f"permit = {netmask(address)}" for address in trunk.addresses)


def _way_out(trunk: Trunk, password: str | None) -> Iterator[str]:
    if trunk.host is None:
        return
    yield f"aors = {trunk.name}"
    # Whoever calls, this is what the other side sees of him.
    yield f"from_user = {_presented(trunk)}"
    yield f"from_domain = {trunk.host.partition(':')[0]}"
    if password is not None:
        yield f"outbound_auth = _{trunk.name}-out"
    if trunk.proxy is not None:
        yield f"outbound_proxy = {_proxy(trunk.proxy)}"


def _presented(trunk: Trunk) -> str:
    assert trunk.presented_number is not None  # check_trunk: who has a host has one
    own = replace(trunk.outbound, strip="", add="")
    return _checked(_NUMBER, "a number", write_number(own, trunk.presented_number, trunk.region))


def _proxy(host: str) -> str:
    return f"sip:{host}\\;lr"


def _host(trunk: Trunk, password: str | None) -> Iterator[str]:
    name, host, username = trunk.name, trunk.host, trunk.username
    proxy = [] if trunk.proxy is None else [f"outbound_proxy = {_proxy(trunk.proxy)}"]
    yield from (f"[{name}](_host)", f"contact = sip:{host}", *proxy)
    if username is None or password is None:
        return
    yield from ("", f"[_{name}-out]", "type = auth", "auth_type = digest")
    check_password(name, password)
    escaped = password.replace(";", "\\;")
    yield from (f"username = {username}", f"password = {escaped}")
    if trunk.register:
        yield from ("", f"[_{name}-registration](_registration)", f"outbound_auth = _{name}-out")
        yield from (f"server_uri = sip:{host}", f"client_uri = sip:{username}@{host}")
        # What is called at our account comes as a call of this number.
        yield from (f"contact_user = {_presented(trunk)}", *proxy)


def _phone(phone: KnownPhone) -> str:
    name = _checked(_NAME, "a phone's name", phone.endpoint)
    number = "" if phone.number is None else _checked(_NUMBER, "a number", phone.number)
    lines = [
        f"[{name}](_phone)",
        # Without a caller id of its own Asterisk would believe the phone's From.
        f"callerid = <{number or 'anonymous'}>",
        f"auth = {name}",
        f"aors = {name}",
        "",
        *_auth(name, phone.ha1 or ""),
        "",
        f"[{name}](_contact)",
        "",
    ]
    return "\n".join(lines)


def _auth(name: str, ha1: str) -> list[str]:
    return [
        f"[{name}]",
        "type = auth",
        "auth_type = digest",
        f"username = {name}",
        f"password_digest = MD5:{_checked(_HA1, 'the hash of a password', ha1)}",
    ]


def _refuse_doubles(names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UnsafeSetting("the name of two trunks or phones", name)
        seen.add(name)
