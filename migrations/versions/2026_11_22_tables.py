# ruff: noqa: E501
"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_22_tables"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "actor",
            sa.String(),
            nullable=False,
            comment="who, e.g. the operating system's user name",
        ),
        sa.Column(
            "action", sa.String(), nullable=False, comment="what was done, e.g. tariff-added"
        ),
        sa.Column(
            "subject", sa.String(), nullable=False, comment="the kind of thing changed, e.g. tariff"
        ),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="the values set; never a PIN or secret",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index(
        op.f("ix_audit_entries_subject_subject_id"),
        "audit_entries",
        ["subject", "subject_id"],
        unique=False,
    )
    op.create_table(
        "cel_offsets",
        sa.Column("file_key", sa.String(), nullable=False),
        sa.Column("offset_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("file_key", name=op.f("pk_cel_offsets")),
    )
    op.create_table(
        "cel_records",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "event", sa.String(), nullable=False, comment="CHAN_START, BRIDGE_ENTER, …; never DTMF"
        ),
        sa.Column("at_us", sa.BigInteger(), nullable=False, comment="microseconds since the epoch"),
        sa.Column("channel_id", sa.String(), nullable=False),
        sa.Column("linked_id", sa.String(), nullable=False),
        sa.Column("bridge_id", sa.String(), nullable=True),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cel_records")),
        sa.UniqueConstraint(
            "channel_id",
            "at_us",
            "event",
            "bridge_id",
            name=op.f("uq_cel_records_channel_id_at_us_event_bridge_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(op.f("ix_cel_records_linked_id"), "cel_records", ["linked_id"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column(
            "request_hash",
            sa.String(),
            nullable=False,
            comment="SHA-256 of what was asked under the key",
        ),
        sa.Column(
            "answer",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="null only inside a transaction",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_idempotency_keys")),
    )
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column(
            "owner", sa.Uuid(), nullable=True, comment="the caller, expert or carrier it is for"
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(kind IN ('wallet', 'expert-payable', 'carrier-expected', 'carrier-due')) = (owner IS NOT NULL)",
            name=op.f("ck_ledger_accounts_owner"),
        ),
        sa.CheckConstraint(
            "kind IN ('wallet', 'clearing', 'expert-payable', 'platform-revenue', 'tax', 'cash', 'vouchers-issued', 'goodwill', 'carrier-expected', 'carrier-due')",
            name=op.f("ck_ledger_accounts_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_accounts")),
        sa.UniqueConstraint("id", "currency", name=op.f("uq_ledger_accounts_id_currency")),
        sa.UniqueConstraint(
            "kind",
            "owner",
            "currency",
            name=op.f("uq_ledger_accounts_kind_owner_currency"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "settlements",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("no_payer", sa.String(), nullable=True, comment="why nobody was to pay"),
        sa.Column(
            "currency", sa.String(length=3), nullable=True, comment="null: no price was quoted"
        ),
        sa.Column("charge", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("expert", sa.BigInteger(), nullable=False),
        sa.Column("platform", sa.BigInteger(), nullable=False),
        sa.Column("used_seconds", sa.BigInteger(), nullable=False),
        sa.Column("billed_seconds", sa.BigInteger(), nullable=False),
        sa.Column(
            "overrun_ms",
            sa.BigInteger(),
            nullable=False,
            comment="talk past the grant; the platform's loss",
        ),
        sa.Column(
            "wallet_available", sa.BigInteger(), nullable=True, comment="as the caller was told it"
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("charge = tax + expert + platform", name=op.f("ck_settlements_parts")),
        sa.CheckConstraint(
            "charge >= 0 AND tax >= 0 AND expert >= 0 AND platform >= 0",
            name=op.f("ck_settlements_amounts"),
        ),
        sa.CheckConstraint(
            "currency IS NOT NULL OR charge = 0", name=op.f("ck_settlements_currency")
        ),
        sa.CheckConstraint(
            "used_seconds >= 0 AND billed_seconds BETWEEN 0 AND used_seconds AND overrun_ms >= 0",
            name=op.f("ck_settlements_seconds"),
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_settlements")),
    )
    op.create_table(
        "tariffs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariffs")),
        sa.UniqueConstraint("name", name=op.f("uq_tariffs_name")),
    )
    op.create_table(
        "trunks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False, comment="as the dialplan hands it over"),
        sa.Column(
            "trusted",
            sa.Boolean(),
            nullable=False,
            comment="whether its caller ids are vouched for",
        ),
        sa.Column(
            "region",
            sa.String(),
            nullable=False,
            comment="ISO 3166 country of its national numbers",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trunks")),
        sa.UniqueConstraint("name", name=op.f("uq_trunks_name")),
    )
    op.create_table(
        "caller_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column(
            "pin_hash",
            sa.String(),
            nullable=False,
            comment="argon2id; the PIN itself is kept nowhere",
        ),
        sa.Column(
            "time_zone",
            sa.String(),
            nullable=False,
            comment="whose days and months its limits count by",
        ),
        sa.Column(
            "number_alone_limit",
            sa.BigInteger(),
            nullable=True,
            comment="spent a day without a PIN from a trusted trunk; null: a PIN always",
        ),
        sa.Column("call_limit", sa.BigInteger(), nullable=True),
        sa.Column("day_limit", sa.BigInteger(), nullable=True),
        sa.Column("month_limit", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "number_alone_limit >= 0 AND call_limit >= 0 AND day_limit >= 0 AND month_limit >= 0",
            name=op.f("ck_caller_accounts_limits"),
        ),
        sa.ForeignKeyConstraint(
            ["wallet_id"], ["ledger_accounts.id"], name=op.f("fk_caller_accounts_wallet_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caller_accounts")),
        sa.UniqueConstraint("wallet_id", name=op.f("uq_caller_accounts_wallet_id")),
    )
    op.create_table(
        "experts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("presence", sa.String(), nullable=False),
        sa.Column("tariff_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("extension ~ '^[0-9]{1,8}$'", name=op.f("ck_experts_extension")),
        sa.CheckConstraint(
            "presence IN ('available', 'there-but-not-available', 'away')",
            name=op.f("ck_experts_presence"),
        ),
        sa.ForeignKeyConstraint(["tariff_id"], ["tariffs.id"], name=op.f("fk_experts_tariff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experts")),
        sa.UniqueConstraint("extension", name=op.f("uq_experts_extension")),
    )
    op.create_table(
        "tariff_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tariff_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("price_per_minute", sa.BigInteger(), nullable=False),
        sa.Column("connect_fee", sa.BigInteger(), nullable=False),
        sa.Column("minimum_charge", sa.BigInteger(), nullable=False),
        sa.Column("maximum_charge", sa.BigInteger(), nullable=True, comment="null: no bound"),
        sa.Column("first_increment_seconds", sa.BigInteger(), nullable=False),
        sa.Column("next_increment_seconds", sa.BigInteger(), nullable=False),
        sa.Column("free_seconds", sa.BigInteger(), nullable=False),
        sa.Column("maximum_seconds", sa.BigInteger(), nullable=False),
        sa.Column("tax_basis_points", sa.BigInteger(), nullable=False, comment="2000 is 20 %"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "first_increment_seconds > 0 AND next_increment_seconds > 0 AND free_seconds >= 0 AND maximum_seconds > 0",
            name=op.f("ck_tariff_versions_seconds"),
        ),
        sa.CheckConstraint(
            "price_per_minute >= 0 AND connect_fee >= 0 AND minimum_charge >= 0 AND (maximum_charge IS NULL OR maximum_charge >= 0)",
            name=op.f("ck_tariff_versions_amounts"),
        ),
        sa.CheckConstraint(
            "tax_basis_points BETWEEN 0 AND 10000", name=op.f("ck_tariff_versions_tax")
        ),
        sa.ForeignKeyConstraint(
            ["tariff_id"], ["tariffs.id"], name=op.f("fk_tariff_versions_tariff_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariff_versions")),
        sa.UniqueConstraint(
            "tariff_id", "valid_from", name=op.f("uq_tariff_versions_tariff_id_valid_from")
        ),
    )
    op.create_table(
        "transfers",
        sa.Column(
            "id",
            sa.Uuid(),
            nullable=False,
            comment="UUIDv5 of what it belongs to and its step: a retry hits the key",
        ),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "kind",
            sa.String(),
            nullable=False,
            comment="single: at once; pending: a hold; post, void: what became of a hold",
        ),
        sa.Column("debit_id", sa.Uuid(), nullable=False),
        sa.Column("credit_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "amount", sa.BigInteger(), nullable=False, comment="ledger units: 1.00 EUR is 10000"
        ),
        sa.Column("pending_id", sa.Uuid(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column(
            "reason", sa.String(), nullable=False, comment="e.g. hold, talk, released, tax, top-up"
        ),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "(kind IN ('post', 'void')) = (pending_id IS NOT NULL)",
            name=op.f("ck_transfers_refers_to_pending"),
        ),
        sa.CheckConstraint(
            "kind IN ('single', 'pending', 'post', 'void')", name=op.f("ck_transfers_kind")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_transfers_amount")),
        sa.CheckConstraint("debit_id <> credit_id", name=op.f("ck_transfers_two_accounts")),
        sa.ForeignKeyConstraint(
            ["credit_id", "currency"],
            ["ledger_accounts.id", "ledger_accounts.currency"],
            name=op.f("fk_transfers_credit_id_currency"),
        ),
        sa.ForeignKeyConstraint(
            ["debit_id", "currency"],
            ["ledger_accounts.id", "ledger_accounts.currency"],
            name=op.f("fk_transfers_debit_id_currency"),
        ),
        sa.ForeignKeyConstraint(
            ["pending_id"], ["transfers.id"], name=op.f("fk_transfers_pending_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        sa.UniqueConstraint("pending_id", "kind", name=op.f("uq_transfers_pending_id_kind")),
        sa.UniqueConstraint("position", name=op.f("uq_transfers_position")),
    )
    op.create_index(
        op.f("ix_transfers_call_id"),
        "transfers",
        ["call_id"],
        unique=False,
        postgresql_where=sa.text("call_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_transfers_credit_id_position"),
        "transfers",
        ["credit_id", "position"],
        unique=False,
    )
    op.create_index(
        op.f("ix_transfers_debit_id_position"), "transfers", ["debit_id", "position"], unique=False
    )
    op.create_table(
        "wallets",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("posted", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "pending",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="sum of open holds",
        ),
        sa.Column(
            "floor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="below 0: a credit line",
        ),
        sa.Column(
            "version",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="raised when the available amount rises",
        ),
        sa.CheckConstraint("pending >= 0", name=op.f("ck_wallets_pending")),
        sa.CheckConstraint("posted - pending >= floor", name=op.f("ck_wallets_floor")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_accounts.id"], name=op.f("fk_wallets_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_wallets")),
    )
    op.create_table(
        "caller_numbers",
        sa.Column("e164", sa.String(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["caller_accounts.id"], name=op.f("fk_caller_numbers_account_id")
        ),
        sa.PrimaryKeyConstraint("e164", name=op.f("pk_caller_numbers")),
    )
    op.create_index(
        op.f("ix_caller_numbers_account_id"), "caller_numbers", ["account_id"], unique=False
    )
    op.create_table(
        "expert_phones",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column(
            "endpoint",
            sa.String(),
            nullable=False,
            comment="an Asterisk PJSIP endpoint of our making",
        ),
        sa.CheckConstraint(
            "endpoint ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,78}$'", name=op.f("ck_expert_phones_endpoint")
        ),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_expert_phones_expert_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expert_phones")),
        sa.UniqueConstraint(
            "expert_id", "position", name=op.f("uq_expert_phones_expert_id_position")
        ),
    )
    op.create_table(
        "numbers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("e164", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column(
            "without_payer", sa.String(), nullable=False, comment="when nobody can be charged"
        ),
        sa.Column(
            "free_limit_seconds",
            sa.BigInteger(),
            nullable=False,
            comment="bounds a talk that nobody pays",
        ),
        sa.Column("expert_id", sa.Uuid(), nullable=True),
        sa.Column("tariff_id", sa.Uuid(), nullable=True, comment="wins over the expert's own"),
        sa.Column("open", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'direct') = (expert_id IS NOT NULL)", name=op.f("ck_numbers_direct_expert")
        ),
        sa.CheckConstraint("kind IN ('menu', 'direct')", name=op.f("ck_numbers_kind")),
        sa.CheckConstraint(
            "without_payer IN ('refuse', 'free')", name=op.f("ck_numbers_without_payer")
        ),
        sa.CheckConstraint("free_limit_seconds > 0", name=op.f("ck_numbers_free_limit")),
        sa.ForeignKeyConstraint(["expert_id"], ["experts.id"], name=op.f("fk_numbers_expert_id")),
        sa.ForeignKeyConstraint(["tariff_id"], ["tariffs.id"], name=op.f("fk_numbers_tariff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_numbers")),
        sa.UniqueConstraint("e164", name=op.f("uq_numbers_e164")),
    )
    op.create_table(
        "pin_states",
        sa.Column("account_id", sa.Uuid(), nullable=False),
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
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("failures >= 0 AND lockouts >= 0", name=op.f("ck_pin_states_counts")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["caller_accounts.id"], name=op.f("fk_pin_states_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_pin_states")),
    )
    op.create_table(
        "reservations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_reservations_expert_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
    )
    op.create_index(
        "uq_reservations_call_open",
        "reservations",
        ["call_id"],
        unique=True,
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_index(
        "uq_reservations_expert_open",
        "reservations",
        ["expert_id"],
        unique=True,
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "spendings",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column(
            "began_on",
            sa.String(),
            nullable=False,
            comment="2026-11-22 or 2026-11, in the account's time zone",
        ),
        sa.Column(
            "limit_amount", sa.BigInteger(), nullable=False, comment="as of the last hold under it"
        ),
        sa.Column("posted", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("pending", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "period IN ('day', 'month', 'number-alone')", name=op.f("ck_spendings_period")
        ),
        sa.CheckConstraint("posted + pending <= limit_amount", name=op.f("ck_spendings_limit")),
        sa.CheckConstraint("posted >= 0 AND pending >= 0", name=op.f("ck_spendings_amounts")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["caller_accounts.id"], name=op.f("fk_spendings_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "period", "began_on", name=op.f("pk_spendings")),
    )
    op.create_table(
        "calls",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("asterisk_id", sa.String(), nullable=False),
        sa.Column(
            "caller_channel",
            sa.String(),
            nullable=False,
            comment="Asterisk's unique id of the caller's leg",
        ),
        sa.Column(
            "expert_channel", sa.String(), nullable=True, comment="of the last expert's leg dialled"
        ),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("dialled", sa.String(), nullable=False),
        sa.Column(
            "caller_number", sa.String(), nullable=True, comment="E.164; null: withheld or unusable"
        ),
        sa.Column("trunk", sa.String(), nullable=True),
        sa.Column("trunk_trusted", sa.Boolean(), nullable=False),
        sa.Column("number_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column(
            "number_alone", sa.Boolean(), nullable=False, comment="no PIN was needed of this caller"
        ),
        sa.Column("expert_id", sa.Uuid(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column(
            "talk_bridge", sa.String(), nullable=True, comment="the present stretch's bridge"
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "accepted_at", sa.DateTime(timezone=True), nullable=True, comment="the expert's key"
        ),
        sa.Column(
            "consented_at_ms",
            sa.BigInteger(),
            nullable=True,
            comment="the caller's key, Asterisk's ms",
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column(
            "last_seen_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="heartbeat of the process that has it",
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (reason IS NULL)", name=op.f("ck_calls_ended")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["caller_accounts.id"], name=op.f("fk_calls_account_id")
        ),
        sa.ForeignKeyConstraint(["expert_id"], ["experts.id"], name=op.f("fk_calls_expert_id")),
        sa.ForeignKeyConstraint(["number_id"], ["numbers.id"], name=op.f("fk_calls_number_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
    )
    op.create_index(
        "ix_calls_open",
        "calls",
        ["asterisk_id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(op.f("ix_calls_received_at"), "calls", ["received_at"], unique=False)
    op.create_table(
        "charging_sessions",
        sa.Column("session_id", sa.Uuid(), nullable=False, comment="the call's id"),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "number_alone",
            sa.Boolean(),
            nullable=False,
            comment="the caller proved himself by number only",
        ),
        sa.Column(
            "began_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="decides the day its spending counts on",
        ),
        sa.Column("expert_id", sa.Uuid(), nullable=True),
        sa.Column("number_id", sa.Uuid(), nullable=True),
        sa.Column("tariff_version_id", sa.Uuid(), nullable=True),
        sa.Column(
            "tariff",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="the version announced, in full",
        ),
        sa.Column(
            "share",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="the share rule, in full",
        ),
        sa.Column(
            "call_limit", sa.BigInteger(), nullable=True, comment="the caller's, ledger units"
        ),
        sa.Column(
            "limits",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="spending limits that its holds count under, as of the quote",
        ),
        sa.Column(
            "segment",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="raised when holds are let go before any paid time",
        ),
        sa.Column("quoted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "num_nulls(expert_id, number_id, tariff_version_id, tariff, share, quoted_at) IN (0, 6) AND (state NOT IN ('quoted', 'granted') OR tariff IS NOT NULL)",
            name=op.f("ck_charging_sessions_quoted"),
        ),
        sa.CheckConstraint(
            "state IN ('opened', 'quoted', 'granted', 'settled')",
            name=op.f("ck_charging_sessions_state"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["caller_accounts.id"], name=op.f("fk_charging_sessions_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_charging_sessions_expert_id")
        ),
        sa.ForeignKeyConstraint(
            ["number_id"], ["numbers.id"], name=op.f("fk_charging_sessions_number_id")
        ),
        sa.ForeignKeyConstraint(
            ["tariff_version_id"],
            ["tariff_versions.id"],
            name=op.f("fk_charging_sessions_tariff_version_id"),
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_charging_sessions")),
    )
    op.create_index(
        op.f("ix_charging_sessions_account_id_expert_id_tariff_version_id"),
        "charging_sessions",
        ["account_id", "expert_id", "tariff_version_id"],
        unique=False,
    )
    op.create_table(
        "share_rules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=True),
        sa.Column("number_id", sa.Uuid(), nullable=True),
        sa.Column("expert_basis_points", sa.BigInteger(), nullable=False, comment="7000 is 70 %"),
        sa.Column(
            "basis",
            sa.String(),
            nullable=False,
            comment="of the charge without (net) or with (gross) tax",
        ),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("basis IN ('net', 'gross')", name=op.f("ck_share_rules_basis")),
        sa.CheckConstraint(
            "expert_basis_points BETWEEN 0 AND 10000", name=op.f("ck_share_rules_basis_points")
        ),
        sa.CheckConstraint(
            "num_nonnulls(expert_id, number_id) = 1", name=op.f("ck_share_rules_one_owner")
        ),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_share_rules_expert_id")
        ),
        sa.ForeignKeyConstraint(
            ["number_id"], ["numbers.id"], name=op.f("fk_share_rules_number_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_rules")),
        sa.UniqueConstraint("expert_id", name=op.f("uq_share_rules_expert_id")),
        sa.UniqueConstraint("number_id", name=op.f("uq_share_rules_number_id")),
    )
    op.create_table(
        "dial_attempts",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("phone_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.String(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_dial_attempts_call_id")),
        sa.ForeignKeyConstraint(
            ["phone_id"], ["expert_phones.id"], name=op.f("fk_dial_attempts_phone_id")
        ),
        sa.PrimaryKeyConstraint("call_id", "attempt", name=op.f("pk_dial_attempts")),
    )
    op.create_table(
        "grants",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("request_number", sa.BigInteger(), nullable=False),
        sa.Column("segment", sa.BigInteger(), nullable=False),
        sa.Column(
            "used_seconds",
            sa.BigInteger(),
            nullable=False,
            comment="talked so far, as the request said",
        ),
        sa.Column(
            "granted_seconds",
            sa.BigInteger(),
            nullable=False,
            comment="from the start of paid time, in all",
        ),
        sa.Column(
            "end_seconds",
            sa.BigInteger(),
            nullable=False,
            comment="where money or tariff end the talk",
        ),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column(
            "amount",
            sa.BigInteger(),
            nullable=False,
            comment="held by this request; 0: nothing to hold",
        ),
        sa.Column(
            "held",
            sa.BigInteger(),
            nullable=False,
            comment="all open holds of the session after it",
        ),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(amount = 0) = (transfer_id IS NULL)", name=op.f("ck_grants_transfer")),
        sa.CheckConstraint("amount >= 0 AND granted_seconds >= 0", name=op.f("ck_grants_amounts")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["charging_sessions.session_id"], name=op.f("fk_grants_session_id")
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfers.id"], name=op.f("fk_grants_transfer_id")
        ),
        sa.PrimaryKeyConstraint("session_id", "request_number", name=op.f("pk_grants")),
        sa.UniqueConstraint("transfer_id", name=op.f("uq_grants_transfer_id")),
    )
    op.create_table(
        "paid_intervals",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("end_ms >= start_ms", name=op.f("ck_paid_intervals_order")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_paid_intervals_call_id")),
        sa.PrimaryKeyConstraint("call_id", "position", name=op.f("pk_paid_intervals")),
    )
    op.create_table(
        "talk_stretches",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("bridge", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("paid", sa.Boolean(), nullable=False),
        sa.Column(
            "start_ms",
            sa.BigInteger(),
            nullable=True,
            comment="null: the legs were never seen joined",
        ),
        sa.Column("end_ms", sa.BigInteger(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_talk_stretches_call_id")),
        sa.PrimaryKeyConstraint("call_id", "bridge", name=op.f("pk_talk_stretches")),
    )
    op.create_table(
        "timeline_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="no digits, PINs or whole numbers",
        ),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_timeline_entries_call_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timeline_entries")),
    )
    op.create_index(
        op.f("ix_timeline_entries_call_id_id"), "timeline_entries", ["call_id", "id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_timeline_entries_call_id_id"), table_name="timeline_entries")
    op.drop_table("timeline_entries")
    op.drop_table("talk_stretches")
    op.drop_table("paid_intervals")
    op.drop_table("grants")
    op.drop_table("dial_attempts")
    op.drop_table("share_rules")
    op.drop_index(
        op.f("ix_charging_sessions_account_id_expert_id_tariff_version_id"),
        table_name="charging_sessions",
    )
    op.drop_table("charging_sessions")
    op.drop_index(op.f("ix_calls_received_at"), table_name="calls")
    op.drop_index("ix_calls_open", table_name="calls", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_table("calls")
    op.drop_table("spendings")
    op.drop_index(
        "uq_reservations_expert_open",
        table_name="reservations",
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.drop_index(
        "uq_reservations_call_open",
        table_name="reservations",
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.drop_table("reservations")
    op.drop_table("pin_states")
    op.drop_table("numbers")
    op.drop_table("expert_phones")
    op.drop_index(op.f("ix_caller_numbers_account_id"), table_name="caller_numbers")
    op.drop_table("caller_numbers")
    op.drop_table("wallets")
    op.drop_index(op.f("ix_transfers_debit_id_position"), table_name="transfers")
    op.drop_index(op.f("ix_transfers_credit_id_position"), table_name="transfers")
    op.drop_index(
        op.f("ix_transfers_call_id"),
        table_name="transfers",
        postgresql_where=sa.text("call_id IS NOT NULL"),
    )
    op.drop_table("transfers")
    op.drop_table("tariff_versions")
    op.drop_table("experts")
    op.drop_table("caller_accounts")
    op.drop_table("trunks")
    op.drop_table("tariffs")
    op.drop_table("settlements")
    op.drop_table("ledger_accounts")
    op.drop_table("idempotency_keys")
    op.drop_index(op.f("ix_cel_records_linked_id"), table_name="cel_records")
    op.drop_table("cel_records")
    op.drop_table("cel_offsets")
    op.drop_index(op.f("ix_audit_entries_subject_subject_id"), table_name="audit_entries")
    op.drop_table("audit_entries")
