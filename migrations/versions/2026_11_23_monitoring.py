"""What the monitor writes, and who this installation is."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_monitoring"
down_revision = "2026_11_23_number_purchases"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column(
            "subject",
            sa.String(),
            nullable=False,
            comment="what it is about: a trunk, an Asterisk, a source",
        ),
        sa.Column("detail", sa.String(), nullable=False, comment="a sentence for a person"),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "seen_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it was found the last time",
        ),
        sa.Column(
            "times",
            sa.BigInteger(),
            server_default=sa.text("1"),
            nullable=False,
            comment="how often it was found",
        ),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('asterisk-gone', 'asterisk-silent', 'asterisk-restarted',"
            " 'ami-login-failed', 'trunk-unreachable', 'registration-failed',"
            " 'many-failed-logins', 'monitor-away', 'asterisk-taken')",
            name=op.f("ck_alarms_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
    )
    op.create_index(op.f("ix_alarms_raised_at"), "alarms", ["raised_at"], unique=False)
    op.create_index(
        "uq_alarms_open",
        "alarms",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_table(
        "asterisk_states",
        sa.Column("asterisk_id", sa.String(), nullable=False),
        sa.Column("condition", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="by Asterisk's own clock",
        ),
        sa.Column(
            "seen_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="the monitor's last sign of life",
        ),
        sa.CheckConstraint(
            "condition IN ('up', 'gone', 'silent')", name=op.f("ck_asterisk_states_condition")
        ),
        sa.PrimaryKeyConstraint("asterisk_id", name=op.f("pk_asterisk_states")),
    )
    op.create_table(
        "endpoint_states",
        sa.Column("asterisk_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("condition", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "condition IN ('reachable', 'unreachable', 'registered', 'unregistered', 'rejected')",
            name=op.f("ck_endpoint_states_condition"),
        ),
        sa.CheckConstraint(
            "kind IN ('trunk', 'registration', 'phone')", name=op.f("ck_endpoint_states_kind")
        ),
        sa.PrimaryKeyConstraint("asterisk_id", "kind", "name", name=op.f("pk_endpoint_states")),
    )
    op.create_table(
        "installation",
        sa.Column("single", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "restored_from", sa.Uuid(), nullable=True, comment="the id of the copy's original"
        ),
        sa.Column("restored_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("single = 1", name=op.f("ck_installation_single")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_installation")),
    )
    op.execute("INSERT INTO installation DEFAULT VALUES")
    op.create_table(
        "security_events",
        sa.Column("asterisk_id", sa.String(), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(), nullable=False, comment="Asterisk's name for it"),
        sa.Column(
            "source",
            sa.String(),
            nullable=False,
            comment="an IP address; 'others' beyond the most that are told apart",
        ),
        sa.Column("account", sa.String(), nullable=False, comment="the last name that was tried"),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "asterisk_id", "minute", "event", "source", name=op.f("pk_security_events")
        ),
    )


def downgrade() -> None:
    op.drop_table("security_events")
    op.drop_table("installation")
    op.drop_table("endpoint_states")
    op.drop_table("asterisk_states")
    op.drop_table("alarms")
