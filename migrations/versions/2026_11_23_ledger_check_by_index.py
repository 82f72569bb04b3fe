"""The checks of a call's money find its transfers by the index, whatever plan was made before.

PL/pgSQL keeps a plan as long as its connection lives. One made while the table was tiny reads all
of it, and went on to when it had grown: each of 5 000 calls of a carrier's statement read all
transfers at the commit (2 500 calls: 19 s, with this 1 s).
"""

from alembic import op

revision = "2026_11_23_ledger_check_by_index"
down_revision = "2026_11_23_cel_trims"
branch_labels = None
depends_on = None

FUNCTIONS = ("ledger_check_call()", "ledger_check_resolved()", "closed_segments_check()")


def upgrade() -> None:
    for function in FUNCTIONS:
        op.execute(f"ALTER FUNCTION {function} SET enable_seqscan = off")


def downgrade() -> None:
    for function in FUNCTIONS:
        op.execute(f"ALTER FUNCTION {function} RESET enable_seqscan")
