"""Tariffs may have a price of an act."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_acts"
down_revision = "2026_11_23_closed_segments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No tariff of before sells acts."""
    op.add_column(
        "tariff_versions",
        sa.Column("price_per_act", sa.BigInteger(), comment="null: no acts are sold"),
    )
    op.add_column(
        "tariff_versions",
        sa.Column(
            "act_minimum_seconds",
            sa.BigInteger(),
            nullable=False,
            server_default=sa.text("10"),
            comment="an act is due once it has lasted so long",
        ),
    )
    op.add_column(
        "tariff_versions",
        sa.Column(
            "act_maximum_seconds",
            sa.BigInteger(),
            nullable=False,
            server_default=sa.text("1800"),
        ),
    )
    op.create_check_constraint(
        op.f("ck_tariff_versions_act"),
        "tariff_versions",
        "price_per_act >= 0 AND act_minimum_seconds > 0 AND act_maximum_seconds > 0",
    )


def downgrade() -> None:
    """Acts are no longer sold."""
    op.drop_constraint(op.f("ck_tariff_versions_act"), "tariff_versions", type_="check")
    for column in ("act_maximum_seconds", "act_minimum_seconds", "price_per_act"):
        op.drop_column("tariff_versions", column)
