"""Rows of share rules: who gets what part where it isn't the default."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity
from sqlalchemy.orm import Mapped, mapped_column

from billing.catalogue.models import Expert, Number
from billing.kit.database import Base


class ShareRow(Base):
    """The share of one expert, or of all calls to one number (which wins)."""

    __tablename__ = "share_rules"
    __table_args__ = (
        CheckConstraint("expert_basis_points BETWEEN 0 AND 10000", name="basis_points"),
        CheckConstraint("basis IN ('net', 'gross')", name="basis"),
        CheckConstraint("num_nonnulls(expert_id, number_id) = 1", name="one_owner"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    expert_id: Mapped[UUID | None] = mapped_column(ForeignKey(Expert.id), unique=True)
    number_id: Mapped[UUID | None] = mapped_column(ForeignKey(Number.id), unique=True)
    expert_basis_points: Mapped[int] = mapped_column(comment="7000 is 70 %")
    basis: Mapped[str] = mapped_column(comment="of the charge without (net) or with (gross) tax")
    set_at: Mapped[datetime]
