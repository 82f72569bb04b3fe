"""Calls on the self-service lines: each is taken once."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_line_sessions"
down_revision = "2026_11_23_notifications"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "line_sessions",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("result", sa.String(), nullable=True, comment="e.g. done, pin-wrong, hung-up"),
        sa.CheckConstraint(
            "line IN ('account-line', 'expert-line')", name=op.f("ck_line_sessions_line")
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (result IS NULL)", name=op.f("ck_line_sessions_ended")
        ),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_line_sessions_call_id")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_line_sessions")),
    )


def downgrade() -> None:
    op.drop_table("line_sessions")
