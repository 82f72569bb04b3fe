"""A new kind of alarm: a free message that doesn't fit the rules."""

from alembic import op

revision = "2026_11_23_message_alarms"
down_revision = "2026_11_23_disputes"
branch_labels = None
depends_on = None

BEFORE = (
    "asterisk-gone", "asterisk-silent", "asterisk-restarted", "ami-login-failed",
    "trunk-unreachable", "registration-failed", "many-failed-logins", "monitor-away",
    "asterisk-taken",
)  # fmt: skip


def _allow(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_alarms_kind"), "alarms", type_="check")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_alarms_kind"), "alarms", f"kind IN ({listed})")


def upgrade() -> None:
    """Allow it."""
    _allow((*BEFORE, "message-unfit"))


def downgrade() -> None:
    """Forget such alarms."""
    op.execute("DELETE FROM alarms WHERE kind = 'message-unfit'")
    _allow(BEFORE)
