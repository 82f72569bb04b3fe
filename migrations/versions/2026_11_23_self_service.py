"""Vouchers, experts' PINs, hours and price bounds, and numbers that are self-service lines."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_self_service"
down_revision = "2026_11_23_trunks"
branch_labels = None
depends_on = None

KINDS = "kind IN ('menu', 'direct', 'account-line', 'expert-line')"
KINDS_BEFORE = "kind IN ('menu', 'direct')"


def upgrade() -> None:
    _vouchers()
    _experts()
    op.drop_constraint(op.f("ck_numbers_kind"), "numbers", type_="check")
    op.create_check_constraint(op.f("ck_numbers_kind"), "numbers", KINDS)


def _vouchers() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "voucher_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column(
            "amount", sa.BigInteger(), nullable=False, comment="of each voucher, in ledger units"
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column(
            "key_check",
            sa.String(),
            nullable=False,
            comment="tells the key its codes are hashed with",
        ),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("voided_at", moment, nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_voucher_batches_amount")),
        sa.CheckConstraint("count > 0", name=op.f("ck_voucher_batches_count")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voucher_batches")),
    )
    op.create_table(
        "vouchers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column(
            "code_hash", sa.String(), nullable=False, comment="keyed; the code is kept nowhere"
        ),
        sa.Column("redeemed_at", moment, nullable=True),
        sa.Column("redeemed_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(redeemed_at IS NULL) = (redeemed_by IS NULL)", name=op.f("ck_vouchers_redeemed")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["voucher_batches.id"], name=op.f("fk_vouchers_batch_id")
        ),
        sa.ForeignKeyConstraint(
            ["redeemed_by"], ["caller_accounts.id"], name=op.f("fk_vouchers_redeemed_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vouchers")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_vouchers_code_hash")),
    )
    op.create_index(op.f("ix_vouchers_batch_id"), "vouchers", ["batch_id"])
    op.create_index(op.f("ix_vouchers_redeemed_by"), "vouchers", ["redeemed_by"])
    op.create_table(
        "voucher_tries",
        sa.Column("subject", sa.String(), nullable=False, comment="account:… or source:…"),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_voucher_tries_failures")),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_voucher_tries")),
    )


def _experts() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column(
        "experts",
        sa.Column(
            "available_until",
            moment,
            nullable=True,
            comment="on line up to then, whatever his hours; null: until he says otherwise",
        ),
    )
    op.add_column(
        "experts",
        sa.Column(
            "time_zone",
            sa.String(),
            server_default="Europe/Paris",
            nullable=False,
            comment="whose hours and days are his",
        ),
    )
    op.add_column(
        "experts",
        sa.Column(
            "price_min",
            sa.BigInteger(),
            nullable=True,
            comment="the least he may ask a minute, in ledger units; null: he may not change it",
        ),
    )
    op.add_column("experts", sa.Column("price_max", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_experts_until"), "experts", "available_until IS NULL OR presence = 'available'"
    )
    op.create_check_constraint(
        op.f("ck_experts_price_bounds"),
        "experts",
        "(price_min IS NULL) = (price_max IS NULL) AND price_min >= 0 AND price_max >= price_min",
    )
    op.create_table(
        "expert_pins",
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column(
            "pin_hash",
            sa.String(),
            nullable=False,
            comment="argon2id; the PIN itself is kept nowhere",
        ),
        sa.Column(
            "failures",
            sa.BigInteger(),
            nullable=False,
            comment="since the last lockout or right PIN",
        ),
        sa.Column(
            "lockouts",
            sa.BigInteger(),
            nullable=False,
            comment="in a row; each is twice as long as the last",
        ),
        sa.Column("locked_until", moment, nullable=True),
        sa.CheckConstraint("failures >= 0 AND lockouts >= 0", name=op.f("ck_expert_pins_counts")),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_expert_pins_expert_id")
        ),
        sa.PrimaryKeyConstraint("expert_id", name=op.f("pk_expert_pins")),
    )
    op.create_table(
        "expert_hours",
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.BigInteger(), nullable=False, comment="0 is Monday"),
        sa.Column("from_minute", sa.BigInteger(), nullable=False, comment="of his own day"),
        sa.Column(
            "to_minute", sa.BigInteger(), nullable=False, comment="not included; 1440 is midnight"
        ),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_expert_hours_weekday")),
        sa.CheckConstraint(
            "0 <= from_minute AND from_minute < to_minute AND to_minute <= 1440",
            name=op.f("ck_expert_hours_minutes"),
        ),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_expert_hours_expert_id")
        ),
        sa.PrimaryKeyConstraint(
            "expert_id", "weekday", "from_minute", name=op.f("pk_expert_hours")
        ),
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_numbers_kind"), "numbers", type_="check")
    op.create_check_constraint(op.f("ck_numbers_kind"), "numbers", KINDS_BEFORE)
    op.drop_table("expert_hours")
    op.drop_table("expert_pins")
    op.drop_constraint(op.f("ck_experts_price_bounds"), "experts", type_="check")
    op.drop_constraint(op.f("ck_experts_until"), "experts", type_="check")
    for column in ("price_max", "price_min", "time_zone", "available_until"):
        op.drop_column("experts", column)
    op.drop_table("voucher_tries")
    op.drop_table("vouchers")
    op.drop_table("voucher_batches")
