"""Rows of premium-rate charging: a session without a wallet, what callers spend, how it ended."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.catalogue.models import Expert, Number, PremiumTermsRow
from billing.kit.database import Base
from billing.ledger.models import SettlementRow


class PremiumSession(Base):
    """One call's charging session where the carrier bills: what was frozen, and its cap."""

    __tablename__ = "premium_sessions"
    __table_args__ = (
        CheckConstraint("state IN ('opened', 'settled')", name="state"),
        CheckConstraint("cap_by IN ('seconds', 'amount')", name="cap_by"),
        CheckConstraint("cap_seconds > 0 AND held >= 0", name="cap"),
        CheckConstraint("(expert_id IS NULL) = (share IS NULL)", name="expert"),
    )

    session_id: Mapped[UUID] = mapped_column(primary_key=True, comment="the call's id")
    state: Mapped[str]
    number_id: Mapped[UUID] = mapped_column(ForeignKey(Number.id))
    terms_id: Mapped[UUID] = mapped_column(ForeignKey(PremiumTermsRow.id))
    terms: Mapped[dict[str, Any]] = mapped_column(comment="the terms, in full")
    rules: Mapped[dict[str, Any]] = mapped_column(comment="the rule set for this call, in full")
    expert_id: Mapped[UUID | None] = mapped_column(ForeignKey(Expert.id))
    share: Mapped[dict[str, Any] | None] = mapped_column(comment="the share rule, in full")
    caller_number: Mapped[str | None] = mapped_column(comment="whose day and month this counts in")
    limits: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB, comment="day and month caps that it counts under"
    )
    cap_seconds: Mapped[int] = mapped_column(comment="from the caller's answer")
    cap_by: Mapped[str] = mapped_column(comment="whether time or money ends it there")
    held: Mapped[int] = mapped_column(comment="retail price of cap_seconds, held under the caps")
    began_at: Mapped[datetime]


class PremiumSpending(Base):
    """What one caller number spent and may yet spend at premium rate in a day or month."""

    __tablename__ = "premium_spendings"
    __table_args__ = (
        CheckConstraint("period IN ('day', 'month')", name="period"),
        CheckConstraint("posted >= 0 AND pending >= 0", name="amounts"),
    )

    caller_number: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    began_on: Mapped[str] = mapped_column(
        primary_key=True, comment="2026-11-22 or 2026-11, in the number's time zone"
    )
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    posted: Mapped[int] = mapped_column(server_default=text("0"))
    pending: Mapped[int] = mapped_column(server_default=text("0"))


class PremiumSettlement(Base):
    """What a premium-rate call came to: beside its settlement, written with it, never changed."""

    __tablename__ = "premium_settlements"
    __table_args__ = (
        CheckConstraint("outpayment = expert + platform", name="parts"),
        CheckConstraint("retail >= 0 AND expert >= 0 AND platform >= 0", name="amounts"),
        CheckConstraint(
            "(answered_ms IS NULL) = (released_ms IS NULL)"
            " AND (answered_ms IS NULL) = (metered_seconds = 0)",
            name="meter",
        ),
        Index(None, "carrier", "answered_ms"),
    )

    call_id: Mapped[UUID] = mapped_column(ForeignKey(SettlementRow.call_id), primary_key=True)
    carrier: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))
    answered_ms: Mapped[int | None] = mapped_column(comment="null: never answered")
    released_ms: Mapped[int | None]
    metered_seconds: Mapped[int] = mapped_column(comment="the carrier's meter, as we expect it")
    retail: Mapped[int] = mapped_column(comment="what the caller pays his phone company")
    outpayment: Mapped[int] = mapped_column(comment="what the carrier is expected to pay us")
    expert: Mapped[int]
    platform: Mapped[int]
