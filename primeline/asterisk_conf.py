"""Asterisk's files for one instance, rendered from `asterisk-conf/` and `dialplan/`."""

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from string import Template
from typing import Final

from billing.kit.errors import PrimelineError
from billing.kit.limits import Limits
from primeline.asterisk_tree import Program
from primeline.ports import Ports

ROOT: Final = Path(__file__).resolve().parent.parent
TEMPLATES: Final = ROOT / "asterisk-conf"
DIALPLAN: Final = ROOT / "dialplan" / "extensions.conf"
ARI_USER: Final = "primeline"
LOOPBACK: Final = "127.0.0.1"
ANYWHERE: Final = "0.0.0.0"  # noqa: S104  # who may come is said by `_private-networks`

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,78}")
_NUMBER = re.compile(r"\+?[0-9]{2,15}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{8,128}")
_UNSAFE_PATH = re.compile(r"[\x00-\x1f;$,\"\[\]{}|&^<>]")
_PRIVATE_NETWORKS: Final = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
)


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


@dataclass(frozen=True, slots=True)
class Secrets:
    """What one instance alone knows."""

    ari_password: str

    @classmethod
    def random(cls) -> "Secrets":
        """Make new ones."""
        return cls(ari_password=secrets.token_urlsafe(32))


@dataclass(frozen=True, slots=True)
class Instance:
    """Where one Asterisk keeps its things. `run_dir` is short: sockets live in it.

    `bind_host`: loopback, or this machine's address in a local network, whose phones may come.
    """

    directory: Path
    run_dir: Path
    program: Program
    ports: Ports
    secrets: Secrets
    bind_host: str = LOOPBACK

    @property
    def conf_dir(self) -> Path:
        """The rendered files."""
        return self.directory / "conf"

    @property
    def log_file(self) -> Path:
        """Warnings and errors."""
        return self.directory / "log" / "messages.log"

    @property
    def cel_file(self) -> Path:
        """Asterisk's own record of each call; see `asterisk-conf/cel_custom.conf`."""
        return self.directory / "cel" / "primeline.csv"

    @property
    def ari_url(self) -> str:
        """Without a slash at its end."""
        return f"http://{LOOPBACK}:{self.ports.ari}"


class _Conf(Template):
    delimiter = "@"  # Asterisk's own variables begin with a dollar


def render(
    instance: Instance,
    *,
    lines: Lines,
    limits: Limits,
    prompts_dir: Path,
) -> None:
    """Write every file Asterisk reads, readable by nobody else, and make its folders.

    Raises `UnsafeSetting` for a name, number, password or path that could mean something else in
    Asterisk's syntax, and for two endpoints of one name.
    """
    _refuse_doubles([one.name for one in lines.trunks] + [one.endpoint for one in lines.phones])
    folders = {
        "conf_dir": instance.conf_dir,
        "lib_dir": instance.directory / "lib",
        "spool_dir": instance.directory / "spool",
        "log_dir": instance.log_file.parent,
    }
    for path in (*folders.values(), instance.cel_file.parent, instance.run_dir):
        path.mkdir(parents=True, exist_ok=True, mode=0o750)
    paths = folders | {
        "run_dir": instance.run_dir,
        "modules_dir": instance.program.modules_dir,
        "data_dir": instance.program.data_dir,
        "cel_file": instance.cel_file,
        "prompts_dir": prompts_dir.resolve(),
    }
    values = {name: _path(path) for name, path in paths.items()} | {
        "sip_port": str(instance.ports.sip),
        "ari_port": str(instance.ports.ari),
        "rtp_first": str(instance.ports.rtp_first),
        "rtp_last": str(instance.ports.rtp_last),
        "ari_user": ARI_USER,
        "ari_password": _secret(instance.secrets.ari_password),
        "received_seconds": f"{limits.received_ms // 1000}.{limits.received_ms % 1000:03d}",
        "trunks": "\n".join(_trunk(trunk) for trunk in lines.trunks),
        "phones": "\n".join(_phone(phone) for phone in lines.phones),
        **_reach(instance.bind_host),
    }
    for template in (*sorted(TEMPLATES.glob("*.conf")), DIALPLAN):
        _write(instance.conf_dir / template.name, template.read_text(), values)


def _reach(bind_host: str) -> dict[str, str]:
    """Loopback: sound too goes by 127.0.0.1 only. Else: SIP from private networks and ourselves."""
    if bind_host == LOOPBACK:
        media = f"media_address = {LOOPBACK}\nbind_rtp_to_media_address = yes"
        return {"bind_host": LOOPBACK, "media_address": media, "private_networks": ""}
    permits = "\n".join(
        f"permit = {ip_network(network).with_netmask}"
        for network in (*_PRIVATE_NETWORKS, _address(bind_host))
    )
    acl = f"[_private-networks]\ntype = acl\ndeny = 0.0.0.0/0.0.0.0\n{permits}\n"
    return {"bind_host": ANYWHERE, "media_address": "", "private_networks": acl}


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
        matches = ",".join(_address(address) for address in trunk.addresses)
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
        f"password = {_secret(password)}",
    ]


def _refuse_doubles(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise UnsafeSetting("the name of two trunks or phones", name)


def _checked(pattern: re.Pattern[str], what: str, value: str) -> str:
    if not pattern.fullmatch(value):
        raise UnsafeSetting(what, value)
    return value


def _secret(value: str) -> str:
    if not _SECRET.fullmatch(value):
        raise UnsafeSetting("a password (8 to 128 letters, digits, _ or -)", "…")
    return value


def _address(value: str) -> str:
    host, _, port = value.partition(":")
    try:
        ip_network(host, strict=False)
    except ValueError:
        raise UnsafeSetting("an address", value) from None
    if port and not port.isdecimal():
        raise UnsafeSetting("an address", value)
    return value


def _path(path: Path) -> str:
    text = str(path)
    if _UNSAFE_PATH.search(text):
        raise UnsafeSetting("a folder", text)
    return text


def _write(path: Path, template: str, values: Mapping[str, str]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    with os.fdopen(descriptor, "w") as file:
        file.write(_Conf(template).substitute(values))
