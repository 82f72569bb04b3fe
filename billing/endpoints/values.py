"""Trunks and SIP phones as the operator sets them up."""

import re
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from billing.kit.phones import DEFAULT_REGION

ENDPOINT_PATTERN: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,78}"
_ENDPOINT = re.compile(ENDPOINT_PATTERN)

FormatKind = Literal["any", "+e164", "e164", "00", "national"]
FORMAT_KINDS: Final[tuple[FormatKind, ...]] = ("any", "+e164", "e164", "00", "national")


def is_endpoint(text: str) -> bool:
    """Whether it may name a phone in a dial request: nothing in it can start another."""
    return _ENDPOINT.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How a carrier writes numbers.

    `strip` is taken off the front first, then `add` is put there: of what comes, before it is read;
    of what we send, after it was written. Both are digits or `*`.
    """

    kind: FormatKind = "any"
    strip: str = ""
    add: str = ""


@dataclass(frozen=True, slots=True)
class Trunk:
    """A line to a carrier. What each field means stands in docs/reference/trunks.md.

    In: known by `addresses` (IP, IP:port or IP/bits), by its name and a password (`ha1`), or both.
    Out: `host` (name or IP, with a port if it isn't 5060), where we are `username`. `region`: ISO
    3166. `destinations`: `FR-fixed`, `FR-mobile`, …; empty: its own region's both. `ha1` and
    `sealed_password` are secrets; see `billing.endpoints.digest` and `billing.kit.secrets`.
    """

    name: str
    trusted: bool = False
    region: str = DEFAULT_REGION
    addresses: tuple[str, ...] = ()
    ha1: str | None = field(default=None, repr=False)
    inbound: NumberFormat = NumberFormat()
    maximum_calls: int | None = None
    host: str | None = None
    proxy: str | None = None
    username: str | None = None
    sealed_password: str | None = field(default=None, repr=False)
    register: bool = False
    outbound: NumberFormat = NumberFormat("+e164")
    presented_number: str | None = None
    destinations: tuple[str, ...] = ()

    @property
    def allowed(self) -> tuple[str, ...]:
        """The kinds of numbers that may be dialled by it."""
        return self.destinations or (f"{self.region}-fixed", f"{self.region}-mobile")


@dataclass(frozen=True, slots=True)
class KnownTrunk:
    """A trunk as it is kept; `version` rises with each edit."""

    trunk_id: UUID
    version: int
    trunk: Trunk


@dataclass(frozen=True, slots=True)
class KnownPhone:
    """A SIP phone; `number` (E.164) is the caller id of its own calls, None: none.

    `ha1` None: it has no password yet and can't register.
    """

    endpoint: str
    number: str | None = None
    ha1: str | None = field(default=None, repr=False)
