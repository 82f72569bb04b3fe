"""What went back of calls; upheld disputes get their row, and free their spending limits."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_refunds"
down_revision = "2026_11_23_restarts"
branch_labels = None
depends_on = None

# Of each upheld dispute, who got how much back and who gave it, from its transfers.
RETURNED = """
    INSERT INTO refunds (id, call_id, currency, amount, tax, expert, platform, reason, note,
            borne_by, made_by, made_at)
        SELECT d.id, d.call_id, d.currency, m.tax + m.expert + m.platform, m.tax, m.expert,
                m.platform, 'dispute-upheld', d.note, 'shared', d.opened_by, d.closed_at
            FROM disputes d
            JOIN LATERAL (
                SELECT coalesce(sum(e.amount) FILTER (WHERE a.kind = 'tax'), 0) AS tax,
                        coalesce(sum(e.amount) FILTER (WHERE a.kind LIKE 'expert-%'), 0) AS expert,
                        coalesce(sum(e.amount) FILTER (WHERE a.kind LIKE 'platform-%'), 0)
                            AS platform
                    FROM (
                        SELECT debit_id AS account_id, amount FROM transfers
                            WHERE call_id = d.call_id AND reason = 'dispute-upheld'
                        UNION ALL
                        SELECT credit_id, -amount FROM transfers
                            WHERE call_id = d.call_id AND reason = 'dispute-upheld'
                    ) AS e JOIN ledger_accounts a ON a.id = e.account_id
            ) AS m ON true
            WHERE d.state = 'upheld' AND d.currency IS NOT NULL
"""

FREED = """
    UPDATE spendings p SET posted = p.posted - f.amount
        FROM (
            SELECT l ->> 'scope' AS scope, l ->> 'owner' AS owner, l ->> 'period' AS period,
                    l ->> 'began_on' AS began_on, sum(r.amount) AS amount
                FROM refunds r
                JOIN charging_sessions s ON s.session_id = r.call_id
                CROSS JOIN LATERAL jsonb_array_elements(s.limits) AS l
                GROUP BY 1, 2, 3, 4
        ) AS f
        WHERE (p.scope, p.owner, p.period, p.began_on)
            = (f.scope, f.owner, f.period, f.began_on)
"""


def upgrade() -> None:
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "amount",
            sa.BigInteger(),
            nullable=False,
            comment="ledger units that went back to who paid; 0: his debt was written off before",
        ),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("expert", sa.BigInteger(), nullable=False),
        sa.Column("platform", sa.BigInteger(), nullable=False),
        sa.Column(
            "reason",
            sa.String(),
            nullable=False,
            comment="a code, e.g. service-fault, dispute-upheld",
        ),
        sa.Column("note", sa.String(), nullable=False, comment="why, in words"),
        sa.Column(
            "borne_by",
            sa.String(),
            nullable=False,
            comment="shared: all give; platform: the expert doesn't",
        ),
        sa.Column(
            "seconds",
            sa.BigInteger(),
            nullable=True,
            comment="of talk; null: an amount was given back",
        ),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount = tax + expert + platform AND amount >= 0", name=op.f("ck_refunds_parts")
        ),
        sa.CheckConstraint("borne_by IN ('shared', 'platform')", name=op.f("ck_refunds_borne_by")),
        sa.CheckConstraint("seconds > 0", name=op.f("ck_refunds_seconds")),
        sa.ForeignKeyConstraint(
            ["call_id"], ["settlements.call_id"], name=op.f("fk_refunds_call_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
    )
    op.create_index(op.f("ix_refunds_call_id"), "refunds", ["call_id"])
    op.execute(RETURNED)
    op.execute(FREED)


def downgrade() -> None:
    op.execute(FREED.replace("p.posted - f.amount", "p.posted + f.amount"))
    op.drop_table("refunds")
