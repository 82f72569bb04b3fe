"""Orders may switch a talk between free and paid, and not only end its call."""

from alembic import op

revision = "2026_11_23_orders_in_talks"
down_revision = "2026_11_23_tariff_windows"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was ordered before stays as it is."""
    _replace("kind IN ('end-call', 'propose-paid', 'propose-act', 'back-to-free')")
    op.alter_column(
        "call_orders",
        "result",
        comment="what came of it, or why the call ended",
        existing_comment="why the call ended, once it has",
    )


def downgrade() -> None:
    """Orders of the new kinds are forgotten."""
    op.execute("DELETE FROM call_orders WHERE kind <> 'end-call'")
    _replace("kind IN ('end-call')")
    op.alter_column(
        "call_orders",
        "result",
        comment="why the call ended, once it has",
        existing_comment="what came of it, or why the call ended",
    )


def _replace(condition: str) -> None:
    op.drop_constraint(op.f("ck_call_orders_kind"), "call_orders", type_="check")
    op.create_check_constraint(op.f("ck_call_orders_kind"), "call_orders", condition)
