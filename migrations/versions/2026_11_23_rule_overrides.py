"""Figures of rules that the operator has set."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_rule_overrides"
down_revision = "2026_11_23_line_sessions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rule_overrides",
        sa.Column("area", sa.String(), nullable=False, comment="a country, or EU"),
        sa.Column("name", sa.String(), nullable=False, comment="the figure's name"),
        sa.Column("value", sa.String(), nullable=False, comment="as the operator types it"),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("area", "name", name=op.f("pk_rule_overrides")),
    )


def downgrade() -> None:
    op.drop_table("rule_overrides")
