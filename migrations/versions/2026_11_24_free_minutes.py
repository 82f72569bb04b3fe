"""An order may give free minutes in a paid talk."""

from alembic import op

revision = "2026_11_24_free_minutes"
down_revision = "2026_11_24_adjustments"
branch_labels = None
depends_on = None

_BEFORE = "'end-call', 'propose-paid', 'propose-act', 'back-to-free'"


def upgrade() -> None:
    """What was ordered before stays as it is."""
    _replace(f"kind IN ({_BEFORE}, 'free-minutes')")


def downgrade() -> None:
    """Orders of the new kind are forgotten."""
    op.execute("DELETE FROM call_orders WHERE kind = 'free-minutes'")
    _replace(f"kind IN ({_BEFORE})")


def _replace(condition: str) -> None:
    op.drop_constraint(op.f("ck_call_orders_kind"), "call_orders", type_="check")
    op.create_check_constraint(op.f("ck_call_orders_kind"), "call_orders", condition)
