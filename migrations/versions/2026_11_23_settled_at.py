"""Reports look for settlements by their time."""

from alembic import op

revision = "2026_11_23_settled_at"
down_revision = "2026_11_23_live_calls"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_settlements_settled_at"), "settlements", ["settled_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_settlements_settled_at"), "settlements")
