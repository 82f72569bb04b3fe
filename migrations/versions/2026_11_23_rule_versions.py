"""Versions of the figures that the operator sets."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_rule_versions"
down_revision = "2026_11_23_expert_checks"
branch_labels = None
depends_on = None

_SET = "as the operator types it"
_OR_RESET = "as the operator types it; null: reset to what Primeline comes with"


def upgrade() -> None:
    op.alter_column(
        "rule_overrides", "value", nullable=True, comment=_OR_RESET, existing_comment=_SET
    )
    op.add_column(
        "rule_overrides",
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("rule_overrides", "version")
    op.execute("DELETE FROM rule_overrides WHERE value IS NULL")
    op.alter_column(
        "rule_overrides", "value", nullable=False, comment=_SET, existing_comment=_OR_RESET
    )
