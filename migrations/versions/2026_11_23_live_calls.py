"""Since when a call is in its state, hints at every change of a live call, experts' categories."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_live_calls"
down_revision = "2026_11_23_call_orders"
branch_labels = None
depends_on = None

FUNCTIONS = (
    """
    CREATE FUNCTION keep_state_since() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.state_since := clock_timestamp();
        RETURN NEW;
    END $$
    """,
    # The same hint given twice in a transaction is sent once.
    """
    CREATE FUNCTION tell_of_call() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('calls', CASE TG_TABLE_NAME
            WHEN 'calls' THEN to_jsonb(NEW) ->> 'id'
            WHEN 'grants' THEN to_jsonb(NEW) ->> 'session_id'
            ELSE to_jsonb(NEW) ->> 'call_id' END);
        RETURN NULL;
    END $$
    """,
)
TRIGGERS = (
    """
    CREATE TRIGGER calls_state_since BEFORE UPDATE OF state ON calls
        FOR EACH ROW WHEN (NEW.state IS DISTINCT FROM OLD.state)
        EXECUTE FUNCTION keep_state_since()
    """,
    """
    CREATE TRIGGER calls_told_new AFTER INSERT ON calls
        FOR EACH ROW EXECUTE FUNCTION tell_of_call()
    """,
    """
    CREATE TRIGGER calls_told AFTER UPDATE OF state, expert_id, talk_bridge, ended_at ON calls
        FOR EACH ROW WHEN (
            (NEW.state, NEW.expert_id, NEW.talk_bridge, NEW.ended_at)
            IS DISTINCT FROM (OLD.state, OLD.expert_id, OLD.talk_bridge, OLD.ended_at)
        )
        EXECUTE FUNCTION tell_of_call()
    """,
    """
    CREATE TRIGGER grants_told AFTER INSERT ON grants
        FOR EACH ROW EXECUTE FUNCTION tell_of_call()
    """,
    """
    CREATE TRIGGER talk_stretches_told AFTER UPDATE OF start_ms ON talk_stretches
        FOR EACH ROW WHEN (NEW.start_ms IS DISTINCT FROM OLD.start_ms)
        EXECUTE FUNCTION tell_of_call()
    """,
)


def upgrade() -> None:
    op.add_column(
        "calls",
        sa.Column(
            "state_since",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.now(),
            comment="kept by a trigger",
        ),
    )
    op.add_column(
        "experts",
        sa.Column(
            "category", sa.String(), nullable=True, comment="what he advises on, for reports"
        ),
    )
    for statement in (*FUNCTIONS, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    for trigger, table in (
        ("calls_state_since", "calls"),
        ("calls_told_new", "calls"),
        ("calls_told", "calls"),
        ("grants_told", "grants"),
        ("talk_stretches_told", "talk_stretches"),
    ):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    op.execute("DROP FUNCTION tell_of_call()")
    op.execute("DROP FUNCTION keep_state_since()")
    op.drop_column("experts", "category")
    op.drop_column("calls", "state_since")
