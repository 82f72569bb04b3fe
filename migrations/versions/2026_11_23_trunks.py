"""Trunks and phones with all that Asterisk needs of them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_trunks"
down_revision = "2026_11_23_premium_rate"
branch_labels = None
depends_on = None

_FORMATS = "('any', '+e164', 'e164', '00', 'national')"
_TRUNK_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column(
        "version",
        sa.BigInteger(),
        nullable=False,
        server_default=sa.text("1"),
        comment="rises with each edit",
    ),
    sa.Column(
        "addresses",
        sa.ARRAY(sa.String()),
        nullable=False,
        server_default=sa.text("'{}'"),
        comment="where its calls come from",
    ),
    sa.Column(
        "ha1",
        sa.String(),
        nullable=True,
        comment="MD5 of name:primeline:password, for calls that log in; as good as the password",
    ),
    sa.Column("inbound_format", sa.String(), nullable=False, server_default=sa.text("'any'")),
    sa.Column("inbound_strip", sa.String(), nullable=False, server_default=sa.text("''")),
    sa.Column("inbound_add", sa.String(), nullable=False, server_default=sa.text("''")),
    sa.Column(
        "maximum_calls",
        sa.BigInteger(),
        nullable=True,
        comment="coming in at once; null: any number",
    ),
    sa.Column("host", sa.String(), nullable=True, comment="where calls out go; null: none do"),
    sa.Column("proxy", sa.String(), nullable=True),
    sa.Column("username", sa.String(), nullable=True, comment="ours at the host"),
    sa.Column(
        "sealed_password",
        sa.String(),
        nullable=True,
        comment="ours at the host, encrypted with PRIMELINE_SECRET_KEY",
    ),
    sa.Column("register", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    sa.Column("outbound_format", sa.String(), nullable=False, server_default=sa.text("'+e164'")),
    sa.Column("outbound_strip", sa.String(), nullable=False, server_default=sa.text("''")),
    sa.Column("outbound_add", sa.String(), nullable=False, server_default=sa.text("''")),
    sa.Column(
        "presented_number",
        sa.String(),
        nullable=True,
        comment="E.164: what the called party sees; null: no calls out",
    ),
    sa.Column(
        "destinations",
        sa.ARRAY(sa.String()),
        nullable=False,
        server_default=sa.text("'{}'"),
        comment="what may be dialled, e.g. FR-mobile; empty: fixed and mobile of its region",
    ),
)
_CHECKS = {
    "inbound_format": f"inbound_format IN {_FORMATS}",
    "outbound_format": f"outbound_format IN {_FORMATS} AND outbound_format <> 'any'",
    "maximum_calls": "maximum_calls > 0",
    "presented_number": "host IS NULL OR presented_number IS NOT NULL",
}


def upgrade() -> None:
    for column in _TRUNK_COLUMNS:
        op.add_column("trunks", column)
    for name, condition in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_trunks_{name}"), "trunks", condition)
    op.add_column(
        "sip_phones",
        sa.Column(
            "ha1",
            sa.String(),
            nullable=True,
            comment="MD5 of endpoint:primeline:password, as good as the password;"
            " null: no password yet",
        ),
    )


def downgrade() -> None:
    op.drop_column("sip_phones", "ha1")
    for column in _TRUNK_COLUMNS:
        op.drop_column("trunks", column.name)
