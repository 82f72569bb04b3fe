"""Rows of API keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from billing.kit.database import Base


class ApiKeyRow(Base):
    """A key of the API. Rows stay when keys are revoked: the audit log names them."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint(
            "scopes <@ ARRAY['read', 'manage', 'money', 'calls', 'admin']::varchar[]"
            " AND cardinality(scopes) > 0",
            name="scopes",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True, comment="who did it, in the audit log")
    prefix: Mapped[str] = mapped_column(unique=True, comment="the public beginning of the key")
    secret_hash: Mapped[str] = mapped_column(comment="SHA-256; the key itself is kept nowhere")
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String))
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None] = mapped_column(comment="to the minute")
    version: Mapped[int] = mapped_column(server_default=text("1"))
