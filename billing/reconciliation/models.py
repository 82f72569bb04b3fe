"""Rows of reconciliation: layouts, statements with their lines, what they say of our calls."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from billing.charging.premium.models import PremiumSettlement
from billing.kit.database import Base


class LayoutRow(Base):
    """How a carrier writes its statements."""

    __tablename__ = "statement_layouts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    name: Mapped[str] = mapped_column(unique=True)
    carrier: Mapped[str] = mapped_column(comment="the trunk's name")
    layout: Mapped[dict[str, Any]] = mapped_column(comment="all of it, as JSON")


class StatementRow(Base):
    """One file of a carrier's that was imported, once."""

    __tablename__ = "statements"
    __table_args__ = (
        UniqueConstraint("carrier", "file_hash"),
        CheckConstraint("kind IN ('per-call', 'aggregate')", name="kind"),
        CheckConstraint("non_payment IN ('platform', 'shared')", name="non_payment"),
        CheckConstraint("from_at < until", name="period"),
        CheckConstraint("(signed_off_at IS NULL) = (signed_off_by IS NULL)", name="signed_off"),
        Index(None, "imported_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    carrier: Mapped[str]
    kind: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))
    layout_id: Mapped[UUID] = mapped_column(ForeignKey(LayoutRow.id))
    layout: Mapped[dict[str, Any]] = mapped_column(comment="as it was when the file was read")
    non_payment: Mapped[str] = mapped_column(comment="who bears calls that are never paid")
    file_name: Mapped[str]
    file_hash: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the file")
    from_at: Mapped[datetime]
    until: Mapped[datetime] = mapped_column(comment="not included")
    imported_at: Mapped[datetime]
    imported_by: Mapped[str]
    signed_off_at: Mapped[datetime | None]
    signed_off_by: Mapped[str | None]


class StatementLine(Base):
    """One line of a statement, or (at the end) one call of ours that it doesn't have."""

    __tablename__ = "statement_lines"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('confirmed', 'corrected', 'unknown', 'repeated', 'missing')",
            name="outcome",
        ),
        CheckConstraint("amount >= 0 AND expected >= 0", name="amounts"),
        CheckConstraint("(file_line IS NULL) = (outcome = 'missing')", name="file_line"),
        Index(None, "statement_id", "outcome", "position"),
    )

    statement_id: Mapped[UUID] = mapped_column(ForeignKey(StatementRow.id), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    file_line: Mapped[int | None] = mapped_column(comment="null: no line of the file")
    number: Mapped[str]
    caller: Mapped[str | None] = mapped_column(comment="as the carrier has it, perhaps masked")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None] = mapped_column(comment="of a sum's period")
    seconds: Mapped[int | None]
    calls: Mapped[int | None] = mapped_column(comment="as the carrier counts them")
    carrier_id: Mapped[str | None]
    amount: Mapped[int] = mapped_column(comment="what the carrier lists; of a missing call 0")
    expected: Mapped[int]
    outcome: Mapped[str]
    within: Mapped[bool] = mapped_column(comment="differs by rounding only")


class StatementCall(Base):
    """What a line says of one call of ours, and whether its money has moved."""

    __tablename__ = "statement_calls"
    __table_args__ = (
        ForeignKeyConstraint(
            ["statement_id", "position"], [StatementLine.statement_id, StatementLine.position]
        ),
        CheckConstraint("amount = expert + platform", name="parts"),
        CheckConstraint("amount >= 0 AND expert >= 0", name="amounts"),
        CheckConstraint("listed OR amount = 0", name="missing"),
        Index("uq_statement_calls_listed", "call_id", unique=True, postgresql_where=text("listed")),
        Index(
            "uq_statement_calls_written_off",
            "call_id",
            unique=True,
            postgresql_where=text("NOT listed AND applied_at IS NOT NULL"),
        ),
        Index(None, "call_id"),
    )

    statement_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey(PremiumSettlement.call_id), primary_key=True)
    listed: Mapped[bool] = mapped_column(comment="false: the statement doesn't have the call")
    amount: Mapped[int] = mapped_column(comment="what the carrier pays for it")
    expert: Mapped[int]
    platform: Mapped[int] = mapped_column(comment="below 0: it pays the expert itself")
    applied_at: Mapped[datetime | None] = mapped_column(comment="when its money moved")
