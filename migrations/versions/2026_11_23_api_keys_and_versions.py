"""API keys; versions of what people edit; removed experts, numbers and callers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_23_api_keys_and_versions"
down_revision = "2026_11_23_self_service"
branch_labels = None
depends_on = None

REMOVABLE = {
    "experts": "his calls keep naming him",
    "numbers": "its calls keep naming it",
    "caller_accounts": "his calls keep naming him",
}
UNIQUE = {"experts": "extension", "numbers": "e164"}


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False, comment="who did it, in the audit log"),
        sa.Column("prefix", sa.String(), nullable=False, comment="the public beginning of the key"),
        sa.Column(
            "secret_hash",
            sa.String(),
            nullable=False,
            comment="SHA-256; the key itself is kept nowhere",
        ),
        sa.Column("scopes", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "last_used_at", sa.DateTime(timezone=True), nullable=True, comment="to the minute"
        ),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "scopes <@ ARRAY['read', 'manage', 'money', 'calls', 'admin']::varchar[]"
            " AND cardinality(scopes) > 0",
            name=op.f("ck_api_keys_scopes"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("name", name=op.f("uq_api_keys_name")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
    )
    for table, comment in REMOVABLE.items():
        removed_at = sa.Column(
            "removed_at", sa.DateTime(timezone=True), nullable=True, comment=comment
        )
        version = sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False)
        op.add_column(table, removed_at)
        op.add_column(table, version)
    for table, column in UNIQUE.items():
        op.drop_constraint(op.f(f"uq_{table}_{column}"), table, type_="unique")
        op.create_index(
            f"uq_{table}_{column}_kept",
            table,
            [column],
            unique=True,
            postgresql_where=sa.text("removed_at IS NULL"),
        )
    op.alter_column(
        "experts", "extension", comment="free for others once he is removed", nullable=False
    )


def downgrade() -> None:
    op.alter_column("experts", "extension", comment=None, nullable=False)
    for table, column in UNIQUE.items():
        op.drop_index(f"uq_{table}_{column}_kept", table_name=table)
        op.create_unique_constraint(op.f(f"uq_{table}_{column}"), table, [column])
    for table in REMOVABLE:
        op.drop_column(table, "version")
        op.drop_column(table, "removed_at")
    op.drop_table("api_keys")
