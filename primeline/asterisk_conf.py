"""Asterisk's files for one instance, rendered from `asterisk-conf/` and `dialplan/`."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from billing.endpoints.digest import REALM
from billing.endpoints.rules import is_address
from billing.endpoints.values import Trunk
from billing.kit.limits import Limits
from primeline.asterisk_endpoints import (
    Lines,
    UnsafeSetting,
    checked_secret,
    endpoint_sections,
    netmask,
)
from primeline.asterisk_tree import Program
from primeline.parts import ARI_APPLICATION
from primeline.ports import Ports

__all__ = ["Instance", "Lines", "Secrets", "UnsafeSetting", "render"]

ROOT: Final = Path(__file__).resolve().parent.parent
TEMPLATES: Final = ROOT / "asterisk-conf"
DIALPLAN: Final = ROOT / "dialplan" / "extensions.conf"
ARI_USER: Final = "primeline"
MONITOR_USER: Final = "monitor"
LOOPBACK: Final = "127.0.0.1"
CEL_NAME: Final = "primeline.csv"
ANYWHERE: Final = "0.0.0.0"  # noqa: S104  # who may come is said by `_reach`

_ASTERISK_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")
_UNSAFE_PATH = re.compile(r"[\x00-\x1f;$,\"\[\]{}|&^<>]")
_PRIVATE_NETWORKS: Final = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What one instance alone knows."""

    ari_password: str
    monitor_password: str

    @classmethod
    def random(cls) -> "Secrets":
        """Make new ones."""
        return cls(
            ari_password=secrets.token_urlsafe(32), monitor_password=secrets.token_urlsafe(32)
        )


@dataclass(frozen=True, slots=True)
class Instance:
    """Where one Asterisk keeps its things. `run_dir` is short: sockets live in it.

    `bind_host`: loopback, or this machine's address in a local network, whose phones may come.
    `asterisk_id`: its name among all Asterisks that share the database.
    """

    directory: Path
    run_dir: Path
    program: Program
    ports: Ports
    secrets: Secrets
    bind_host: str = LOOPBACK
    asterisk_id: str = ARI_APPLICATION

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
        return self.log_file.parent / "cel-custom" / CEL_NAME

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
    trunks, phones = endpoint_sections(lines)
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
        "prompts_dir": prompts_dir.resolve(),
    }
    values = {name: _path(path) for name, path in paths.items()} | {
        "cel_name": CEL_NAME,
        "asterisk_id": _checked_id(instance.asterisk_id),
        "sip_port": str(instance.ports.sip),
        "ari_port": str(instance.ports.ari),
        "agi_port": str(instance.ports.agi),
        "rtp_first": str(instance.ports.rtp_first),
        "rtp_last": str(instance.ports.rtp_last),
        "ari_user": ARI_USER,
        "ari_password": checked_secret(instance.secrets.ari_password),
        "ami_port": str(instance.ports.ami),
        "monitor_user": MONITOR_USER,
        "monitor_password": checked_secret(instance.secrets.monitor_password),
        "received_seconds": f"{limits.received_ms // 1000}.{limits.received_ms % 1000:03d}",
        "media_seconds": str(limits.media_seconds),
        "media_held_seconds": str(limits.media_held_seconds),
        "trunks": trunks,
        "phones": phones,
        "realm": REALM,
        **_reach(instance.bind_host, lines),
    }
    for template in (*sorted(TEMPLATES.glob("*.conf")), DIALPLAN):
        _write(instance.conf_dir / template.name, template.read_text(), values)


def _reach(bind_host: str, lines: Lines) -> dict[str, str]:
    """Loopback: sound too goes by 127.0.0.1 only. Else: who may send us SIP at all."""
    if bind_host == LOOPBACK:
        media = f"media_address = {LOOPBACK}\nbind_rtp_to_media_address = yes"
        return {"bind_host": LOOPBACK, "media_address": media, "reach": ""}
    carriers = [address for trunk in lines.trunks for address in _addresses(trunk)]
    permits = "\n".join(
        f"permit = {netmask(address)}" for address in (*_PRIVATE_NETWORKS, bind_host, *carriers)
    )
    acl = f"[_reach]\ntype = acl\ndeny = 0.0.0.0/0.0.0.0\n{permits}\n"
    return {"bind_host": ANYWHERE, "media_address": "", "reach": acl}


def _addresses(trunk: Trunk) -> list[str]:
    """Where a trunk's requests come from: what ends a call that we began comes from its host."""
    hosts = [host for host in (trunk.host, trunk.proxy) if host is not None and is_address(host)]
    return [*trunk.addresses, *hosts]


def _checked_id(asterisk_id: str) -> str:
    if not _ASTERISK_ID.fullmatch(asterisk_id):
        raise UnsafeSetting("an Asterisk's name (up to 32 letters, digits, ., _ or -)", asterisk_id)
    return asterisk_id


def _path(path: Path) -> str:
    text = str(path)
    if _UNSAFE_PATH.search(text):
        raise UnsafeSetting("a folder", text)
    return text


def _write(path: Path, template: str, values: Mapping[str, str]) -> None:
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    with os.fdopen(descriptor, "w") as file:
        file.write(_Conf(template).substitute(values))
    part.rename(path)
