"""Messages to people, and which callers want receipts."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_notifications"
down_revision = "2026_11_23_monitoring"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "key", sa.String(), nullable=False, comment="what it is about; one message for each"
        ),
        sa.Column("to_e164", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False, comment="never a PIN, a code or a secret"),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tries", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "closed_at", sa.DateTime(timezone=True), nullable=True, comment="sent, or given up"
        ),
        sa.Column(
            "provider_id", sa.String(), nullable=True, comment="the message's id at the service"
        ),
        sa.Column("failure", sa.String(), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'failed')", name=op.f("ck_notifications_state")
        ),
        sa.CheckConstraint(
            "(state = 'queued') = (closed_at IS NULL)", name=op.f("ck_notifications_closed")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint("key", name=op.f("uq_notifications_key")),
    )
    op.create_index(
        op.f("ix_notifications_queued_at"),
        "notifications",
        ["queued_at"],
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.add_column(
        "caller_accounts",
        sa.Column(
            "receipts",
            sa.Boolean(),
            nullable=True,
            comment="whether an SMS tells of each charged call; null: as the operator's setting"
            " says",
        ),
    )


def downgrade() -> None:
    op.drop_column("caller_accounts", "receipts")
    op.drop_table("notifications")
