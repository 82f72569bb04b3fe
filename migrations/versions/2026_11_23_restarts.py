"""What was found after each restart of the call application."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_restarts"
down_revision = "2026_11_23_numbers_begin_free"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restarts",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("asterisk_id", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "last_seen_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="the newest sign of life of its calls",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restarts")),
    )
    op.create_table(
        "restart_calls",
        sa.Column("restart_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False, comment="in which it was found"),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("most_lost_ms", sa.BigInteger(), nullable=False),
        sa.Column(
            "most_lost",
            sa.BigInteger(),
            nullable=False,
            comment="of the money held then, ledger units",
        ),
        sa.Column("currency", sa.String(), nullable=True),
        sa.CheckConstraint(
            "most_lost_ms >= 0 AND most_lost >= 0", name=op.f("ck_restart_calls_most")
        ),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_restart_calls_call_id")),
        sa.ForeignKeyConstraint(
            ["restart_id"], ["restarts.id"], name=op.f("fk_restart_calls_restart_id")
        ),
        sa.PrimaryKeyConstraint("restart_id", "call_id", name=op.f("pk_restart_calls")),
    )
    op.create_index(op.f("ix_restart_calls_call_id"), "restart_calls", ["call_id"])


def downgrade() -> None:
    op.drop_table("restart_calls")
    op.drop_table("restarts")
