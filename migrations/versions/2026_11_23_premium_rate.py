# ruff: noqa: E501
"""Premium-rate numbers: their terms, sessions without a wallet, what is expected of carriers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_23_premium_rate"
down_revision = "2026_11_23_settled_at"
branch_labels = None
depends_on = None

KINDS = (
    "kind IN ('wallet', 'clearing', 'expert-payable', 'platform-revenue', 'tax', 'cash',"
    " 'vouchers-issued', 'goodwill', 'carrier-expected', 'carrier-due'{})"
)
OWNED = "(kind IN ('wallet', 'expert-payable', 'carrier-expected', 'carrier-due'{})) = (owner IS NOT NULL)"
ONLY_ADDED = ("premium_terms", "premium_settlements")


def account_kinds(kinds: str, owned: str) -> None:
    for name in ("kind", "owner"):
        op.drop_constraint(op.f(f"ck_ledger_accounts_{name}"), "ledger_accounts", type_="check")
    op.create_check_constraint(
        op.f("ck_ledger_accounts_kind"), "ledger_accounts", KINDS.format(kinds)
    )
    op.create_check_constraint(
        op.f("ck_ledger_accounts_owner"), "ledger_accounts", OWNED.format(owned)
    )


def upgrade() -> None:
    account_kinds(", 'expert-expected', 'platform-expected'", ", 'expert-expected'")
    op.create_table(
        "premium_spendings",
        sa.Column("caller_number", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column(
            "began_on",
            sa.String(),
            nullable=False,
            comment="2026-11-22 or 2026-11, in the number's time zone",
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("posted", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("pending", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("period IN ('day', 'month')", name=op.f("ck_premium_spendings_period")),
        sa.CheckConstraint(
            "posted >= 0 AND pending >= 0", name=op.f("ck_premium_spendings_amounts")
        ),
        sa.PrimaryKeyConstraint(
            "caller_number", "period", "began_on", "currency", name=op.f("pk_premium_spendings")
        ),
    )
    op.create_table(
        "premium_settlements",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("answered_ms", sa.BigInteger(), nullable=True, comment="null: never answered"),
        sa.Column("released_ms", sa.BigInteger(), nullable=True),
        sa.Column(
            "metered_seconds",
            sa.BigInteger(),
            nullable=False,
            comment="the carrier's meter, as we expect it",
        ),
        sa.Column(
            "retail",
            sa.BigInteger(),
            nullable=False,
            comment="what the caller pays his phone company",
        ),
        sa.Column(
            "outpayment",
            sa.BigInteger(),
            nullable=False,
            comment="what the carrier is expected to pay us",
        ),
        sa.Column("expert", sa.BigInteger(), nullable=False),
        sa.Column("platform", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(answered_ms IS NULL) = (released_ms IS NULL) AND (answered_ms IS NULL) = (metered_seconds = 0)",
            name=op.f("ck_premium_settlements_meter"),
        ),
        sa.CheckConstraint(
            "outpayment = expert + platform", name=op.f("ck_premium_settlements_parts")
        ),
        sa.CheckConstraint(
            "retail >= 0 AND expert >= 0 AND platform >= 0",
            name=op.f("ck_premium_settlements_amounts"),
        ),
        sa.ForeignKeyConstraint(
            ["call_id"], ["settlements.call_id"], name=op.f("fk_premium_settlements_call_id")
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_premium_settlements")),
    )
    op.create_table(
        "premium_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("retail_per_minute", sa.BigInteger(), nullable=False, comment="tax included"),
        sa.Column("retail_per_call", sa.BigInteger(), nullable=False, comment="tax included"),
        sa.Column(
            "outpayment_per_minute",
            sa.BigInteger(),
            nullable=False,
            comment="what the carrier pays us",
        ),
        sa.Column("outpayment_per_call", sa.BigInteger(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False, comment="the trunk's name"),
        sa.Column(
            "announced_by", sa.String(), nullable=False, comment="who tells the caller the price"
        ),
        sa.Column("country", sa.String(), nullable=False, comment="ISO 3166; whose rules hold"),
        sa.Column("publisher", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column(
            "time_zone",
            sa.String(),
            nullable=False,
            comment="whose days and months the caps count by",
        ),
        sa.Column("maximum_seconds", sa.BigInteger(), nullable=False),
        sa.Column("maximum_charge", sa.BigInteger(), nullable=True, comment="of one call"),
        sa.Column("day_maximum", sa.BigInteger(), nullable=True, comment="of one caller number"),
        sa.Column("month_maximum", sa.BigInteger(), nullable=True, comment="of one caller number"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "announced_by IN ('carrier', 'us')", name=op.f("ck_premium_terms_announced_by")
        ),
        sa.CheckConstraint(
            "maximum_seconds > 0 AND maximum_charge >= 0 AND day_maximum >= 0 AND month_maximum >= 0",
            name=op.f("ck_premium_terms_caps"),
        ),
        sa.CheckConstraint(
            "retail_per_minute >= 0 AND retail_per_call >= 0 AND outpayment_per_minute >= 0 AND outpayment_per_call >= 0",
            name=op.f("ck_premium_terms_amounts"),
        ),
        sa.ForeignKeyConstraint(
            ["number_id"], ["numbers.id"], name=op.f("fk_premium_terms_number_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_premium_terms")),
        sa.UniqueConstraint(
            "number_id", "valid_from", name=op.f("uq_premium_terms_number_id_valid_from")
        ),
    )
    op.create_table(
        "premium_sessions",
        sa.Column("session_id", sa.Uuid(), nullable=False, comment="the call's id"),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("number_id", sa.Uuid(), nullable=False),
        sa.Column("terms_id", sa.Uuid(), nullable=False),
        sa.Column(
            "terms",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="the terms, in full",
        ),
        sa.Column(
            "rules",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="the rule set for this call, in full",
        ),
        sa.Column("expert_id", sa.Uuid(), nullable=True),
        sa.Column(
            "share",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="the share rule, in full",
        ),
        sa.Column(
            "caller_number",
            sa.String(),
            nullable=True,
            comment="whose day and month this counts in",
        ),
        sa.Column(
            "limits",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="day and month caps that it counts under",
        ),
        sa.Column(
            "cap_seconds", sa.BigInteger(), nullable=False, comment="from the caller's answer"
        ),
        sa.Column(
            "cap_by", sa.String(), nullable=False, comment="whether time or money ends it there"
        ),
        sa.Column(
            "held",
            sa.BigInteger(),
            nullable=False,
            comment="retail price of cap_seconds, held under the caps",
        ),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "cap_by IN ('seconds', 'amount')", name=op.f("ck_premium_sessions_cap_by")
        ),
        sa.CheckConstraint(
            "state IN ('opened', 'settled')", name=op.f("ck_premium_sessions_state")
        ),
        sa.CheckConstraint(
            "(expert_id IS NULL) = (share IS NULL)", name=op.f("ck_premium_sessions_expert")
        ),
        sa.CheckConstraint("cap_seconds > 0 AND held >= 0", name=op.f("ck_premium_sessions_cap")),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_premium_sessions_expert_id")
        ),
        sa.ForeignKeyConstraint(
            ["number_id"], ["numbers.id"], name=op.f("fk_premium_sessions_number_id")
        ),
        sa.ForeignKeyConstraint(
            ["terms_id"], ["premium_terms.id"], name=op.f("fk_premium_sessions_terms_id")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_premium_sessions")),
    )
    for table in ONLY_ADDED:
        op.execute(
            f"CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in ONLY_ADDED:
        op.execute(f"DROP TRIGGER {table}_only_added ON {table}")
    op.drop_table("premium_sessions")
    op.drop_table("premium_terms")
    op.drop_table("premium_settlements")
    op.drop_table("premium_spendings")
    account_kinds("", "")
