"""Callers accept the terms of paid talk on toll-free numbers."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_accepted_terms"
down_revision = "2026_11_23_rule_versions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "caller_accounts",
        sa.Column(
            "terms_accepted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="without it nothing is charged on toll-free numbers (rule R19)",
        ),
    )


def downgrade() -> None:
    op.drop_column("caller_accounts", "terms_accepted_at")
