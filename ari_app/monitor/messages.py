"""What Asterisk's manager interface says, as values; and what may be said to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from billing.kit.errors import PrimelineError
from billing.monitoring.values import EndpointCondition

COUNTED: Final = frozenset(
    {
        "FailedACL",
        "InvalidAccountID",
        "InvalidPassword",
        "InvalidTransport",
        "ChallengeResponseFailed",
        "AuthMethodNotAllowed",
        "UnexpectedAddress",
        "RequestBadFormat",
        "RequestNotAllowed",
        "RequestNotSupported",
        "SessionLimit",
        "LoadAverageLimit",
        "MemoryLimit",
    }
)
"""Security events of somebody who was refused; the others are of everyday logins."""

LOGIN_EVENTS: Final = frozenset({"InvalidAccountID", "InvalidPassword", "ChallengeResponseFailed"})
LONGEST_NAME: Final = 64

_FORBIDDEN: Final = ("\r", "\n", "\0")
_CONTACT: Final[Mapping[str, EndpointCondition | None]] = {
    "Reachable": EndpointCondition.REACHABLE,
    "Unreachable": EndpointCondition.UNREACHABLE,
    "NonQualified": EndpointCondition.REGISTERED,
    "Created": EndpointCondition.REGISTERED,
    "Removed": None,
}
_REGISTRATION: Final[Mapping[str, EndpointCondition]] = {
    "Registered": EndpointCondition.REGISTERED,
    "Unregistered": EndpointCondition.UNREGISTERED,
    "Rejected": EndpointCondition.REJECTED,
}


class UnsafeValue(PrimelineError):
    """A value that would be read as further lines by Asterisk."""

    code = "unsafe-ami-value"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name[:LONGEST_NAME]!r} has a line break or a NUL in its name or value.")


def checked(action: Mapping[str, str]) -> dict[str, str]:
    """Give an action for Asterisk's manager interface; raises UnsafeValue for CR, LF and NUL.

    A value with a line break would add headers, or a whole action, of whoever wrote the value.
    """
    for name, value in action.items():
        if any(bad in text for bad in _FORBIDDEN for text in (name, value)):
            raise UnsafeValue(name)
    return dict(action)


@dataclass(frozen=True, slots=True)
class Booted:
    """Asterisk is fully up, for so many seconds; also said to whoever logs in later."""

    uptime_seconds: int


@dataclass(frozen=True, slots=True)
class ShuttingDown:
    """Asterisk is about to end."""


@dataclass(frozen=True, slots=True)
class ContactChanged:
    """A contact of a trunk or phone; `condition` None: it is no more."""

    endpoint: str
    uri: str
    condition: EndpointCondition | None


@dataclass(frozen=True, slots=True)
class RegistrationChanged:
    """Our registration at a trunk's host, by the addresses it has in Asterisk's files."""

    client_uri: str
    condition: EndpointCondition


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody was refused. `source` is an IP address, `account` the name he tried."""

    event: str
    source: str
    account: str


Said = Booted | ShuttingDown | ContactChanged | RegistrationChanged | Refused


def parse(message: Mapping[str, object]) -> Said | None:
    """Give what an event says; None: nothing that is of use. Field names in any case."""
    fields = {
        name.lower(): value if isinstance(value, str) else "" for name, value in message.items()
    }
    event = fields.get("event", "")
    if event in COUNTED:
        return Refused(
            event,
            source_of(fields.get("remoteaddress", "")),
            _name(fields.get("accountid", "")),
        )
    if event == "FullyBooted":
        uptime = fields.get("uptime", "")
        return Booted(int(uptime) if _is_number(uptime) else 0)
    if event == "Shutdown":
        return ShuttingDown()
    if event == "ContactStatus":
        return _contact(fields)
    if event == "Registry":
        condition = _REGISTRATION.get(fields.get("status", ""))
        if condition is not None:
            return RegistrationChanged(fields.get("username", ""), condition)
    return None


def _contact(fields: Mapping[str, str]) -> ContactChanged | None:
    status, endpoint = fields.get("contactstatus", ""), fields.get("endpointname", "")
    if status not in _CONTACT or not endpoint:
        return None
    return ContactChanged(endpoint, fields.get("uri", ""), _CONTACT[status])


def source_of(address: str) -> str:
    """Give the IP address in Asterisk's way to write one; 'unknown' for anything else.

    `IPV4/UDP/203.0.113.5/5060` is 203.0.113.5.
    """
    pieces = address.split("/")
    try:
        return str(ip_address(pieces[2]))
    except (IndexError, ValueError):
        return "unknown"


def _name(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:LONGEST_NAME]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 12  # noqa: PLR2004  (30 000 years)
