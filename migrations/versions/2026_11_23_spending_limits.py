"""One kind of counters for all spending limits, and the operator's limits."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_spending_limits"
down_revision = "2026_11_23_orders_in_talks"
branch_labels = None
depends_on = None

# What a call counts under was kept without whose limit it is: it was the caller's own. The most of
# one call stood beside it.
FREEZE = """
    UPDATE charging_sessions AS s SET limits = coalesce((
        SELECT jsonb_agg(l || jsonb_build_object('scope', 'caller', 'owner', s.account_id::text))
            FROM jsonb_array_elements(s.limits) AS l
    ), '[]'::jsonb) || CASE WHEN s.call_limit IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(
        jsonb_build_object('scope', 'caller', 'owner', s.account_id::text, 'period', 'call',
            'began_on', '', 'amount', s.call_limit)) END
    WHERE s.limits <> '[]'::jsonb OR s.call_limit IS NOT NULL
"""
THAW = """
    UPDATE charging_sessions AS s SET call_limit = (
        SELECT (l ->> 'amount')::bigint FROM jsonb_array_elements(s.limits) AS l
            WHERE l ->> 'scope' = 'caller' AND l ->> 'period' = 'call'
    ), limits = coalesce((
        SELECT jsonb_agg(l - 'scope' - 'owner') FROM jsonb_array_elements(s.limits) AS l
            WHERE l ->> 'scope' = 'caller' AND l ->> 'period' <> 'call'
    ), '[]'::jsonb)
    WHERE s.limits <> '[]'::jsonb
"""
SCOPES = "('caller', 'caller-by-operator', 'caller-on-number', 'number', 'operator')"


def upgrade() -> None:
    op.create_table(
        "spending_limits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "number_id",
            sa.Uuid(),
            nullable=True,
            comment="null: the operator's, for all of his numbers",
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("per_call", sa.BigInteger(), nullable=True),
        sa.Column("per_caller_day", sa.BigInteger(), nullable=True),
        sa.Column("per_caller_month", sa.BigInteger(), nullable=True),
        sa.Column("per_day", sa.BigInteger(), nullable=True, comment="all callers together"),
        sa.Column(
            "time_zone",
            sa.String(),
            nullable=False,
            comment="whose days and months it counts by",
        ),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "per_call >= 0 AND per_caller_day >= 0 AND per_caller_month >= 0 AND per_day >= 0",
            name=op.f("ck_spending_limits_amounts"),
        ),
        sa.ForeignKeyConstraint(
            ["number_id"], ["numbers.id"], name=op.f("fk_spending_limits_number_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spending_limits")),
        sa.UniqueConstraint(
            "number_id",
            "currency",
            name=op.f("uq_spending_limits_number_id_currency"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.add_column(
        "grants",
        sa.Column(
            "limit_reached",
            sa.String(),
            nullable=True,
            comment="the spending limit that makes it final; null: credit or tariff, or not final",
        ),
    )
    op.execute(FREEZE)
    op.drop_column("charging_sessions", "call_limit")
    op.add_column(
        "spendings",
        sa.Column(
            "scope",
            sa.String(),
            nullable=False,
            server_default="caller",
            comment="whose calls count together",
        ),
    )
    op.add_column(
        "spendings",
        sa.Column(
            "owner",
            sa.String(),
            nullable=True,
            comment="what the scope is about: account, number, currency",
        ),
    )
    op.execute("UPDATE spendings SET owner = account_id::text")
    op.alter_column("spendings", "owner", nullable=False)
    op.alter_column("spendings", "scope", server_default=None)
    op.alter_column(
        "spendings",
        "began_on",
        comment="2026-11-22 or 2026-11, in the time zone of the limit",
        existing_comment="2026-11-22 or 2026-11, in the account's time zone",
    )
    op.drop_constraint("pk_spendings", "spendings")
    op.drop_column("spendings", "account_id")
    op.create_primary_key("pk_spendings", "spendings", ["scope", "owner", "period", "began_on"])
    op.create_check_constraint(op.f("ck_spendings_scope"), "spendings", f"scope IN {SCOPES}")


def downgrade() -> None:
    op.execute("DELETE FROM spendings WHERE scope <> 'caller'")
    op.drop_constraint("ck_spendings_scope", "spendings")
    op.drop_constraint("pk_spendings", "spendings")
    op.add_column("spendings", sa.Column("account_id", sa.Uuid(), nullable=True))
    op.execute("UPDATE spendings SET account_id = owner::uuid")
    op.alter_column("spendings", "account_id", nullable=False)
    op.create_foreign_key(
        op.f("fk_spendings_account_id"),
        "spendings",
        "caller_accounts",
        ["account_id"],
        ["id"],
    )
    op.create_primary_key("pk_spendings", "spendings", ["account_id", "period", "began_on"])
    op.drop_column("spendings", "owner")
    op.drop_column("spendings", "scope")
    op.alter_column(
        "spendings",
        "began_on",
        comment="2026-11-22 or 2026-11, in the account's time zone",
        existing_comment="2026-11-22 or 2026-11, in the time zone of the limit",
    )
    op.add_column(
        "charging_sessions",
        sa.Column(
            "call_limit", sa.BigInteger(), nullable=True, comment="the caller's, ledger units"
        ),
    )
    op.execute(THAW)
    op.drop_column("grants", "limit_reached")
    op.drop_table("spending_limits")
