"""What PostgreSQL itself enforces in the ledger beyond simple constraints."""

from alembic import op

revision = "2026_11_22_ledger_triggers"
down_revision = "2026_11_22_tables"
branch_labels = None
depends_on = None

ONLY_ADDED = ("transfers", "settlements", "paid_intervals", "tariff_versions", "audit_entries")

FUNCTIONS = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END $$
    """,
    # The pending row is locked, so that a post and a void at the same moment see one another;
    # NO KEY, since the foreign key of each has already taken the weaker lock.
    """
    CREATE FUNCTION ledger_check_resolved() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        wrong record;
    BEGIN
        PERFORM 1 FROM transfers
            WHERE id IN (SELECT pending_id FROM added) ORDER BY id FOR NO KEY UPDATE;
        SELECT t.id, p.id AS pending_id INTO wrong
            FROM added t JOIN transfers p ON p.id = t.pending_id
            WHERE p.kind <> 'pending' OR p.debit_id <> t.debit_id OR p.credit_id <> t.credit_id
                OR p.currency <> t.currency OR p.call_id IS DISTINCT FROM t.call_id
            LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'transfer % does not match its hold %', wrong.id, wrong.pending_id
                USING ERRCODE = 'check_violation';
        END IF;
        SELECT p.id, p.amount, sum(t.amount) AS resolved INTO wrong
            FROM transfers p JOIN transfers t ON t.pending_id = p.id
            WHERE p.id IN (SELECT pending_id FROM added)
            GROUP BY p.id, p.amount HAVING sum(t.amount) > p.amount LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'hold % of % is posted and voided for %',
                wrong.id, wrong.amount, wrong.resolved USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION ledger_check_call() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        came_in bigint;
        went_out bigint;
        talk_posted bigint;
        settled bigint;
    BEGIN
        IF NEW.call_id IS NULL THEN
            RETURN NULL;
        END IF;
        SELECT coalesce(sum(t.amount) FILTER (WHERE c.kind = 'clearing'), 0),
               coalesce(sum(t.amount) FILTER (WHERE d.kind = 'clearing'), 0),
               coalesce(sum(t.amount) FILTER (WHERE t.kind = 'post'), 0)
            INTO came_in, went_out, talk_posted
            FROM transfers t
            JOIN ledger_accounts d ON d.id = t.debit_id
            JOIN ledger_accounts c ON c.id = t.credit_id
            WHERE t.call_id = NEW.call_id AND t.kind IN ('single', 'post');
        IF came_in <> went_out THEN
            RAISE EXCEPTION 'call %: % came into clearing, % went out',
                NEW.call_id, came_in, went_out USING ERRCODE = 'check_violation';
        END IF;
        SELECT charge INTO settled FROM settlements WHERE call_id = NEW.call_id;
        IF FOUND AND settled <> talk_posted THEN
            RAISE EXCEPTION 'call %: settled for %, posted %',
                NEW.call_id, settled, talk_posted USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
)

TRIGGERS = (
    """
    CREATE TRIGGER transfers_resolved AFTER INSERT ON transfers
        REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_resolved()
    """,
    """
    CREATE CONSTRAINT TRIGGER transfers_clearing AFTER INSERT ON transfers
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind IN ('single', 'post'))
        EXECUTE FUNCTION ledger_check_call()
    """,
    """
    CREATE CONSTRAINT TRIGGER settlements_clearing AFTER INSERT ON settlements
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_call()
    """,
)


def upgrade() -> None:
    for function in FUNCTIONS:
        op.execute(function)
    for trigger in TRIGGERS:
        op.execute(trigger)
    for table in ONLY_ADDED:
        op.execute(
            f"CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in ONLY_ADDED:
        op.execute(f"DROP TRIGGER {table}_only_added ON {table}")
    op.execute("DROP TRIGGER settlements_clearing ON settlements")
    op.execute("DROP TRIGGER transfers_clearing ON transfers")
    op.execute("DROP TRIGGER transfers_resolved ON transfers")
    for name in ("ledger_check_call", "ledger_check_resolved", "refuse_change"):
        op.execute(f"DROP FUNCTION {name}()")
