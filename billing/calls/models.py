"""Rows of calls: what must still be true after a crash, and Asterisk's own record."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from billing.accounts.models import CallerAccount
from billing.catalogue.models import Expert, ExpertPhone, Number
from billing.kit.database import Base


class CallRow(Base):
    """One call, from reception to settlement."""

    __tablename__ = "calls"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (reason IS NULL)", name="ended"),
        Index("ix_calls_open", "asterisk_id", postgresql_where=text("ended_at IS NULL")),
        Index(None, "received_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, comment="UUIDv7")
    asterisk_id: Mapped[str]
    caller_channel: Mapped[str] = mapped_column(comment="Asterisk's unique id of the caller's leg")
    expert_channel: Mapped[str | None] = mapped_column(comment="of the last expert's leg dialled")
    state: Mapped[str]
    state_since: Mapped[datetime] = mapped_column(
        server_default=func.now(), comment="kept by a trigger"
    )
    dialled: Mapped[str]
    caller_number: Mapped[str | None] = mapped_column(comment="E.164; null: withheld or unusable")
    trunk: Mapped[str | None]
    trunk_trusted: Mapped[bool]
    number_id: Mapped[UUID | None] = mapped_column(ForeignKey(Number.id))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey(CallerAccount.id))
    number_alone: Mapped[bool] = mapped_column(comment="no PIN was needed of this caller")
    expert_id: Mapped[UUID | None] = mapped_column(ForeignKey(Expert.id))
    language: Mapped[str]
    talk_bridge: Mapped[str | None] = mapped_column(comment="the present stretch's bridge")
    received_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None] = mapped_column(comment="the expert's key")
    consented_at_ms: Mapped[int | None] = mapped_column(comment="the caller's key, Asterisk's ms")
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    last_seen_at: Mapped[datetime] = mapped_column(comment="heartbeat of the process that has it")


class DialAttempt(Base):
    """One ringing of one phone of an expert."""

    __tablename__ = "dial_attempts"

    call_id: Mapped[UUID] = mapped_column(ForeignKey(CallRow.id), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    phone_id: Mapped[UUID] = mapped_column(ForeignKey(ExpertPhone.id))
    channel_id: Mapped[str]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    result: Mapped[str | None]


class TalkStretch(Base):
    """A stretch of talk and its bridge, written before the legs are joined and when they are."""

    __tablename__ = "talk_stretches"

    call_id: Mapped[UUID] = mapped_column(ForeignKey(CallRow.id), primary_key=True)
    bridge: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, Identity())
    paid: Mapped[bool]
    start_ms: Mapped[int | None] = mapped_column(comment="null: the legs were never seen joined")
    end_ms: Mapped[int | None]
    written_at: Mapped[datetime]


class PaidInterval(Base):
    """A stretch of paid talk as it was billed; written once, by the settlement."""

    __tablename__ = "paid_intervals"
    __table_args__ = (CheckConstraint("end_ms >= start_ms", name="order"),)

    call_id: Mapped[UUID] = mapped_column(ForeignKey(CallRow.id), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    start_ms: Mapped[int]
    end_ms: Mapped[int]


class TimelineRow(Base):
    """One thing that happened in a call."""

    __tablename__ = "timeline_entries"
    __table_args__ = (Index(None, "call_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey(CallRow.id))
    at_ms: Mapped[int]
    what: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(comment="no digits, PINs or whole numbers")


class RestartRow(Base):
    """A moment at which the call application found calls that nobody carried."""

    __tablename__ = "restarts"

    id: Mapped[UUID] = mapped_column(primary_key=True, comment="UUIDv7")
    asterisk_id: Mapped[str]
    cause: Mapped[str]
    found_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(comment="the newest sign of life of its calls")


class RestartCallRow(Base):
    """A call that was found, what was done with it, and the most of it that nothing proves."""

    __tablename__ = "restart_calls"
    __table_args__ = (
        CheckConstraint("most_lost_ms >= 0 AND most_lost >= 0", name="most"),
        Index(None, "call_id"),
    )

    restart_id: Mapped[UUID] = mapped_column(ForeignKey(RestartRow.id), primary_key=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey(CallRow.id), primary_key=True)
    state: Mapped[str] = mapped_column(comment="in which it was found")
    outcome: Mapped[str]
    most_lost_ms: Mapped[int]
    most_lost: Mapped[int] = mapped_column(comment="of the money held then, ledger units")
    currency: Mapped[str | None]


class CallOrder(Base):
    """What somebody outside a call wants done to it, by a deadline. At most one open of a kind."""

    __tablename__ = "call_orders"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('end-call', 'propose-paid', 'propose-act', 'back-to-free', 'free-minutes')",
            name="kind",
        ),
        CheckConstraint("state IN ('asked', 'taken', 'done', 'expired')", name="state"),
        CheckConstraint("(state IN ('done', 'expired')) = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("(state = 'done') = (result IS NOT NULL)", name="result"),
        Index(
            "uq_call_orders_open",
            "call_id",
            "kind",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(None, "call_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, comment="UUIDv7")
    call_id: Mapped[UUID] = mapped_column(ForeignKey(CallRow.id))
    kind: Mapped[str]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    deadline: Mapped[datetime]
    state: Mapped[str]
    taken_at: Mapped[datetime | None] = mapped_column(comment="by the process that has the call")
    closed_at: Mapped[datetime | None]
    result: Mapped[str | None] = mapped_column(comment="what came of it, or why the call ended")


class LineSession(Base):
    """A call's time on a self-service line; the row says that it was taken, once."""

    __tablename__ = "line_sessions"
    __table_args__ = (
        CheckConstraint("line IN ('account-line', 'expert-line')", name="line"),
        CheckConstraint("(ended_at IS NULL) = (result IS NULL)", name="ended"),
    )

    call_id: Mapped[UUID] = mapped_column(ForeignKey(CallRow.id), primary_key=True)
    line: Mapped[str]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    result: Mapped[str | None] = mapped_column(comment="e.g. done, pin-wrong, hung-up")


class CelRecord(Base):
    """One line of Asterisk's own record (channel event logging)."""

    __tablename__ = "cel_records"
    __table_args__ = (
        UniqueConstraint(
            "channel_id", "at_us", "event", "bridge_id", postgresql_nulls_not_distinct=True
        ),
        Index(None, "linked_id"),
        # Lines come in the order of their times, more or less: small, and costs nothing to keep.
        Index(None, "at_us", postgresql_using="brin"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    event: Mapped[str] = mapped_column(comment="CHAN_START, BRIDGE_ENTER, …; never DTMF")
    at_us: Mapped[int] = mapped_column(comment="microseconds since the epoch")
    channel_id: Mapped[str]
    linked_id: Mapped[str]
    bridge_id: Mapped[str | None]
    extra: Mapped[dict[str, Any]]


class CelOffset(Base):
    """How far a file of Asterisk's record was read."""

    __tablename__ = "cel_offsets"

    file_key: Mapped[str] = mapped_column(primary_key=True)
    offset_bytes: Mapped[int]


class CelTrim(Base):
    """From when on Asterisk's record is kept; one row, none before anything was deleted."""

    __tablename__ = "cel_trims"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    kept_from_us: Mapped[int] = mapped_column(comment="microseconds since the epoch")
