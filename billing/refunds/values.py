"""Refunds as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from billing.money.values import Money
from billing.shares.values import Split


class RefundReason(StrEnum):
    """Why money of a call goes back."""

    EXPERT_FAULT = "expert-fault"
    SERVICE_FAULT = "service-fault"
    WRONG_CHARGE = "wrong-charge"
    GOODWILL = "goodwill"
    OTHER = "other"
    DISPUTE_UPHELD = "dispute-upheld"


class BorneBy(StrEnum):
    """Who gives: everybody in proportion to what he got, or the platform for the expert too."""

    SHARED = "shared"
    PLATFORM = "platform"


BEARERS: Final[Mapping[RefundReason, BorneBy]] = {
    RefundReason.EXPERT_FAULT: BorneBy.SHARED,
    RefundReason.SERVICE_FAULT: BorneBy.PLATFORM,
    RefundReason.WRONG_CHARGE: BorneBy.SHARED,
    RefundReason.GOODWILL: BorneBy.PLATFORM,
    RefundReason.OTHER: BorneBy.SHARED,
}
"""Who gives unless it is said; a refund of a dispute is made by upholding that."""


@dataclass(frozen=True, slots=True)
class Refund:
    """Money of a call that went back. `parts` are who gave how much of it, in ledger units.

    `seconds` None: an amount was asked for.
    """

    refund_id: UUID
    call_id: UUID
    amount: Money
    parts: Split
    reason: RefundReason
    note: str
    borne_by: BorneBy
    seconds: int | None
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Refunded:
    """A refund made, now (`new`) or under the same key before.

    `available` is the caller's credit right after it, `left` what of the call could still go back.
    """

    refund: Refund
    available: Money
    left: Money
    new: bool
