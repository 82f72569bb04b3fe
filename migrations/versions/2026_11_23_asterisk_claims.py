"""One process at a time acts on an Asterisk: its claim, with a lease."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_asterisk_claims"
down_revision = "2026_11_23_alarm_kinds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "asterisk_claims",
        sa.Column("asterisk_id", sa.String(), nullable=False, comment="PRIMELINE_ASTERISK_ID"),
        sa.Column(
            "asterisk",
            sa.Uuid(),
            nullable=False,
            comment="the running Asterisk; its restart changes it",
        ),
        sa.Column(
            "holder", sa.Uuid(), nullable=False, comment="the process; a new one for each start"
        ),
        sa.Column(
            "renewed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="null: let go of in good order",
        ),
        sa.Column(
            "renewals",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="since it was taken",
        ),
        sa.PrimaryKeyConstraint("asterisk_id", name=op.f("pk_asterisk_claims")),
    )


def downgrade() -> None:
    op.drop_table("asterisk_claims")
