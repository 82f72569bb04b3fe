"""Disputes of calls."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_disputes"
down_revision = "2026_11_23_rule_overrides"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "disputes",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column(
            "reason", sa.String(), nullable=False, comment="why the call is contested, in words"
        ),
        sa.Column(
            "country", sa.String(length=2), nullable=True, comment="whose rules set the dates"
        ),
        sa.Column(
            "claim_by", sa.Date(), nullable=True, comment="the last day to claim; null: none"
        ),
        sa.Column(
            "answer_by", sa.Date(), nullable=True, comment="the last day to answer, likewise"
        ),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("closed_at", moment, nullable=True),
        sa.Column(
            "note",
            sa.String(),
            nullable=True,
            comment="why it was upheld or rejected, in words",
        ),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column(
            "returned",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="ledger units that went back, once",
        ),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'upheld', 'rejected')", name=op.f("ck_disputes_state")
        ),
        sa.CheckConstraint(
            "(state = 'open') = (closed_at IS NULL) AND (state = 'open') = (note IS NULL)",
            name=op.f("ck_disputes_closed"),
        ),
        sa.CheckConstraint(
            "returned >= 0 AND (returned = 0 OR state = 'upheld' AND currency IS NOT NULL)",
            name=op.f("ck_disputes_returned"),
        ),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_disputes_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
    )
    op.create_index(op.f("ix_disputes_call_id"), "disputes", ["call_id"])
    op.create_index(
        "ix_disputes_open", "disputes", ["answer_by"], postgresql_where=sa.text("state = 'open'")
    )
    op.create_index(
        "uq_disputes_standing",
        "disputes",
        ["call_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'rejected'"),
    )


def downgrade() -> None:
    op.drop_table("disputes")
