"""Orders to running calls, and the hint that one was written."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_call_orders"
down_revision = "2026_11_22_sip_phones"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call_orders",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column(
            "taken_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="by the process that has the call",
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(), nullable=True, comment="why the call ended, once it has"),
        sa.CheckConstraint("kind IN ('end-call')", name=op.f("ck_call_orders_kind")),
        sa.CheckConstraint(
            "state IN ('asked', 'taken', 'done', 'expired')", name=op.f("ck_call_orders_state")
        ),
        sa.CheckConstraint(
            "(state IN ('done', 'expired')) = (closed_at IS NOT NULL)",
            name=op.f("ck_call_orders_closed"),
        ),
        sa.CheckConstraint(
            "(state = 'done') = (result IS NOT NULL)", name=op.f("ck_call_orders_result")
        ),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_call_orders_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_orders")),
    )
    op.create_index(op.f("ix_call_orders_call_id"), "call_orders", ["call_id"])
    op.create_index(
        "uq_call_orders_open",
        "call_orders",
        ["call_id", "kind"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.execute(
        """
        CREATE FUNCTION tell_of_call_order() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('call_orders', NEW.call_id::text);
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER call_orders_told AFTER INSERT ON call_orders"
        " FOR EACH ROW EXECUTE FUNCTION tell_of_call_order()"
    )


def downgrade() -> None:
    op.drop_table("call_orders")
    op.execute("DROP FUNCTION tell_of_call_order()")
