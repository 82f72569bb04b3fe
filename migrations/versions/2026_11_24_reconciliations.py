"""Comparisons with Asterisk's record are kept, and alarms can be acknowledged."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_24_reconciliations"
down_revision = "2026_11_24_free_minutes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "alarms",
        sa.Column(
            "acknowledged_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when somebody said that he has seen it; null again once it says something new",
        ),
    )
    op.add_column("alarms", sa.Column("acknowledged_by", sa.String(), nullable=True))
    op.create_check_constraint(
        op.f("ck_alarms_acknowledged"),
        "alarms",
        "(acknowledged_at IS NULL) = (acknowledged_by IS NULL)",
    )
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column(
            "first_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="calls received since were compared",
        ),
        sa.Column(
            "until", sa.DateTime(timezone=True), nullable=False, comment="and before this moment"
        ),
        sa.Column("call_id", sa.Uuid(), nullable=True, comment="the only call that was compared"),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("compared_by", sa.String(), nullable=False, comment="worker: each night"),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("unexplained", sa.Integer(), nullable=False),
        sa.Column(
            "causes",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="how many differences of each cause, those too many to be listed too",
        ),
        sa.Column(
            "kept_from",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="since when the record was kept; null: nothing of it was deleted yet",
        ),
        sa.CheckConstraint("first_at < until", name=op.f("ck_reconciliations_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliations")),
    )
    op.create_index(op.f("ix_reconciliations_compared_at"), "reconciliations", ["compared_at"])
    op.create_table(
        "reconciliation_differences",
        sa.Column("reconciliation_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False, comment="may be none of our calls"),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column(
            "ours",
            sa.BigInteger(),
            nullable=True,
            comment="ms; of a charge ledger units; null: nothing is known",
        ),
        sa.Column("asterisks", sa.BigInteger(), nullable=True, comment="in the same units"),
        sa.Column("off_ms", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"],
            ["reconciliations.id"],
            name=op.f("fk_reconciliation_differences_reconciliation_id_reconciliations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "reconciliation_id", "position", name=op.f("pk_reconciliation_differences")
        ),
    )


def downgrade() -> None:
    op.drop_table("reconciliation_differences")
    op.drop_table("reconciliations")
    op.drop_column("alarms", "acknowledged_by")
    op.drop_column("alarms", "acknowledged_at")
