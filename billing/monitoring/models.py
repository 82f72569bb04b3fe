"""Rows about Asterisk, its trunks and phones, strangers at its door, and alarms."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from billing.kit.database import Base
from billing.monitoring.values import (
    AsteriskCondition,
    EndpointCondition,
    EndpointKind,
)


def _one_of(
    column: str, words: type[EndpointKind | EndpointCondition | AsteriskCondition]
) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class AlarmRow(Base):
    """Something wrong. One of a kind and subject is open at a time."""

    __tablename__ = "alarms"
    __table_args__ = (
        Index(
            "uq_alarms_open",
            "kind",
            "subject",
            unique=True,
            postgresql_where=sql("cleared_at IS NULL"),
        ),
        Index(None, "raised_at"),
        CheckConstraint(
            "(acknowledged_at IS NULL) = (acknowledged_by IS NULL)", name="acknowledged"
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(comment="an `AlarmKind`; new ones need no migration")
    subject: Mapped[str] = mapped_column(comment="what it is about: a trunk, an Asterisk, a source")
    detail: Mapped[str] = mapped_column(comment="a sentence for a person")
    raised_at: Mapped[datetime]
    seen_at: Mapped[datetime] = mapped_column(comment="when it was found the last time")
    times: Mapped[int] = mapped_column(server_default=sql("1"), comment="how often it was found")
    cleared_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None] = mapped_column(
        comment="when somebody said that he has seen it; null again once it says something new"
    )
    acknowledged_by: Mapped[str | None]


class AsteriskStateRow(Base):
    """How each Asterisk looks to its monitor."""

    __tablename__ = "asterisk_states"
    __table_args__ = (_one_of("condition", AsteriskCondition),)

    asterisk_id: Mapped[str] = mapped_column(primary_key=True)
    condition: Mapped[str]
    since: Mapped[datetime]
    started_at: Mapped[datetime | None] = mapped_column(comment="by Asterisk's own clock")
    seen_at: Mapped[datetime] = mapped_column(comment="the monitor's last sign of life")


class EndpointStateRow(Base):
    """How trunks, registrations and phones are, as Asterisk told."""

    __tablename__ = "endpoint_states"
    __table_args__ = (_one_of("kind", EndpointKind), _one_of("condition", EndpointCondition))

    asterisk_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    condition: Mapped[str]
    since: Mapped[datetime]


class SecurityCountRow(Base):
    """Refused logins and the like, counted by minute, kind and source; bounded and trimmed."""

    __tablename__ = "security_events"

    asterisk_id: Mapped[str] = mapped_column(primary_key=True)
    minute: Mapped[datetime] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(primary_key=True, comment="Asterisk's name for it")
    source: Mapped[str] = mapped_column(
        primary_key=True, comment="an IP address; 'others' beyond the most that are told apart"
    )
    account: Mapped[str] = mapped_column(comment="the last name that was tried")
    times: Mapped[int]
