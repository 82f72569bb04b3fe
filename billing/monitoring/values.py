"""What is watched from outside of calls, and what an operator must be told."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AlarmKind(StrEnum):
    """What can be wrong; the words are stable."""

    ASTERISK_GONE = "asterisk-gone"
    ASTERISK_SILENT = "asterisk-silent"
    ASTERISK_RESTARTED = "asterisk-restarted"
    AMI_LOGIN_FAILED = "ami-login-failed"
    TRUNK_UNREACHABLE = "trunk-unreachable"
    REGISTRATION_FAILED = "registration-failed"
    MANY_FAILED_LOGINS = "many-failed-logins"
    MONITOR_AWAY = "monitor-away"
    ASTERISK_TAKEN = "asterisk-taken"
    MESSAGE_UNFIT = "message-unfit"
    TRUNK_NOT_OF_CARRIER = "trunk-not-of-carrier"
    RECORD_DIFFERS = "record-differs"
    ENDS_UNSETTLED = "ends-unsettled"


class EndpointKind(StrEnum):
    """What a state is of."""

    TRUNK = "trunk"
    REGISTRATION = "registration"
    PHONE = "phone"


class EndpointCondition(StrEnum):
    """How a trunk, our registration at its host, or a phone is."""

    REACHABLE = "reachable"
    UNREACHABLE = "unreachable"
    REGISTERED = "registered"
    UNREGISTERED = "unregistered"
    REJECTED = "rejected"


BAD_CONDITIONS = frozenset(
    {
        EndpointCondition.UNREACHABLE,
        EndpointCondition.UNREGISTERED,
        EndpointCondition.REJECTED,
    }
)


class AsteriskCondition(StrEnum):
    """How an Asterisk looks to its monitor."""

    UP = "up"
    GONE = "gone"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong with `subject`, from `raised_at` until `cleared_at` (None: still).

    `times` counts how often it was found, the last time at `seen_at`. `acknowledged_by` has seen
    it; None again once it says something new.
    """

    alarm_id: int
    kind: AlarmKind
    subject: str
    detail: str
    raised_at: datetime
    seen_at: datetime
    times: int
    cleared_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True)
class EndpointState:
    """How something that Asterisk exchanges calls with is, and since when."""

    asterisk_id: str
    kind: EndpointKind
    name: str
    condition: EndpointCondition
    since: datetime


@dataclass(frozen=True, slots=True)
class AsteriskState:
    """One Asterisk. `started_at`: when it came up, if known; `seen_at`: its monitor's last word."""

    asterisk_id: str
    condition: AsteriskCondition
    since: datetime
    started_at: datetime | None
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class SecurityCount:
    """How often one event came from one source within the minute that begins at `minute`.

    `account` is the last name that was tried, as far as it can be shown.
    """

    minute: datetime
    event: str
    source: str
    account: str
    times: int
