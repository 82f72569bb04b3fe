"""Rows of SIP phones that register at our Asterisk."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from billing.endpoints.values import ENDPOINT_PATTERN
from billing.kit.database import Base


class SipPhone(Base):
    """A SIP phone by its name, which is also its user name: nobody else's phone has it."""

    __tablename__ = "sip_phones"
    __table_args__ = (CheckConstraint(f"endpoint ~ '^{ENDPOINT_PATTERN}$'", name="endpoint"),)

    endpoint: Mapped[str] = mapped_column(
        primary_key=True, comment="an Asterisk PJSIP endpoint of our making"
    )
    number: Mapped[str | None] = mapped_column(
        comment="E.164: the caller id of its own calls; null: it has none"
    )
