"""Rows of wrong PINs: of each source, and of all unknown ones together."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.kit.database import Base


class Strangers:
    """What the row of somebody with a PIN keeps of wrong ones from sources that aren't known."""

    failures: Mapped[int] = mapped_column(comment="from sources not known, since day_began_at")
    day_began_at: Mapped[datetime | None]
    lockouts: Mapped[int] = mapped_column(comment="of sources not known; each twice as long")
    locked_until: Mapped[datetime | None] = mapped_column(comment="for sources not known")


class PinSource(Base):
    """A source from which a PIN was keyed for somebody; its wrong ones lock it alone."""

    __tablename__ = "pin_sources"
    __table_args__ = (
        CheckConstraint("failures >= 0 AND lockouts >= 0 AND in_day >= 0", name="counts"),
    )

    owner_id: Mapped[UUID] = mapped_column(
        primary_key=True, comment="whose PIN: of caller_accounts or experts"
    )
    source: Mapped[str] = mapped_column(
        primary_key=True, comment="trunk and number as presented; - for none"
    )
    failures: Mapped[int] = mapped_column(
        server_default=text("0"), comment="since the last lockout or right PIN"
    )
    lockouts: Mapped[int] = mapped_column(
        server_default=text("0"), comment="in a row; each is twice as long as the last"
    )
    locked_until: Mapped[datetime | None]
    in_day: Mapped[int] = mapped_column(
        server_default=text("0"), comment="wrong PINs since day_began_at"
    )
    day_began_at: Mapped[datetime | None]
    known_at: Mapped[datetime | None] = mapped_column(
        comment="when the right PIN came from here last; null: never since it was set"
    )
