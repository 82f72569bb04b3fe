"""Experts are checked before they earn where the rules ask for it."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_expert_checks"
down_revision = "2026_11_23_statements"
branch_labels = None
depends_on = None

TOGETHER = (
    "(checked_at IS NULL) = (checked_by IS NULL) AND (checked_at IS NULL) = (check_note IS NULL)"
)


def upgrade() -> None:
    op.add_column(
        "experts",
        sa.Column(
            "checked_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when somebody looked into who he is (rule R13); null: nobody did",
        ),
    )
    op.add_column("experts", sa.Column("checked_by", sa.String(), nullable=True))
    op.add_column(
        "experts",
        sa.Column("check_note", sa.String(), nullable=True, comment="what was looked at, in words"),
    )
    op.create_check_constraint(op.f("ck_experts_checked"), "experts", TOGETHER)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_experts_checked"), "experts", type_="check")
    for column in ("check_note", "checked_by", "checked_at"):
        op.drop_column("experts", column)
