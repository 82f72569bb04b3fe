"""Rows of rules: figures that the operator has set."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from billing.kit.database import Base


class RuleOverride(Base):
    """One unsure figure as the operator set it; its history is the audit log's."""

    __tablename__ = "rule_overrides"

    area: Mapped[str] = mapped_column(primary_key=True, comment="a country, or EU")
    name: Mapped[str] = mapped_column(primary_key=True, comment="the figure's name")
    value: Mapped[str | None] = mapped_column(
        comment="as the operator types it; null: reset to what Primeline comes with"
    )
    set_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(server_default=text("1"))
