"""Tariff versions may have windows: other prices on some days, at some hours."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_tariff_windows"
down_revision = "2026_11_23_ledger_check_by_index"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No tariff of before has windows."""
    op.add_column(
        "tariff_versions",
        sa.Column(
            "time_zone",
            sa.String(),
            comment="by whose clock its windows are; null: it has none",
        ),
    )
    op.add_column(
        "tariff_versions",
        sa.Column(
            "holidays_of",
            sa.String(),
            comment="whose public holidays are no weekdays, FR or DE-BY; null: nobody's",
        ),
    )
    op.create_check_constraint(
        op.f("ck_tariff_versions_timetable"),
        "tariff_versions",
        "holidays_of IS NULL OR time_zone IS NOT NULL",
    )
    op.create_table(
        "tariff_windows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("days", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("from_minute", sa.BigInteger(), nullable=False, comment="of the local day"),
        sa.Column(
            "to_minute",
            sa.BigInteger(),
            nullable=False,
            comment="not included; below from_minute: of the next day",
        ),
        sa.Column("price_per_minute", sa.BigInteger(), nullable=False),
        sa.Column("connect_fee", sa.BigInteger(), nullable=False),
        sa.Column("minimum_charge", sa.BigInteger(), nullable=False),
        sa.Column("maximum_charge", sa.BigInteger(), comment="null: no bound"),
        sa.Column("price_per_act", sa.BigInteger(), comment="null: no acts are sold"),
        sa.CheckConstraint(
            "price_per_minute >= 0 AND connect_fee >= 0 AND minimum_charge >= 0"
            " AND (maximum_charge IS NULL OR maximum_charge >= 0)"
            " AND (price_per_act IS NULL OR price_per_act >= 0)",
            name=op.f("ck_tariff_windows_amounts"),
        ),
        sa.CheckConstraint(
            "from_minute BETWEEN 0 AND 1439 AND to_minute BETWEEN 1 AND 1440"
            " AND from_minute <> to_minute",
            name=op.f("ck_tariff_windows_minutes"),
        ),
        sa.CheckConstraint(
            "cardinality(days) > 0 AND days <@ ARRAY['mon', 'tue', 'wed', 'thu', 'fri', 'sat',"
            " 'sun', 'holiday']::varchar[]",
            name=op.f("ck_tariff_windows_days"),
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["tariff_versions.id"], name=op.f("fk_tariff_windows_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariff_windows")),
        sa.UniqueConstraint("version_id", "name", name=op.f("uq_tariff_windows_version_id_name")),
    )
    op.execute(
        "CREATE TRIGGER tariff_windows_only_added BEFORE UPDATE OR DELETE OR TRUNCATE"
        " ON tariff_windows FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    """Tariffs have one price at a time; windows are forgotten."""
    op.drop_table("tariff_windows")
    op.drop_constraint(op.f("ck_tariff_versions_timetable"), "tariff_versions", type_="check")
    for column in ("holidays_of", "time_zone"):
        op.drop_column("tariff_versions", column)
