"""The names of SIP phones, which experts and callers share."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_sip_phones"
down_revision = "2026_11_22_job_queue"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sip_phones",
        sa.Column(
            "endpoint",
            sa.String(),
            nullable=False,
            comment="an Asterisk PJSIP endpoint of our making",
        ),
        sa.Column(
            "number",
            sa.String(),
            nullable=True,
            comment="E.164: the caller id of its own calls; null: it has none",
        ),
        sa.CheckConstraint(
            "endpoint ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,78}$'", name=op.f("ck_sip_phones_endpoint")
        ),
        sa.PrimaryKeyConstraint("endpoint", name=op.f("pk_sip_phones")),
    )
    op.execute("INSERT INTO sip_phones (endpoint) SELECT DISTINCT endpoint FROM expert_phones")
    op.create_foreign_key(
        op.f("fk_expert_phones_endpoint"), "expert_phones", "sip_phones", ["endpoint"], ["endpoint"]
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_expert_phones_endpoint"), "expert_phones", type_="foreignkey")
    op.drop_table("sip_phones")
