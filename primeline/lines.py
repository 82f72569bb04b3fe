"""The trunks and phones of an installation: the operator's file, and phones of the database."""

import fcntl
import json
import os
import secrets
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from phonenumbers import SUPPORTED_REGIONS

from billing.endpoints.service import KnownPhone
from billing.kit.errors import PrimelineError
from billing.kit.phones import DEFAULT_REGION
from primeline.asterisk_conf import Lines, PhoneEndpoint, Trunk

LINES_FILE: Final = "lines.toml"
PASSWORDS_FILE: Final = "sip-passwords.json"

EXAMPLE: Final = """\
# Carriers of this installation, and phones that no expert or caller was given by a command.
# Read every five seconds: a change counts at once, and what is taken out no longer works.
# `primeline phones` lists all phones; made passwords are kept in sip-passwords.json.
#
# [[trunk]]
# name = "carrier"
# addresses = ["203.0.113.10"]    # where its calls come from; none: it logs in with a password
# trusted = false                 # true: its caller ids count as proved
# region = "FR"                   # the country of its numbers without "+"
#
# [[phone]]                       # one more phone that calls in
# endpoint = "caller-1"           # its user name
# number = "+33639980101"         # its caller id, whatever it says itself
"""


class LinesInvalid(PrimelineError):
    """The operator's file of trunks and phones can't be read."""

    code = "lines-invalid"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")


class Passwords:
    """A password for each phone and trunk, made when first asked for and kept from then on.

    Several processes may ask at once.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / PASSWORDS_FILE
        self._known = self._read()

    def of(self, name: str) -> str:
        """Give the password of `name`."""
        if name not in self._known:
            with self._path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._known = {name: secrets.token_urlsafe(15)} | self._read()
                self._save()
        return self._known[name]

    def _read(self) -> dict[str, str]:
        if not self._path.exists():
            return {}
        try:
            known: dict[str, str] = json.loads(self._path.read_text())
        except ValueError as error:
            raise LinesInvalid(self._path, f"can't be read ({error}).") from error
        return known

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

    trunks: tuple[OwnTrunk, ...] = ()
    phones: tuple[PhoneEndpoint, ...] = ()


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
    except (TypeError, AttributeError, ValueError) as error:
        raise LinesInvalid(path, f"an entry can't be understood ({error}).") from error
    if entries:
        raise LinesInvalid(path, f"there are [[trunk]] and [[phone]], but no {min(entries)!r}.")
    return own


def all_lines(own: OwnLines, passwords: Passwords, phones: Sequence[KnownPhone]) -> Lines:
    """Give the operator's own lines and the phones of the database; his own win."""
    by_endpoint = {one.endpoint: one for one in own.phones}
    for one in phones:
        if one.endpoint not in by_endpoint:
            password = passwords.of(one.endpoint)
            by_endpoint[one.endpoint] = PhoneEndpoint(one.endpoint, password, one.number)
    return Lines(tuple(one.trunk for one in own.trunks), tuple(by_endpoint.values()))


def changes(old: Lines, new: Lines) -> str:
    """Say which trunks and phones are new, changed and gone: "new phone ada; gone trunk x"."""
    before, after = _by_name(old), _by_name(new)
    named = {
        "new": [name for name in after if name not in before],
        "changed": [name for name in after if name in before and before[name] != after[name]],
        "gone": [name for name in before if name not in after],
    }
    return "; ".join(f"{what} {', '.join(names)}" for what, names in named.items() if names)


def _by_name(lines: Lines) -> dict[str, Trunk | PhoneEndpoint]:
    return {f"trunk {one.name}": one for one in lines.trunks} | {
        f"phone {one.endpoint}": one for one in lines.phones
    }


def _trunk(entry: dict[str, Any], passwords: Passwords) -> OwnTrunk:
    name, region = entry["name"], entry.pop("region", DEFAULT_REGION)
    addresses, trusted = entry.pop("addresses", []), entry.get("trusted", False)
    if not isinstance(name, str):
        raise TypeError("name must be a text")
    if not isinstance(trusted, bool):
        raise TypeError("trusted must be true or false, without quotes")
    if not isinstance(addresses, list) or not all(isinstance(one, str) for one in addresses):
        raise TypeError('addresses must be a list: ["203.0.113.10"]')
    if region not in SUPPORTED_REGIONS:
        raise ValueError(f'{region!r} is no country; write two letters like "FR"')
    if not addresses:
        entry = {"username": name, "password": passwords.of(name)} | entry
    return OwnTrunk(Trunk(**entry, addresses=tuple(addresses)), region)


def _phone(entry: dict[str, Any], passwords: Passwords) -> PhoneEndpoint:
    if not all(isinstance(value, str) for value in entry.values()):
        raise TypeError("all of a phone's values are texts in quotes")
    endpoint = entry["endpoint"]
    return PhoneEndpoint(**{"password": entry.get("password") or passwords.of(endpoint)} | entry)
