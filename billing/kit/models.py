"""Rows of no single noun: what people changed, and writes that must not happen twice."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.kit.database import Base


class AuditEntry(Base):
    """One change that a person made. Rows are only added."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index(None, "subject", "subject_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(comment="who, e.g. the operating system's user name")
    action: Mapped[str] = mapped_column(comment="what was done, e.g. tariff-added")
    subject: Mapped[str] = mapped_column(comment="the kind of thing changed, e.g. tariff")
    subject_id: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(comment="the values set; never a PIN or secret")


class IdempotencyKey(Base):
    """A write already done under a key its sender chose, and the answer he got."""

    __tablename__ = "idempotency_keys"

    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str] = mapped_column(comment="SHA-256 of what was asked under the key")
    answer: Mapped[dict[str, Any] | None] = mapped_column(comment="null only inside a transaction")
    created_at: Mapped[datetime]


class InstallationRow(Base):
    """Who we are: one row. A restored copy gets another id, so that it isn't its original."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("single = 1", name="single"),)

    single: Mapped[int] = mapped_column(primary_key=True, server_default=text("1"))
    id: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    restored_from: Mapped[UUID | None] = mapped_column(comment="the id of the copy's original")
    restored_at: Mapped[datetime | None]


class AsteriskClaimRow(Base):
    """Which process acts on the Asterisk of a name: one row a name, with a lease."""

    __tablename__ = "asterisk_claims"

    asterisk_id: Mapped[str] = mapped_column(primary_key=True, comment="PRIMELINE_ASTERISK_ID")
    asterisk: Mapped[UUID] = mapped_column(comment="the running Asterisk; its restart changes it")
    holder: Mapped[UUID] = mapped_column(comment="the process; a new one for each start")
    renewed_at: Mapped[datetime | None] = mapped_column(comment="null: let go of in good order")
    renewals: Mapped[int] = mapped_column(server_default=text("0"), comment="since it was taken")
