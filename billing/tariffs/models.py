"""Rows of tariffs: a name, and versions that are never edited."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.kit.database import Base


class TariffRow(Base):
    """A tariff by name; what it costs stands in its versions."""

    __tablename__ = "tariffs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    currency: Mapped[str] = mapped_column(String(3))
    created_at: Mapped[datetime]


class TariffVersion(Base):
    """What a tariff costs from a moment on. Amounts are ledger units and include tax."""

    __tablename__ = "tariff_versions"
    __table_args__ = (
        UniqueConstraint("tariff_id", "valid_from"),
        CheckConstraint(
            "price_per_minute >= 0 AND connect_fee >= 0 AND minimum_charge >= 0"
            " AND (maximum_charge IS NULL OR maximum_charge >= 0)",
            name="amounts",
        ),
        CheckConstraint(
            "first_increment_seconds > 0 AND next_increment_seconds > 0 AND free_seconds >= 0"
            " AND maximum_seconds > 0",
            name="seconds",
        ),
        CheckConstraint(
            "price_per_act >= 0 AND act_minimum_seconds > 0 AND act_maximum_seconds > 0",
            name="act",
        ),
        CheckConstraint("tax_basis_points BETWEEN 0 AND 10000", name="tax"),
        CheckConstraint("holidays_of IS NULL OR time_zone IS NOT NULL", name="timetable"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tariff_id: Mapped[UUID] = mapped_column(ForeignKey(TariffRow.id))
    valid_from: Mapped[datetime]
    price_per_minute: Mapped[int]
    connect_fee: Mapped[int]
    minimum_charge: Mapped[int]
    maximum_charge: Mapped[int | None] = mapped_column(comment="null: no bound")
    first_increment_seconds: Mapped[int]
    next_increment_seconds: Mapped[int]
    free_seconds: Mapped[int]
    maximum_seconds: Mapped[int]
    tax_basis_points: Mapped[int] = mapped_column(comment="2000 is 20 %")
    price_per_act: Mapped[int | None] = mapped_column(comment="null: no acts are sold")
    act_minimum_seconds: Mapped[int] = mapped_column(
        server_default=text("10"), comment="an act is due once it has lasted so long"
    )
    act_maximum_seconds: Mapped[int] = mapped_column(server_default=text("1800"))
    time_zone: Mapped[str | None] = mapped_column(
        comment="by whose clock its windows are; null: it has none"
    )
    holidays_of: Mapped[str | None] = mapped_column(
        comment="whose public holidays are no weekdays, FR or DE-BY; null: nobody's"
    )
    created_at: Mapped[datetime]


class TariffWindow(Base):
    """Other prices of a version on some days, from one local time to another. Never edited."""

    __tablename__ = "tariff_windows"
    __table_args__ = (
        UniqueConstraint("version_id", "name"),
        CheckConstraint(
            "price_per_minute >= 0 AND connect_fee >= 0 AND minimum_charge >= 0"
            " AND (maximum_charge IS NULL OR maximum_charge >= 0)"
            " AND (price_per_act IS NULL OR price_per_act >= 0)",
            name="amounts",
        ),
        CheckConstraint(
            "from_minute BETWEEN 0 AND 1439 AND to_minute BETWEEN 1 AND 1440"
            " AND from_minute <> to_minute",
            name="minutes",
        ),
        CheckConstraint(
            "cardinality(days) > 0 AND days <@ ARRAY['mon', 'tue', 'wed', 'thu', 'fri', 'sat',"
            " 'sun', 'holiday']::varchar[]",
            name="days",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version_id: Mapped[UUID] = mapped_column(ForeignKey(TariffVersion.id))
    name: Mapped[str]
    days: Mapped[list[str]] = mapped_column(ARRAY(String))
    from_minute: Mapped[int] = mapped_column(comment="of the local day")
    to_minute: Mapped[int] = mapped_column(
        comment="not included; below from_minute: of the next day"
    )
    price_per_minute: Mapped[int]
    connect_fee: Mapped[int]
    minimum_charge: Mapped[int]
    maximum_charge: Mapped[int | None] = mapped_column(comment="null: no bound")
    price_per_act: Mapped[int | None] = mapped_column(comment="null: no acts are sold")
