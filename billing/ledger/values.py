"""The ledger's words as frozen values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID, uuid5

from billing.money.values import Money

_ACCOUNTS = UUID("c0a1b7c2-44a5-5d6e-9a43-2f1f0f5f9f5b")
"""The namespace of ledger account ids. Changing it would split every account in two."""


class AccountKind(StrEnum):
    """What a ledger account is for. A balance is credits minus debits."""

    WALLET = "wallet"
    CLEARING = "clearing"
    EXPERT_PAYABLE = "expert-payable"
    PLATFORM_REVENUE = "platform-revenue"
    TAX = "tax"
    CASH = "cash"
    CARRIER_EXPECTED = "carrier-expected"
    CARRIER_DUE = "carrier-due"
    EXPERT_EXPECTED = "expert-expected"
    PLATFORM_EXPECTED = "platform-expected"
    VOUCHERS_ISSUED = "vouchers-issued"
    GOODWILL = "goodwill"


def account_id(kind: AccountKind, currency: str, owner: UUID | None = None) -> UUID:
    """Name the account of a kind, currency and owner: no look-up is needed to pay into it."""
    return uuid5(_ACCOUNTS, f"{kind}:{currency}:{owner or ''}")


@dataclass(frozen=True, slots=True)
class Move:
    """A transfer to be written. `pending_id`: the hold that a post or void resolves."""

    id: UUID
    kind: Literal["single", "pending", "post", "void"]
    debit: UUID
    credit: UUID
    amount: Money
    reason: str
    call_id: UUID | None = None
    pending_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """A transfer as people read it, with the kinds of both accounts."""

    position: int
    kind: str
    debit: str
    credit: str
    amount: Money
    reason: str
    call_id: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """One step of an account's balance: `amount` signed, `balance` after it, holds left out."""

    line: LedgerLine
    amount: Money
    balance: Money


@dataclass(frozen=True, slots=True)
class WalletState:
    """A wallet as read: `available` ledger units may be held (posted less pending and floor)."""

    available: int
    version: int
