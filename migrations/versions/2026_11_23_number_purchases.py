"""Numbers bought from a provider."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_number_purchases"
down_revision = "2026_11_23_ordinary_phones"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "number_purchases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("e164", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column(
            "provider_id", sa.String(), nullable=True, comment="the number's id at the provider"
        ),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "closed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="bought, refused or released",
        ),
        sa.Column(
            "result", sa.String(), nullable=True, comment="the provider's reason for a refusal"
        ),
        sa.CheckConstraint(
            "state IN ('wanted', 'bought', 'refused', 'released')",
            name=op.f("ck_number_purchases_state"),
        ),
        sa.CheckConstraint(
            "(state IN ('bought', 'released')) = (provider_id IS NOT NULL)",
            name=op.f("ck_number_purchases_provider_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_purchases")),
    )
    op.create_index(
        "uq_number_purchases_open",
        "number_purchases",
        ["e164"],
        unique=True,
        postgresql_where=sa.text("state IN ('wanted', 'bought')"),
    )


def downgrade() -> None:
    op.drop_table("number_purchases")
