"""Asterisk's record is read by time, and it is known from when on it is kept."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_cel_trims"
down_revision = "2026_11_23_acts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_cel_records_at_us"), "cel_records", ["at_us"], postgresql_using="brin")
    op.create_table(
        "cel_trims",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "kept_from_us",
            sa.BigInteger(),
            nullable=False,
            comment="microseconds since the epoch",
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_cel_trims_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cel_trims")),
    )


def downgrade() -> None:
    op.drop_table("cel_trims")
    op.drop_index(op.f("ix_cel_records_at_us"), "cel_records")
