"""Money that an operator moves by hand: credits, debits, credit paid back."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_24_adjustments"
down_revision = "2026_11_24_refunds_bounded"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "adjustments",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column(
            "kind",
            sa.String(),
            nullable=False,
            comment="adjustment: of the platform's goodwill; paid-back: credit left as cash",
        ),
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column(
            "account_id",
            sa.Uuid(),
            nullable=False,
            comment="the wallet, or what is payable to an expert",
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "amount",
            sa.BigInteger(),
            nullable=False,
            comment="ledger units; below 0: taken from the account",
        ),
        sa.Column(
            "reason", sa.String(), nullable=False, comment="a code, e.g. goodwill, account-closed"
        ),
        sa.Column("note", sa.String(), nullable=False, comment="why, in words"),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('adjustment', 'paid-back')", name=op.f("ck_adjustments_kind")),
        sa.CheckConstraint(
            "amount <> 0 AND (kind = 'adjustment' OR amount < 0)",
            name=op.f("ck_adjustments_amount"),
        ),
        sa.CheckConstraint("note <> ''", name=op.f("ck_adjustments_note")),
        sa.ForeignKeyConstraint(
            ["account_id", "currency"],
            ["ledger_accounts.id", "ledger_accounts.currency"],
            name=op.f("fk_adjustments_account_id_currency"),
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfers.id"], name=op.f("fk_adjustments_transfer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjustments")),
        sa.UniqueConstraint("transfer_id", name=op.f("uq_adjustments_transfer_id")),
    )
    op.create_index(op.f("ix_adjustments_account_id"), "adjustments", ["account_id"])
    op.create_index(op.f("ix_adjustments_made_at"), "adjustments", ["made_at"])
    op.execute(
        "CREATE TRIGGER adjustments_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON adjustments"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("adjustments")
