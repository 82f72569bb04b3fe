"""No call gives back more than it took, whoever writes the refund; and refunds are only added."""

from alembic import op

revision = "2026_11_24_refunds_bounded"
down_revision = "2026_11_23_refunds"
branch_labels = None
depends_on = None

# The settlement is locked, so that two refunds at the same moment see one another; NO KEY, since
# the foreign key of each has already taken the weaker lock. What an upheld dispute of a
# premium-rate call gave back was never charged here, as `books check` knows too.
CHECK = """
    CREATE FUNCTION refunds_check_bounded() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        settled record;
        gone record;
    BEGIN
        SELECT charge, expert, currency INTO settled FROM settlements
            WHERE call_id = NEW.call_id FOR NO KEY UPDATE;
        IF EXISTS (SELECT 1 FROM premium_settlements WHERE call_id = NEW.call_id) THEN
            RETURN NULL;
        END IF;
        SELECT sum(amount) AS amount, sum(expert) AS expert INTO gone
            FROM refunds WHERE call_id = NEW.call_id;
        IF NEW.currency IS DISTINCT FROM settled.currency OR gone.amount > settled.charge
                OR gone.expert > settled.expert THEN
            RAISE EXCEPTION 'call %: refunds of % (expert %) exceed its charge of % (expert %)',
                NEW.call_id, gone.amount, gone.expert, settled.charge, settled.expert
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
"""


def upgrade() -> None:
    op.execute(CHECK)
    op.execute("ALTER FUNCTION refunds_check_bounded() SET enable_seqscan = off")
    op.execute(
        "CREATE TRIGGER refunds_bounded AFTER INSERT ON refunds"
        " FOR EACH ROW EXECUTE FUNCTION refunds_check_bounded()"
    )
    op.execute(
        "CREATE TRIGGER refunds_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON refunds"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER refunds_only_added ON refunds")
    op.execute("DROP TRIGGER refunds_bounded ON refunds")
    op.execute("DROP FUNCTION refunds_check_bounded()")
