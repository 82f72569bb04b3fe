"""Rows of trunks and of SIP phones: all that Asterisk exchanges calls with."""

from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, String
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from billing.endpoints.values import ENDPOINT_PATTERN
from billing.kit.database import Base

_FORMATS = "('any', '+e164', 'e164', '00', 'national')"


class TrunkRow(Base):
    """A line to a carrier; written by `billing.endpoints.trunks` alone."""

    __tablename__ = "trunks"
    __table_args__ = (
        CheckConstraint(f"inbound_format IN {_FORMATS}", name="inbound_format"),
        CheckConstraint(
            f"outbound_format IN {_FORMATS} AND outbound_format <> 'any'", name="outbound_format"
        ),
        CheckConstraint("maximum_calls > 0", name="maximum_calls"),
        CheckConstraint("host IS NULL OR presented_number IS NOT NULL", name="presented_number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(server_default=sql("1"), comment="rises with each edit")
    name: Mapped[str] = mapped_column(unique=True, comment="as the dialplan hands it over")
    trusted: Mapped[bool] = mapped_column(comment="whether its caller ids are vouched for")
    region: Mapped[str] = mapped_column(comment="ISO 3166 country of its national numbers")
    addresses: Mapped[list[str]] = mapped_column(
        ARRAY(String), server_default=sql("'{}'"), comment="where its calls come from"
    )
    ha1: Mapped[str | None] = mapped_column(
        comment="MD5 of name:primeline:password, for calls that log in; as good as the password"
    )
    inbound_format: Mapped[str] = mapped_column(server_default=sql("'any'"))
    inbound_strip: Mapped[str] = mapped_column(server_default=sql("''"))
    inbound_add: Mapped[str] = mapped_column(server_default=sql("''"))
    maximum_calls: Mapped[int | None] = mapped_column(comment="coming in at once; null: any number")
    host: Mapped[str | None] = mapped_column(comment="where calls out go; null: none do")
    proxy: Mapped[str | None]
    username: Mapped[str | None] = mapped_column(comment="ours at the host")
    sealed_password: Mapped[str | None] = mapped_column(
        comment="ours at the host, encrypted with PRIMELINE_SECRET_KEY"
    )
    register: Mapped[bool] = mapped_column(server_default=sql("false"))
    outbound_format: Mapped[str] = mapped_column(server_default=sql("'+e164'"))
    outbound_strip: Mapped[str] = mapped_column(server_default=sql("''"))
    outbound_add: Mapped[str] = mapped_column(server_default=sql("''"))
    presented_number: Mapped[str | None] = mapped_column(
        comment="E.164: what the called party sees; null: no calls out"
    )
    destinations: Mapped[list[str]] = mapped_column(
        ARRAY(String),
        server_default=sql("'{}'"),
        comment="what may be dialled, e.g. FR-mobile; empty: fixed and mobile of its region",
    )


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
    ha1: Mapped[str | None] = mapped_column(
        comment="MD5 of endpoint:primeline:password, as good as the password; null: no password yet"
    )
