"""Rows of the ledger: double entry in two phases, only ever added to.

A balance is credits minus debits. Only wallets keep running sums; every other balance is a sum
over an index. What PostgreSQL itself enforces beyond the constraints here (rows are only added, a
hold is posted and voided for no more than it is, what came into clearing for a call went out
again) are triggers in the migrations.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from billing.kit.database import Base


class LedgerAccount(Base):
    """One account of the ledger, in one currency."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        UniqueConstraint("kind", "owner", "currency", postgresql_nulls_not_distinct=True),
        UniqueConstraint("id", "currency"),
        CheckConstraint(
            "kind IN ('wallet', 'clearing', 'expert-payable', 'platform-revenue', 'tax', 'cash',"
            " 'vouchers-issued', 'goodwill', 'carrier-expected', 'carrier-due',"
            " 'expert-expected', 'platform-expected')",
            name="kind",
        ),
        CheckConstraint(
            "(kind IN ('wallet', 'expert-payable', 'carrier-expected', 'carrier-due',"
            " 'expert-expected')) = (owner IS NOT NULL)",
            name="owner",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    owner: Mapped[UUID | None] = mapped_column(comment="the caller, expert or carrier it is for")
    currency: Mapped[str] = mapped_column(String(3))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Wallet(Base):
    """A caller's credit as running sums, which transfers must explain."""

    __tablename__ = "wallets"
    __table_args__ = (
        CheckConstraint("posted - pending >= floor", name="floor"),
        CheckConstraint("pending >= 0", name="pending"),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey(LedgerAccount.id), primary_key=True)
    posted: Mapped[int] = mapped_column(server_default=text("0"))
    pending: Mapped[int] = mapped_column(server_default=text("0"), comment="sum of open holds")
    floor: Mapped[int] = mapped_column(server_default=text("0"), comment="below 0: a credit line")
    version: Mapped[int] = mapped_column(
        server_default=text("0"), comment="raised when the available amount rises"
    )


class Transfer(Base):
    """Money moved or held: from the debited to the credited account."""

    __tablename__ = "transfers"
    __table_args__ = (
        ForeignKeyConstraint(["debit_id", "currency"], [LedgerAccount.id, LedgerAccount.currency]),
        ForeignKeyConstraint(["credit_id", "currency"], [LedgerAccount.id, LedgerAccount.currency]),
        UniqueConstraint("pending_id", "kind"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("debit_id <> credit_id", name="two_accounts"),
        CheckConstraint("kind IN ('single', 'pending', 'post', 'void')", name="kind"),
        CheckConstraint(
            "(kind IN ('post', 'void')) = (pending_id IS NOT NULL)", name="refers_to_pending"
        ),
        Index(None, "debit_id", "position"),
        Index(None, "credit_id", "position"),
        Index(None, "call_id", postgresql_where=text("call_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, comment="UUIDv5 of what it belongs to and its step: a retry hits the key"
    )
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    kind: Mapped[str] = mapped_column(
        comment="single: at once; pending: a hold; post, void: what became of a hold"
    )
    debit_id: Mapped[UUID]
    credit_id: Mapped[UUID]
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[int] = mapped_column(comment="ledger units: 1.00 EUR is 10000")
    pending_id: Mapped[UUID | None] = mapped_column(ForeignKey("transfers.id"))
    call_id: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(comment="e.g. hold, talk, released, tax, top-up")
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class SettlementRow(Base):
    """How a call ended in money: one row for each ended call, never changed."""

    __tablename__ = "settlements"
    __table_args__ = (
        Index(None, "settled_at"),
        CheckConstraint("charge = tax + expert + platform", name="parts"),
        CheckConstraint(
            "charge >= 0 AND tax >= 0 AND expert >= 0 AND platform >= 0", name="amounts"
        ),
        CheckConstraint("currency IS NOT NULL OR charge = 0", name="currency"),
        CheckConstraint(
            "used_seconds >= 0 AND billed_seconds BETWEEN 0 AND used_seconds AND overrun_ms >= 0",
            name="seconds",
        ),
    )

    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    reason: Mapped[str]
    no_payer: Mapped[str | None] = mapped_column(comment="why nobody was to pay")
    currency: Mapped[str | None] = mapped_column(String(3), comment="null: no price was quoted")
    charge: Mapped[int]
    tax: Mapped[int]
    expert: Mapped[int]
    platform: Mapped[int]
    used_seconds: Mapped[int]
    billed_seconds: Mapped[int]
    overrun_ms: Mapped[int] = mapped_column(comment="talk past the grant; the platform's loss")
    wallet_available: Mapped[int | None] = mapped_column(comment="as the caller was told it")
    settled_at: Mapped[datetime]


class RefundRow(Base):
    """What went back of an ended call's money, and from whom; never changed.

    An upheld dispute leaves one too. A part may be a unit below zero: the parts of all of a call's
    refunds together are exact, and the share rule may then ask a unit less of somebody than before.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        Index(None, "call_id"),
        CheckConstraint("amount = tax + expert + platform AND amount >= 0", name="parts"),
        CheckConstraint("borne_by IN ('shared', 'platform')", name="borne_by"),
        CheckConstraint("seconds > 0", name="seconds"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, comment="UUIDv7")
    call_id: Mapped[UUID] = mapped_column(ForeignKey(SettlementRow.call_id))
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[int] = mapped_column(
        comment="ledger units that went back to who paid; 0: his debt was written off before"
    )
    tax: Mapped[int]
    expert: Mapped[int]
    platform: Mapped[int]
    reason: Mapped[str] = mapped_column(comment="a code, e.g. service-fault, dispute-upheld")
    note: Mapped[str] = mapped_column(comment="why, in words")
    borne_by: Mapped[str] = mapped_column(comment="shared: all give; platform: the expert doesn't")
    seconds: Mapped[int | None] = mapped_column(comment="of talk; null: an amount was given back")
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class AdjustmentRow(Base):
    """Money that an operator moved by hand, to or from a caller or expert; never changed."""

    __tablename__ = "adjustments"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "currency"], [LedgerAccount.id, LedgerAccount.currency]
        ),
        Index(None, "account_id"),
        Index(None, "made_at"),
        CheckConstraint("kind IN ('adjustment', 'paid-back')", name="kind"),
        CheckConstraint("amount <> 0 AND (kind = 'adjustment' OR amount < 0)", name="amount"),
        CheckConstraint("note <> ''", name="note"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, comment="UUIDv7")
    kind: Mapped[str] = mapped_column(
        comment="adjustment: of the platform's goodwill; paid-back: credit left as cash"
    )
    transfer_id: Mapped[UUID] = mapped_column(ForeignKey(Transfer.id), unique=True)
    account_id: Mapped[UUID] = mapped_column(comment="the wallet, or what is payable to an expert")
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[int] = mapped_column(comment="ledger units; below 0: taken from the account")
    reason: Mapped[str] = mapped_column(comment="a code, e.g. goodwill, account-closed")
    note: Mapped[str] = mapped_column(comment="why, in words")
    made_by: Mapped[str]
    made_at: Mapped[datetime]
