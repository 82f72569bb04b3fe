"""Rows of what is offered: numbers, experts, their phones, and who is in a call."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    String,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from billing.endpoints.models import TrunkRow
from billing.endpoints.values import ENDPOINT_PATTERN
from billing.kit.database import Base
from billing.pins.models import Strangers
from billing.tariffs.models import TariffRow


class Expert(Base):
    """Somebody who sells advice and is reached by an extension."""

    __tablename__ = "experts"
    __table_args__ = (
        Index(
            "uq_experts_extension_kept",
            "extension",
            unique=True,
            postgresql_where=sql("removed_at IS NULL"),
        ),
        CheckConstraint("extension ~ '^[0-9]{1,8}$'", name="extension"),
        CheckConstraint(
            "presence IN ('available', 'there-but-not-available', 'away')", name="presence"
        ),
        CheckConstraint("available_until IS NULL OR presence = 'available'", name="until"),
        CheckConstraint(
            "(price_min IS NULL) = (price_max IS NULL) AND price_min >= 0"
            " AND price_max >= price_min",
            name="price_bounds",
        ),
        CheckConstraint(
            "(checked_at IS NULL) = (checked_by IS NULL)"
            " AND (checked_at IS NULL) = (check_note IS NULL)",
            name="checked",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    extension: Mapped[str] = mapped_column(comment="free for others once he is removed")
    language: Mapped[str]
    category: Mapped[str | None] = mapped_column(comment="what he advises on, for reports")
    presence: Mapped[str]
    available_until: Mapped[datetime | None] = mapped_column(
        comment="on line up to then, whatever his hours; null: until he says otherwise"
    )
    time_zone: Mapped[str] = mapped_column(
        server_default="Europe/Paris", comment="whose hours and days are his"
    )
    tariff_id: Mapped[UUID | None] = mapped_column(ForeignKey(TariffRow.id))
    price_min: Mapped[int | None] = mapped_column(
        comment="the least he may ask a minute, in ledger units; null: he may not change it"
    )
    price_max: Mapped[int | None]
    checked_at: Mapped[datetime | None] = mapped_column(
        comment="when somebody looked into who he is (rule R13); null: nobody did"
    )
    checked_by: Mapped[str | None]
    check_note: Mapped[str | None] = mapped_column(comment="what was looked at, in words")
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None] = mapped_column(comment="his calls keep naming him")
    version: Mapped[int] = mapped_column(server_default=sql("1"))


class ExpertPin(Strangers, Base):
    """An expert's PIN for the expert line, and wrong ones from sources that he isn't known by."""

    __tablename__ = "expert_pins"
    __table_args__ = (CheckConstraint("failures >= 0 AND lockouts >= 0", name="counts"),)

    expert_id: Mapped[UUID] = mapped_column(ForeignKey(Expert.id), primary_key=True)
    pin_hash: Mapped[str] = mapped_column(comment="argon2id; the PIN itself is kept nowhere")


class ExpertHours(Base):
    """A stretch of a weekday in which an expert takes calls; without any he always does."""

    __tablename__ = "expert_hours"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint(
            "0 <= from_minute AND from_minute < to_minute AND to_minute <= 1440", name="minutes"
        ),
    )

    expert_id: Mapped[UUID] = mapped_column(ForeignKey(Expert.id), primary_key=True)
    weekday: Mapped[int] = mapped_column(primary_key=True, comment="0 is Monday")
    from_minute: Mapped[int] = mapped_column(primary_key=True, comment="of his own day")
    to_minute: Mapped[int] = mapped_column(comment="not included; 1440 is midnight")


class ExpertPhone(Base):
    """One phone of an expert: a SIP phone of ours, or an ordinary number dialled by a trunk.

    Lower positions ring first. A removed one stays for the calls that rang it.
    """

    __tablename__ = "expert_phones"
    __table_args__ = (
        Index(
            "uq_expert_phones_expert_id_position",
            "expert_id",
            "position",
            unique=True,
            postgresql_where=sql("removed_at IS NULL"),
        ),
        Index(
            "uq_expert_phones_endpoint",
            "endpoint",
            unique=True,
            postgresql_where=sql("removed_at IS NULL"),
        ),
        Index(
            "uq_expert_phones_expert_id_number",
            "expert_id",
            "number",
            unique=True,
            postgresql_where=sql("removed_at IS NULL"),
        ),
        CheckConstraint(f"endpoint ~ '^{ENDPOINT_PATTERN}$'", name="endpoint"),
        CheckConstraint("(endpoint IS NULL) = (number IS NOT NULL)", name="endpoint_or_number"),
        CheckConstraint(
            "(number IS NOT NULL AND removed_at IS NULL) = (trunk_id IS NOT NULL)", name="trunk"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    expert_id: Mapped[UUID] = mapped_column(ForeignKey(Expert.id))
    position: Mapped[int]
    endpoint: Mapped[str | None] = mapped_column(
        comment="an Asterisk PJSIP endpoint of our making, in sip_phones until it is removed"
    )
    number: Mapped[str | None] = mapped_column(comment="E.164, dialled by the trunk")
    trunk_id: Mapped[UUID | None] = mapped_column(ForeignKey(TrunkRow.id))
    removed_at: Mapped[datetime | None]


class Number(Base):
    """A phone number of ours and what it is for."""

    __tablename__ = "numbers"
    __table_args__ = (
        Index(
            "uq_numbers_e164_kept",
            "e164",
            unique=True,
            postgresql_where=sql("removed_at IS NULL"),
        ),
        CheckConstraint("kind IN ('menu', 'direct', 'account-line', 'expert-line')", name="kind"),
        CheckConstraint("(kind = 'direct') = (expert_id IS NOT NULL)", name="direct_expert"),
        CheckConstraint("without_payer IN ('refuse', 'free')", name="without_payer"),
        CheckConstraint("free_limit_seconds > 0", name="free_limit"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    e164: Mapped[str]
    kind: Mapped[str]
    language: Mapped[str]
    without_payer: Mapped[str] = mapped_column(comment="when nobody can be charged")
    free_limit_seconds: Mapped[int] = mapped_column(comment="bounds a talk that nobody pays")
    begins_free: Mapped[bool] = mapped_column(
        server_default=sql("false"), comment="who can be charged begins free, too"
    )
    expert_id: Mapped[UUID | None] = mapped_column(ForeignKey(Expert.id))
    tariff_id: Mapped[UUID | None] = mapped_column(
        ForeignKey(TariffRow.id), comment="wins over the expert's own"
    )
    open: Mapped[bool] = mapped_column(server_default=sql("true"))
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None] = mapped_column(comment="its calls keep naming it")
    version: Mapped[int] = mapped_column(server_default=sql("1"))


class PremiumTermsRow(Base):
    """Terms of a premium-rate number from a moment on; amounts are ledger units."""

    __tablename__ = "premium_terms"
    __table_args__ = (
        UniqueConstraint("number_id", "valid_from"),
        CheckConstraint(
            "retail_per_minute >= 0 AND retail_per_call >= 0"
            " AND outpayment_per_minute >= 0 AND outpayment_per_call >= 0",
            name="amounts",
        ),
        CheckConstraint("announced_by IN ('carrier', 'us')", name="announced_by"),
        CheckConstraint(
            "maximum_seconds > 0 AND maximum_charge >= 0 AND day_maximum >= 0"
            " AND month_maximum >= 0",
            name="caps",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number_id: Mapped[UUID] = mapped_column(ForeignKey(Number.id))
    valid_from: Mapped[datetime]
    currency: Mapped[str] = mapped_column(String(3))
    retail_per_minute: Mapped[int] = mapped_column(comment="tax included")
    retail_per_call: Mapped[int] = mapped_column(comment="tax included")
    outpayment_per_minute: Mapped[int] = mapped_column(comment="what the carrier pays us")
    outpayment_per_call: Mapped[int]
    carrier: Mapped[str] = mapped_column(comment="the trunk's name")
    announced_by: Mapped[str] = mapped_column(comment="who tells the caller the price")
    country: Mapped[str] = mapped_column(comment="ISO 3166; whose rules hold")
    publisher: Mapped[str]
    service: Mapped[str]
    category: Mapped[str]
    time_zone: Mapped[str] = mapped_column(comment="whose days and months the caps count by")
    maximum_seconds: Mapped[int]
    maximum_charge: Mapped[int | None] = mapped_column(comment="of one call")
    day_maximum: Mapped[int | None] = mapped_column(comment="of one caller number")
    month_maximum: Mapped[int | None] = mapped_column(comment="of one caller number")
    created_at: Mapped[datetime]


class Reservation(Base):
    """An expert taken by a call; while not released, no other call gets him."""

    __tablename__ = "reservations"
    __table_args__ = (
        Index(
            "uq_reservations_expert_open",
            "expert_id",
            unique=True,
            postgresql_where=sql("released_at IS NULL"),
        ),
        Index(
            "uq_reservations_call_open",
            "call_id",
            unique=True,
            postgresql_where=sql("released_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    expert_id: Mapped[UUID] = mapped_column(ForeignKey(Expert.id))
    call_id: Mapped[UUID]
    reserved_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
