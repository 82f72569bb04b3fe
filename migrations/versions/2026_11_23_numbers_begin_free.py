"""A number may have every talk begin free, until the expert asks for a price."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_numbers_begin_free"
down_revision = "2026_11_23_spending_limits"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Known callers of the numbers there are hear the price first, as before."""
    op.add_column(
        "numbers",
        sa.Column(
            "begins_free",
            sa.Boolean(),
            nullable=False,
            server_default=sa.text("false"),
            comment="who can be charged begins free, too",
        ),
    )


def downgrade() -> None:
    """Known callers hear the price first."""
    op.drop_column("numbers", "begins_free")
