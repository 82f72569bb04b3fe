"""Disputes as frozen values."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from billing.money.values import Money


class DisputeState(StrEnum):
    """How far a dispute is."""

    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"


class Outcome(StrEnum):
    """How a dispute may end."""

    UPHELD = "upheld"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Dispute:
    """A contested call. `claim_by` and `answer_by` None: the country's rules set no such day.

    `returned` is what went back to who paid, the caller or his carrier; None: no money moved.
    """

    dispute_id: UUID
    call_id: UUID
    state: DisputeState
    reason: str
    country: str | None
    claim_by: date | None
    answer_by: date | None
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    note: str | None
    returned: Money | None
    version: int


@dataclass(frozen=True, slots=True)
class Returning:
    """What goes back to or from one account of the ledger; `amount` is above zero."""

    account_id: UUID
    kind: str
    amount: Money
    to_account: bool


@dataclass(frozen=True, slots=True)
class Borne:
    """What went back to who paid, and what each party gave of it: `tax + expert + platform`."""

    amount: int
    tax: int
    expert: int
    platform: int
