"""Wrong PINs count for the source they come from, those from unknown sources also together."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_24_pin_sources"
down_revision = "2026_11_24_reconciliations"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)

TABLES = ("pin_states", "expert_pins")
# column: the comment before, the comment from now on
COMMENTS = {
    "failures": (
        "since the last lockout or right PIN",
        "from sources not known, since day_began_at",
    ),
    "lockouts": (
        "in a row; each is twice as long as the last",
        "of sources not known; each twice as long",
    ),
    "locked_until": (None, "for sources not known"),
}


def upgrade() -> None:
    """A lock that holds goes on for every source: none is known yet."""
    op.create_table(
        "pin_sources",
        sa.Column(
            "owner_id",
            sa.Uuid(),
            nullable=False,
            comment="whose PIN: of caller_accounts or experts",
        ),
        sa.Column(
            "source",
            sa.String(),
            nullable=False,
            comment="trunk and number as presented; - for none",
        ),
        sa.Column(
            "failures",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="since the last lockout or right PIN",
        ),
        sa.Column(
            "lockouts",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="in a row; each is twice as long as the last",
        ),
        sa.Column("locked_until", moment, nullable=True),
        sa.Column(
            "in_day",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="wrong PINs since day_began_at",
        ),
        sa.Column("day_began_at", moment, nullable=True),
        sa.Column(
            "known_at",
            moment,
            nullable=True,
            comment="when the right PIN came from here last; null: never since it was set",
        ),
        sa.CheckConstraint(
            "failures >= 0 AND lockouts >= 0 AND in_day >= 0", name=op.f("ck_pin_sources_counts")
        ),
        sa.PrimaryKeyConstraint("owner_id", "source", name=op.f("pk_pin_sources")),
    )
    for table in TABLES:
        op.add_column(table, sa.Column("day_began_at", moment, nullable=True))
        for column, (before, after) in COMMENTS.items():
            op.alter_column(table, column, comment=after, existing_comment=before)


def downgrade() -> None:
    """Wrong PINs count for everybody again."""
    for table in TABLES:
        for column, (before, after) in COMMENTS.items():
            op.alter_column(table, column, comment=before, existing_comment=after)
        op.drop_column(table, "day_began_at")
    op.drop_table("pin_sources")
