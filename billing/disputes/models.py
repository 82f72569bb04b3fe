"""Rows of disputes: calls whose bill somebody contests."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.calls.models import CallRow
from billing.kit.database import Base


class DisputeRow(Base):
    """One call contested once. After a rejection it may be contested again, by another row."""

    __tablename__ = "disputes"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'upheld', 'rejected')", name="state"),
        CheckConstraint(
            "(state = 'open') = (closed_at IS NULL) AND (state = 'open') = (note IS NULL)",
            name="closed",
        ),
        CheckConstraint(
            "returned >= 0 AND (returned = 0 OR state = 'upheld' AND currency IS NOT NULL)",
            name="returned",
        ),
        Index(None, "call_id"),
        Index(
            "uq_disputes_standing",
            "call_id",
            unique=True,
            postgresql_where=text("state <> 'rejected'"),
        ),
        Index("ix_disputes_open", "answer_by", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, comment="UUIDv7")
    call_id: Mapped[UUID] = mapped_column(ForeignKey(CallRow.id))
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(comment="why the call is contested, in words")
    country: Mapped[str | None] = mapped_column(String(2), comment="whose rules set the dates")
    claim_by: Mapped[date | None] = mapped_column(comment="the last day to claim; null: none")
    answer_by: Mapped[date | None] = mapped_column(comment="the last day to answer, likewise")
    opened_at: Mapped[datetime]
    opened_by: Mapped[str]
    closed_at: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(comment="why it was upheld or rejected, in words")
    currency: Mapped[str | None] = mapped_column(String(3))
    returned: Mapped[int] = mapped_column(
        server_default=text("0"), comment="ledger units that went back, once"
    )
    version: Mapped[int] = mapped_column(server_default=text("1"))
