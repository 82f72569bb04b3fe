"""Experts reached at ordinary numbers, and phones that can be removed."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_ordinary_phones"
down_revision = "2026_11_23_api_keys_and_versions"
branch_labels = None
depends_on = None

_HELD_COMMENT = "an Asterisk PJSIP endpoint of our making, in sip_phones until it is removed"
_COMMENT = "an Asterisk PJSIP endpoint of our making"
_UNIQUE = ("expert_id", "position"), ("endpoint",), ("expert_id", "number")


def upgrade() -> None:
    op.drop_constraint(op.f("fk_expert_phones_endpoint"), "expert_phones", type_="foreignkey")
    op.drop_constraint(op.f("uq_expert_phones_expert_id_position"), "expert_phones", type_="unique")
    op.alter_column("expert_phones", "endpoint", nullable=True, comment=_HELD_COMMENT)
    op.add_column(
        "expert_phones",
        sa.Column("number", sa.String(), nullable=True, comment="E.164, dialled by the trunk"),
    )
    op.add_column("expert_phones", sa.Column("trunk_id", sa.Uuid(), nullable=True))
    op.add_column(
        "expert_phones", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_foreign_key(
        op.f("fk_expert_phones_trunk_id"), "expert_phones", "trunks", ["trunk_id"], ["id"]
    )
    for columns in _UNIQUE:
        op.create_index(
            "uq_expert_phones_" + "_".join(columns),
            "expert_phones",
            list(columns),
            unique=True,
            postgresql_where=sa.text("removed_at IS NULL"),
        )
    op.create_check_constraint(
        op.f("ck_expert_phones_endpoint_or_number"),
        "expert_phones",
        "(endpoint IS NULL) = (number IS NOT NULL)",
    )
    op.create_check_constraint(
        op.f("ck_expert_phones_trunk"),
        "expert_phones",
        "(number IS NOT NULL AND removed_at IS NULL) = (trunk_id IS NOT NULL)",
    )


def downgrade() -> None:
    op.execute(
        "DELETE FROM dial_attempts WHERE phone_id IN"
        " (SELECT id FROM expert_phones WHERE number IS NOT NULL OR removed_at IS NOT NULL)"
    )
    op.execute("DELETE FROM expert_phones WHERE number IS NOT NULL OR removed_at IS NOT NULL")
    op.drop_constraint(op.f("ck_expert_phones_trunk"), "expert_phones", type_="check")
    op.drop_constraint(op.f("ck_expert_phones_endpoint_or_number"), "expert_phones", type_="check")
    for columns in _UNIQUE:
        op.drop_index("uq_expert_phones_" + "_".join(columns), "expert_phones")
    op.drop_constraint(op.f("fk_expert_phones_trunk_id"), "expert_phones", type_="foreignkey")
    for column in ("removed_at", "trunk_id", "number"):
        op.drop_column("expert_phones", column)
    op.alter_column("expert_phones", "endpoint", nullable=False, comment=_COMMENT)
    op.create_unique_constraint(
        op.f("uq_expert_phones_expert_id_position"), "expert_phones", ["expert_id", "position"]
    )
    op.create_foreign_key(
        op.f("fk_expert_phones_endpoint"), "expert_phones", "sip_phones", ["endpoint"], ["endpoint"]
    )
