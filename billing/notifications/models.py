"""Rows of messages to people."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from billing.kit.database import Base


class Notification(Base):
    """A short text to somebody's phone, written in the transaction that causes it."""

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'sent', 'failed')", name="state"),
        CheckConstraint("(state = 'queued') = (closed_at IS NULL)", name="closed"),
        Index(None, "queued_at", postgresql_where=sql("state = 'queued'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True, comment="what it is about; one message for each")
    to_e164: Mapped[str]
    text: Mapped[str] = mapped_column(comment="never a PIN, a code or a secret")
    state: Mapped[str]
    tries: Mapped[int] = mapped_column(server_default=sql("0"))
    queued_at: Mapped[datetime]
    closed_at: Mapped[datetime | None] = mapped_column(comment="sent, or given up")
    provider_id: Mapped[str | None] = mapped_column(comment="the message's id at the service")
    failure: Mapped[str | None]
