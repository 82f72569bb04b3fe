"""Carriers' statements: layouts, files imported, their lines, what they say of our calls."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_23_statements"
down_revision = "2026_11_23_message_alarms"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        op.f("ix_premium_settlements_carrier_answered_ms"),
        "premium_settlements",
        ["carrier", "answered_ms"],
    )
    op.create_table(
        "statement_layouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False, comment="the trunk's name"),
        sa.Column(
            "layout",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="all of it, as JSON",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement_layouts")),
        sa.UniqueConstraint("name", name=op.f("uq_statement_layouts_name")),
    )
    op.create_table(
        "statements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("layout_id", sa.Uuid(), nullable=False),
        sa.Column(
            "layout",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="as it was when the file was read",
        ),
        sa.Column(
            "non_payment",
            sa.String(),
            nullable=False,
            comment="who bears calls that are never paid",
        ),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("file_hash", sa.String(length=64), nullable=False, comment="SHA-256 of the file"),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False, comment="not included"),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by", sa.String(), nullable=False),
        sa.Column("signed_off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_off_by", sa.String(), nullable=True),
        sa.CheckConstraint("kind IN ('per-call', 'aggregate')", name=op.f("ck_statements_kind")),
        sa.CheckConstraint(
            "non_payment IN ('platform', 'shared')", name=op.f("ck_statements_non_payment")
        ),
        sa.CheckConstraint("from_at < until", name=op.f("ck_statements_period")),
        sa.CheckConstraint(
            "(signed_off_at IS NULL) = (signed_off_by IS NULL)",
            name=op.f("ck_statements_signed_off"),
        ),
        sa.ForeignKeyConstraint(
            ["layout_id"], ["statement_layouts.id"], name=op.f("fk_statements_layout_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statements")),
        sa.UniqueConstraint("carrier", "file_hash", name=op.f("uq_statements_carrier_file_hash")),
    )
    op.create_index(op.f("ix_statements_imported_at_id"), "statements", ["imported_at", "id"])
    op.create_table(
        "statement_lines",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("file_line", sa.BigInteger(), nullable=True, comment="null: no line of the file"),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column(
            "caller", sa.String(), nullable=True, comment="as the carrier has it, perhaps masked"
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "ends_at", sa.DateTime(timezone=True), nullable=True, comment="of a sum's period"
        ),
        sa.Column("seconds", sa.BigInteger(), nullable=True),
        sa.Column("calls", sa.BigInteger(), nullable=True, comment="as the carrier counts them"),
        sa.Column("carrier_id", sa.String(), nullable=True),
        sa.Column(
            "amount",
            sa.BigInteger(),
            nullable=False,
            comment="what the carrier lists; of a missing call 0",
        ),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("within", sa.Boolean(), nullable=False, comment="differs by rounding only"),
        sa.CheckConstraint(
            "outcome IN ('confirmed', 'corrected', 'unknown', 'repeated', 'missing')",
            name=op.f("ck_statement_lines_outcome"),
        ),
        sa.CheckConstraint(
            "amount >= 0 AND expected >= 0", name=op.f("ck_statement_lines_amounts")
        ),
        sa.CheckConstraint(
            "(file_line IS NULL) = (outcome = 'missing')",
            name=op.f("ck_statement_lines_file_line"),
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.id"], name=op.f("fk_statement_lines_statement_id")
        ),
        sa.PrimaryKeyConstraint("statement_id", "position", name=op.f("pk_statement_lines")),
    )
    op.create_index(
        op.f("ix_statement_lines_statement_id_outcome_position"),
        "statement_lines",
        ["statement_id", "outcome", "position"],
    )
    op.create_table(
        "statement_calls",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column(
            "listed",
            sa.Boolean(),
            nullable=False,
            comment="false: the statement doesn't have the call",
        ),
        sa.Column(
            "amount", sa.BigInteger(), nullable=False, comment="what the carrier pays for it"
        ),
        sa.Column("expert", sa.BigInteger(), nullable=False),
        sa.Column(
            "platform",
            sa.BigInteger(),
            nullable=False,
            comment="below 0: it pays the expert itself",
        ),
        sa.Column(
            "applied_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when its money moved",
        ),
        sa.CheckConstraint("amount = expert + platform", name=op.f("ck_statement_calls_parts")),
        sa.CheckConstraint("amount >= 0 AND expert >= 0", name=op.f("ck_statement_calls_amounts")),
        sa.CheckConstraint("listed OR amount = 0", name=op.f("ck_statement_calls_missing")),
        sa.ForeignKeyConstraint(
            ["statement_id", "position"],
            ["statement_lines.statement_id", "statement_lines.position"],
            name=op.f("fk_statement_calls_statement_id_position"),
        ),
        sa.ForeignKeyConstraint(
            ["call_id"], ["premium_settlements.call_id"], name=op.f("fk_statement_calls_call_id")
        ),
        sa.PrimaryKeyConstraint(
            "statement_id", "position", "call_id", name=op.f("pk_statement_calls")
        ),
    )
    op.create_index(op.f("ix_statement_calls_call_id"), "statement_calls", ["call_id"])
    op.create_index(
        "uq_statement_calls_listed",
        "statement_calls",
        ["call_id"],
        unique=True,
        postgresql_where=sa.text("listed"),
    )
    op.create_index(
        "uq_statement_calls_written_off",
        "statement_calls",
        ["call_id"],
        unique=True,
        postgresql_where=sa.text("NOT listed AND applied_at IS NOT NULL"),
    )
    op.execute(
        "CREATE TRIGGER statement_lines_only_added BEFORE UPDATE OR DELETE OR TRUNCATE"
        " ON statement_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER statement_lines_only_added ON statement_lines")
    op.drop_table("statement_calls")
    op.drop_table("statement_lines")
    op.drop_table("statements")
    op.drop_table("statement_layouts")
    op.drop_index(
        op.f("ix_premium_settlements_carrier_answered_ms"), table_name="premium_settlements"
    )
