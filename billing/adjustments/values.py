"""Adjustments as frozen values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from billing.money.values import Money

LARGEST_MINOR: Final = 100_000_000
"""The most that one adjustment moves, a million: beyond it a digit was typed too much."""


class AdjustmentKind(StrEnum):
    """What became of the money: given or taken by the platform, or paid out to a caller."""

    ADJUSTMENT = "adjustment"
    PAID_BACK = "paid-back"


class AdjustmentReason(StrEnum):
    """Why an operator moves money by hand; `asked-for` and `account-closed` are of pay-backs."""

    CORRECTION = "correction"
    GOODWILL = "goodwill"
    BONUS = "bonus"
    FRAUD = "fraud"
    ASKED_FOR = "asked-for"
    ACCOUNT_CLOSED = "account-closed"
    OTHER = "other"


PAY_BACK_REASONS: Final = frozenset(
    {
        AdjustmentReason.CORRECTION,
        AdjustmentReason.ASKED_FOR,
        AdjustmentReason.ACCOUNT_CLOSED,
        AdjustmentReason.OTHER,
    }
)
ADJUSTMENT_REASONS: Final = frozenset(AdjustmentReason) - {
    AdjustmentReason.ASKED_FOR,
    AdjustmentReason.ACCOUNT_CLOSED,
}


@dataclass(frozen=True, slots=True)
class Why:
    """Why money is moved by hand, as a code and in words, and by whom."""

    reason: AdjustmentReason
    note: str
    by: str


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Money moved by hand. `amount` above zero: credited to the caller or expert.

    One of `caller_id` and `expert_id` is given.
    """

    adjustment_id: UUID
    kind: AdjustmentKind
    caller_id: UUID | None
    expert_id: UUID | None
    amount: Money
    reason: AdjustmentReason
    note: str
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Adjusted:
    """An adjustment made, now (`new`) or under the same key before.

    `left` is right after it what the caller could spend, or what was payable to the expert.
    """

    adjustment: Adjustment
    left: Money
    new: bool
