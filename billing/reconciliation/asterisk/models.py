"""Comparisons with Asterisk's record, as they came out."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.kit.database import Base


class ReconciliationRow(Base):
    """One comparison of a period's calls, or of one call."""

    __tablename__ = "reconciliations"
    __table_args__ = (
        CheckConstraint("first_at < until", name="period"),
        Index(None, "compared_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, comment="UUIDv7")
    first_at: Mapped[datetime] = mapped_column(comment="calls received since were compared")
    until: Mapped[datetime] = mapped_column(comment="and before this moment")
    call_id: Mapped[UUID | None] = mapped_column(comment="the only call that was compared")
    compared_at: Mapped[datetime]
    compared_by: Mapped[str] = mapped_column(comment="worker: each night")
    calls: Mapped[int] = mapped_column(Integer)
    unexplained: Mapped[int] = mapped_column(Integer)
    causes: Mapped[dict[str, int]] = mapped_column(
        JSONB, comment="how many differences of each cause, those too many to be listed too"
    )
    kept_from: Mapped[datetime | None] = mapped_column(
        comment="since when the record was kept; null: nothing of it was deleted yet"
    )


class DifferenceRow(Base):
    """A difference that a comparison found."""

    __tablename__ = "reconciliation_differences"

    reconciliation_id: Mapped[UUID] = mapped_column(
        ForeignKey(ReconciliationRow.id, ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    call_id: Mapped[UUID] = mapped_column(comment="may be none of our calls")
    received_at: Mapped[datetime]
    what: Mapped[str]
    ours: Mapped[int | None] = mapped_column(
        comment="ms; of a charge ledger units; null: nothing is known"
    )
    asterisks: Mapped[int | None] = mapped_column(comment="in the same units")
    off_ms: Mapped[int]
    cause: Mapped[str]
    sentence: Mapped[str]
