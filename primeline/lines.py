"""The trunks and phones of an installation: named in the database, with passwords of its own."""

import json
import os
import secrets
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from billing.kit.errors import PrimelineError
from billing.kit.phones import DEFAULT_REGION
from primeline.asterisk_conf import Lines, PhoneEndpoint, Trunk

LINES_FILE: Final = "lines.toml"
PASSWORDS_FILE: Final = "sip-passwords.json"

EXAMPLE: Final = """\
# Carriers and phones of this installation; read when Primeline starts.
# Experts' phones need no entry: each has a password of its own in sip-passwords.json.
#
# [[trunk]]
# name = "carrier"
# addresses = ["203.0.113.10"]    # where its calls come from
# trusted = false                 # true: its caller ids count as proved
# region = "FR"                   # the country of its numbers without "+"
#
# [[phone]]                       # a phone that calls in
# endpoint = "caller-1"           # its user name
# number = "+33639980101"         # its caller id, whatever it says itself
"""


class LinesInvalid(PrimelineError):
    """The operator's file of trunks and phones can't be read."""

    code = "lines-invalid"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")


class Passwords:
    """A password for each phone and trunk, made when first asked for and kept from then on."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / PASSWORDS_FILE
        self._known: dict[str, str] = {}
        if self._path.exists():
            self._known = json.loads(self._path.read_text())

    def of(self, name: str) -> str:
        """Give the password of `name`."""
        if name not in self._known:
            self._known[name] = secrets.token_urlsafe(15)
            self._save()
        return self._known[name]

    def _save(self) -> None:
        part = self._path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self._known, file, indent=1)
        part.rename(self._path)


@dataclass(frozen=True, slots=True)
class OwnTrunk:
    """A trunk of the operator's file, with what the database must know of it."""

    trunk: Trunk
    region: str


@dataclass(frozen=True, slots=True)
class OwnLines:
    """The operator's file `lines.toml`."""

    trunks: tuple[OwnTrunk, ...]
    phones: tuple[PhoneEndpoint, ...]


def read_own_lines(directory: Path, passwords: Passwords) -> OwnLines:
    """Read `lines.toml` in `directory`, made with an example in it if it isn't there.

    Raises `LinesInvalid`.
    """
    path = directory / LINES_FILE
    if not path.exists():
        path.write_text(EXAMPLE)
    try:
        entries = tomllib.loads(path.read_text())
        own = OwnLines(
            tuple(_trunk(one, passwords) for one in entries.pop("trunk", ())),
            tuple(_phone(one, passwords) for one in entries.pop("phone", ())),
        )
    except tomllib.TOMLDecodeError as error:
        raise LinesInvalid(path, f"{error}.") from error
    except KeyError as error:
        raise LinesInvalid(path, f"an entry has no {error}.") from error
    except (TypeError, AttributeError) as error:
        raise LinesInvalid(path, f"an entry can't be understood ({error}).") from error
    if entries:
        raise LinesInvalid(path, f"there are [[trunk]] and [[phone]], but no {min(entries)!r}.")
    return own


def all_lines(
    own: OwnLines,
    passwords: Passwords,
    *,
    endpoints: Sequence[str],
    trunks: Sequence[tuple[str, bool]],
) -> Lines:
    """Give the operator's own lines and those that only the database names.

    `endpoints` are the experts' phones, `trunks` names with whether they are trusted.
    """
    by_trunk = {one.trunk.name: one.trunk for one in own.trunks}
    by_endpoint = {one.endpoint: one for one in own.phones}
    for name, trusted in trunks:
        if name not in by_trunk:
            by_trunk[name] = Trunk(name, trusted, name, passwords.of(name))
    for endpoint in endpoints:
        if endpoint not in by_endpoint:
            by_endpoint[endpoint] = PhoneEndpoint(endpoint, passwords.of(endpoint))
    return Lines(tuple(by_trunk.values()), tuple(by_endpoint.values()))


def _trunk(entry: dict[str, Any], passwords: Passwords) -> OwnTrunk:
    name, region = entry["name"], entry.pop("region", DEFAULT_REGION)
    addresses = tuple(entry.pop("addresses", ()))
    if not addresses:
        entry = {"username": name, "password": passwords.of(name)} | entry
    return OwnTrunk(Trunk(**entry, addresses=addresses), region)


def _phone(entry: dict[str, Any], passwords: Passwords) -> PhoneEndpoint:
    return PhoneEndpoint(**{"password": passwords.of(entry["endpoint"])} | entry)
