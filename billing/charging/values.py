"""Grants, quotes and what a settlement says: RFC 8506's words as frozen values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from billing.charging.premium.values import PremiumOutcome
from billing.money.values import Money
from billing.shares.values import ShareRule, Split
from billing.tariffs.values import Tariff


class Refusal(StrEnum):
    """Why no talk was granted."""

    CREDIT_TOO_LOW = "credit-too-low"
    CURRENCY = "currency"
    EXPERT_BUSY = "expert-busy"
    EXPERT_NOT_CHECKED = "expert-not-checked"
    LIMIT_REACHED = "limit-reached"
    CALL_LIMIT = "call-limit-reached"
    DAY_LIMIT = "day-limit-reached"
    MONTH_LIMIT = "month-limit-reached"
    NUMBER_ALONE_LIMIT = "number-alone-limit-reached"
    NUMBER_LIMIT = "number-limit-reached"
    SERVICE_LIMIT = "service-limit-reached"
    MAXIMUM_REACHED = "maximum-reached"
    NO_ACT = "no-act"
    NO_TARIFF = "no-tariff"
    TERMS_NOT_ACCEPTED = "terms-not-accepted"


@dataclass(frozen=True, slots=True)
class Quote:
    """What is announced before any charge; tariff and shares are frozen into the call by it.

    `affordable_seconds` is what the whole available credit buys (at most the tariff's maximum).
    `price_known`: this caller accepted this very tariff version with this expert before, so the
    price may be skipped with `#`.
    """

    tariff: Tariff
    share_rule: ShareRule
    available: Money
    affordable_seconds: int
    price_known: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """No (further) talk, and why."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Grant:
    """The state of a charging session after an `initial` or `update` request.

    `granted_seconds` counts from the start of paid time, over all grants. `end_seconds` is where
    credit, limits or the tariff end the talk as known now (it may be beyond `granted_seconds`
    while `final` is false; equals it when final). `held` is the sum of all open holds. `limit`: it
    is final for this spending limit, not for want of credit.
    """

    request_number: int
    granted_seconds: int
    end_seconds: int
    final: bool
    held: Money
    limit: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a call ended in money. `used_seconds` were talked, `billed_seconds` charged for."""

    call_id: UUID
    reason: str
    used_seconds: int
    billed_seconds: int
    overrun_ms: int
    split: Split | None
    wallet_available: Money | None
    settled_at: datetime
    premium: PremiumOutcome | None = None
    """What is expected of the carrier where it bills the caller; then nothing is charged by us."""

    @property
    def charge(self) -> Money | None:
        """What the caller paid; None where nobody was to pay."""
        return self.split.charge if self.split else None
