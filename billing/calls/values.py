"""A call as other processes see it: what is received, what a restart finds."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from billing.accounts.values import Identified
from billing.catalogue.values import ExpertChoice, ServedNumber
from billing.charging.premium.values import PremiumPlan
from billing.charging.values import Grant, Quote

MEDIA_LOST: Final = "media lost"
"""What a call's timeline says of a leg that was hung up for its silence."""
NO_SOUND: Final = "no sound"
"""What it says of paid time in which a leg sent nothing at all, so that it costs nothing."""


class EndReason(StrEnum):
    """Why a call ended, as it stands in the record and on the statement."""

    CALLER_HUNG_UP = "caller-hung-up"
    EXPERT_HUNG_UP = "expert-hung-up"
    CREDIT_USED_UP = "credit-used-up"
    MAXIMUM_REACHED = "maximum-reached"
    FREE_LIMIT = "free-limit"
    MEDIA_LOST = "media-lost"
    HELD_TOO_LONG = "held-too-long"
    NUMBER_UNKNOWN = "number-unknown"
    CALLER_UNKNOWN = "caller-unknown"
    PIN_WRONG = "pin-wrong"
    PIN_LOCKED = "pin-locked"
    NOTHING_KEYED = "nothing-keyed"
    EXTENSION_UNKNOWN = "extension-unknown"
    EXPERT_BUSY = "expert-busy"
    EXPERT_AWAY = "expert-away"
    EXPERT_NOT_CHECKED = "expert-not-checked"
    EXPERT_REFUSED = "expert-refused"
    EXPERT_NO_ANSWER = "expert-no-answer"
    EXPERT_UNREACHABLE = "expert-unreachable"
    NOT_CONFIRMED = "not-confirmed"
    CREDIT_TOO_LOW = "credit-too-low"
    LIMIT_REACHED = "limit-reached"
    CALL_LIMIT = "call-limit-reached"
    DAY_LIMIT = "day-limit-reached"
    MONTH_LIMIT = "month-limit-reached"
    NUMBER_ALONE_LIMIT = "number-alone-limit-reached"
    NUMBER_LIMIT = "number-limit-reached"
    SERVICE_LIMIT = "service-limit-reached"
    CURRENCY = "currency"
    NO_ACT = "no-act"
    NO_TARIFF = "no-tariff"
    TERMS_NOT_ACCEPTED = "terms-not-accepted"
    SERVICE_DOWN = "service-down"
    DATABASE_AWAY = "database-away"
    OPERATOR_ENDED = "operator-ended"
    SELF_SERVICE = "self-service"


LIMITS_REACHED: Final = frozenset(
    {
        EndReason.CALL_LIMIT,
        EndReason.DAY_LIMIT,
        EndReason.MONTH_LIMIT,
        EndReason.NUMBER_ALONE_LIMIT,
        EndReason.NUMBER_LIMIT,
        EndReason.SERVICE_LIMIT,
    }
)
"""A spending limit, not the credit, kept a talk from beginning or going on."""


class NoPayer(StrEnum):
    """Why a free call earned nothing: the zero line's reason."""

    CALLER_UNKNOWN = "caller-unknown"
    CALLER_SILENT = "caller-silent"
    EXPERT_SILENT = "expert-silent"


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of paid talk in Asterisk's ms since the epoch; `end_ms` None: still on."""

    start_ms: int
    end_ms: int | None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened in a call. `detail` holds no digits, PINs or whole numbers."""

    at_ms: int
    what: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reception:
    """What is known once a call's numbers were looked up; `number` None: not ours, or closed."""

    number: ServedNumber | None
    caller: Identified | None


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that a restarted process finds not yet settled."""

    call_id: UUID
    state: str
    caller_channel: str
    expert_channel: str | None
    talk_bridge: str | None
    number: ServedNumber | None
    expert: ExpertChoice | None
    account_id: UUID | None
    language: str
    quote: Quote | None
    grant: Grant | None
    intervals: tuple[Interval, ...]
    free_from_ms: int | None
    received_at: datetime
    last_seen_at: datetime
    premium: PremiumPlan | None = None
    answered_ms: int | None = None
    talk_from_ms: int | None = None
    """When the present stretch of talk began."""
    closed_intervals: int = 0
    """How many of the paid intervals belong to segments that are closed."""
    closed_seconds: int = 0
    """What was billed in those."""
    free_ms: int = 0
    """Free talk before the present stretch."""


@dataclass(frozen=True, slots=True)
class CelRow:
    """A line of Asterisk's own record. `at_us`: microseconds since the epoch.

    `extra` is the EventExtra field, read as JSON ({} if empty); bridge events carry `bridge_id`.
    """

    event: str
    at_us: int
    channel_id: str
    linked_id: str
    extra: dict[str, Any]
