"""Segments of paid talk that end in mid-call."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_23_closed_segments"
down_revision = "2026_11_23_asterisk_claims"
branch_labels = None
depends_on = None

# A call's settlement is checked against all that was posted; until it is written, what was posted
# is what its closed segments came to.
CHECK = """
    CREATE FUNCTION closed_segments_check() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        closed bigint;
        posted bigint;
    BEGIN
        IF EXISTS (SELECT 1 FROM settlements WHERE call_id = NEW.session_id) THEN
            RETURN NULL;
        END IF;
        SELECT sum(charge) INTO closed FROM closed_segments WHERE session_id = NEW.session_id;
        SELECT coalesce(sum(amount), 0) INTO posted
            FROM transfers WHERE call_id = NEW.session_id AND kind = 'post';
        IF closed <> posted THEN
            RAISE EXCEPTION 'call %: its closed segments cost %, posted %',
                NEW.session_id, closed, posted USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "closed_segments",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("segment", sa.BigInteger(), nullable=False),
        sa.Column("tariff_version_id", sa.Uuid(), nullable=False),
        sa.Column(
            "tariff",
            postgresql.JSONB(),
            nullable=False,
            comment="the version announced, in full",
        ),
        sa.Column("share", postgresql.JSONB(), nullable=False, comment="the share rule, in full"),
        sa.Column(
            "consented_at_ms",
            sa.BigInteger(),
            nullable=True,
            comment="the caller's key, Asterisk's ms",
        ),
        sa.Column(
            "until_ms",
            sa.BigInteger(),
            nullable=False,
            comment="the end of its paid time, Asterisk's ms",
        ),
        sa.Column(
            "last_interval",
            sa.BigInteger(),
            nullable=False,
            comment="position of its last paid interval",
        ),
        sa.Column(
            "granted_seconds",
            sa.BigInteger(),
            nullable=False,
            comment="from its own start, in all",
        ),
        sa.Column("used_seconds", sa.BigInteger(), nullable=False),
        sa.Column("billed_seconds", sa.BigInteger(), nullable=False),
        sa.Column("overrun_ms", sa.BigInteger(), nullable=False),
        sa.Column("charge", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("expert", sa.BigInteger(), nullable=False),
        sa.Column("platform", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "charge = tax + expert + platform AND charge >= 0",
            name=op.f("ck_closed_segments_parts"),
        ),
        sa.CheckConstraint(
            "billed_seconds = least(used_seconds, granted_seconds)",
            name=op.f("ck_closed_segments_billed"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["charging_sessions.session_id"],
            name=op.f("fk_closed_segments_session_id_charging_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["tariff_version_id"],
            ["tariff_versions.id"],
            name=op.f("fk_closed_segments_tariff_version_id_tariff_versions"),
        ),
        sa.PrimaryKeyConstraint("session_id", "segment", name=op.f("pk_closed_segments")),
    )
    op.execute(
        "CREATE TRIGGER closed_segments_only_added BEFORE UPDATE OR DELETE OR TRUNCATE"
        " ON closed_segments FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(CHECK)
    op.execute(
        "CREATE CONSTRAINT TRIGGER closed_segments_posted AFTER INSERT ON closed_segments"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION closed_segments_check()"
    )
    op.alter_column(
        "charging_sessions",
        "segment",
        comment="raised when its holds are let go, or it is closed",
        existing_comment="raised when holds are let go before any paid time",
    )


def downgrade() -> None:
    op.alter_column(
        "charging_sessions",
        "segment",
        comment="raised when holds are let go before any paid time",
        existing_comment="raised when its holds are let go, or it is closed",
    )
    op.drop_table("closed_segments")
    op.execute("DROP FUNCTION closed_segments_check()")
