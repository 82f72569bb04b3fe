"""The job queue's tables, as the library brings them.

A later version of procrastinate that changes its tables needs a migration of ours which applies
the library's own migration files, guarded for databases that were made with that version.
"""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "2026_11_22_job_queue"
down_revision = "2026_11_22_ledger_triggers"
branch_labels = None
depends_on = None

REMOVE = """
DO $$
DECLARE
    found text;
BEGIN
    FOR found IN SELECT oid::regclass::text FROM pg_class
        WHERE relname LIKE 'procrastinate\\_%' AND relkind = 'r'
    LOOP
        EXECUTE 'DROP TABLE ' || found || ' CASCADE';
    END LOOP;
    FOR found IN SELECT oid::regprocedure::text FROM pg_proc
        WHERE proname LIKE 'procrastinate\\_%'
    LOOP
        EXECUTE 'DROP FUNCTION ' || found || ' CASCADE';
    END LOOP;
    FOR found IN SELECT oid::regtype::text FROM pg_type
        WHERE typname LIKE 'procrastinate\\_%' AND typtype IN ('e', 'c')
    LOOP
        EXECUTE 'DROP TYPE ' || found || ' CASCADE';
    END LOOP;
END $$
"""


def upgrade() -> None:
    # Many statements at once, with percent signs: straight to the driver, without parameters.
    op.get_bind().connection.cursor().execute(SchemaManager.get_schema())


def downgrade() -> None:
    op.execute(REMOVE)
