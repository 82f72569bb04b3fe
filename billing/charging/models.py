"""Rows of charging: one session for each call of a known caller, and its grants."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.accounts.models import CallerAccount
from billing.catalogue.models import Expert, Number
from billing.kit.database import Base
from billing.ledger.models import Transfer
from billing.tariffs.models import TariffVersion


class ChargingSession(Base):
    """One call's account with us (RFC 8506): who pays, and what was quoted and is frozen for it.

    A quote for another expert, after the first was released, replaces what is frozen.
    """

    __tablename__ = "charging_sessions"
    __table_args__ = (
        CheckConstraint("state IN ('opened', 'quoted', 'granted', 'settled')", name="state"),
        CheckConstraint(
            "num_nulls(expert_id, number_id, tariff_version_id, tariff, share, quoted_at) IN (0, 6)"
            " AND (state NOT IN ('quoted', 'granted') OR tariff IS NOT NULL)",
            name="quoted",
        ),
        Index(None, "account_id", "expert_id", "tariff_version_id"),
    )

    session_id: Mapped[UUID] = mapped_column(primary_key=True, comment="the call's id")
    state: Mapped[str]
    account_id: Mapped[UUID] = mapped_column(ForeignKey(CallerAccount.id))
    number_alone: Mapped[bool] = mapped_column(comment="the caller proved himself by number only")
    began_at: Mapped[datetime] = mapped_column(comment="decides the day its spending counts on")
    expert_id: Mapped[UUID | None] = mapped_column(ForeignKey(Expert.id))
    number_id: Mapped[UUID | None] = mapped_column(ForeignKey(Number.id))
    tariff_version_id: Mapped[UUID | None] = mapped_column(ForeignKey(TariffVersion.id))
    tariff: Mapped[dict[str, Any] | None] = mapped_column(comment="the version announced, in full")
    share: Mapped[dict[str, Any] | None] = mapped_column(comment="the share rule, in full")
    limits: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB, comment="spending limits that its holds count under, as of the quote"
    )
    segment: Mapped[int] = mapped_column(
        server_default=text("0"), comment="raised when its holds are let go, or it is closed"
    )
    quoted_at: Mapped[datetime | None]


class SpendingLimitRow(Base):
    """What the operator lets callers spend in one currency, in all or on one number of ours.

    Amounts are ledger units; null: no such limit.
    """

    __tablename__ = "spending_limits"
    __table_args__ = (
        UniqueConstraint("number_id", "currency", postgresql_nulls_not_distinct=True),
        CheckConstraint(
            "per_call >= 0 AND per_caller_day >= 0 AND per_caller_month >= 0 AND per_day >= 0",
            name="amounts",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number_id: Mapped[UUID | None] = mapped_column(
        ForeignKey(Number.id), comment="null: the operator's, for all of his numbers"
    )
    currency: Mapped[str] = mapped_column(String(3))
    per_call: Mapped[int | None]
    per_caller_day: Mapped[int | None]
    per_caller_month: Mapped[int | None]
    per_day: Mapped[int | None] = mapped_column(comment="all callers together")
    time_zone: Mapped[str] = mapped_column(comment="whose days and months it counts by")
    version: Mapped[int] = mapped_column(server_default=text("1"))


class ClosedSegmentRow(Base):
    """A segment that ended in mid-call, with its money; the last one's is in the settlement."""

    __tablename__ = "closed_segments"
    __table_args__ = (
        CheckConstraint("charge = tax + expert + platform AND charge >= 0", name="parts"),
        CheckConstraint("billed_seconds = least(used_seconds, granted_seconds)", name="billed"),
    )

    session_id: Mapped[UUID] = mapped_column(
        ForeignKey(ChargingSession.session_id), primary_key=True
    )
    segment: Mapped[int] = mapped_column(primary_key=True)
    tariff_version_id: Mapped[UUID] = mapped_column(ForeignKey(TariffVersion.id))
    tariff: Mapped[dict[str, Any]] = mapped_column(comment="the version announced, in full")
    share: Mapped[dict[str, Any]] = mapped_column(comment="the share rule, in full")
    consented_at_ms: Mapped[int | None] = mapped_column(comment="the caller's key, Asterisk's ms")
    until_ms: Mapped[int] = mapped_column(comment="the end of its paid time, Asterisk's ms")
    last_interval: Mapped[int] = mapped_column(comment="position of its last paid interval")
    granted_seconds: Mapped[int] = mapped_column(comment="from its own start, in all")
    used_seconds: Mapped[int]
    billed_seconds: Mapped[int]
    overrun_ms: Mapped[int]
    charge: Mapped[int]
    tax: Mapped[int]
    expert: Mapped[int]
    platform: Mapped[int]
    closed_at: Mapped[datetime]


class GrantRow(Base):
    """One answer to an `initial` or `update` request; the key makes a repeat harmless."""

    __tablename__ = "grants"
    __table_args__ = (
        CheckConstraint("amount >= 0 AND granted_seconds >= 0", name="amounts"),
        CheckConstraint("(amount = 0) = (transfer_id IS NULL)", name="transfer"),
    )

    session_id: Mapped[UUID] = mapped_column(
        ForeignKey(ChargingSession.session_id), primary_key=True
    )
    request_number: Mapped[int] = mapped_column(primary_key=True)
    segment: Mapped[int]
    used_seconds: Mapped[int] = mapped_column(comment="talked so far, as the request said")
    granted_seconds: Mapped[int] = mapped_column(comment="from the start of paid time, in all")
    end_seconds: Mapped[int] = mapped_column(comment="where money or tariff end the talk")
    final: Mapped[bool]
    amount: Mapped[int] = mapped_column(comment="held by this request; 0: nothing to hold")
    held: Mapped[int] = mapped_column(comment="all open holds of the session after it")
    limit_reached: Mapped[str | None] = mapped_column(
        comment="the spending limit that makes it final; null: credit or tariff, or not final"
    )
    transfer_id: Mapped[UUID | None] = mapped_column(ForeignKey(Transfer.id), unique=True)
    at: Mapped[datetime]
