"""Migrations: up, down and up again, with no difference to the models."""

from alembic import command
from alembic.script import ScriptDirectory
from psycopg import connect
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from billing.kit.database import Base, make_engine
from billing.kit.settings import Settings
from primeline.postgres import Postgres
from tests.conftest import alembic_config

OURS = """
    SELECT 'relation ' || relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i', 'S', 'v')
    UNION ALL
    SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'type ' || typname FROM pg_type
        WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
    ORDER BY 1
"""


async def what_is_there(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return list(await connection.scalars(text(OURS)))


async def alembic(engine: AsyncEngine, name: str, *arguments: str) -> None:
    def run(connection: Connection) -> None:
        getattr(command, name)(alembic_config(connection), *arguments)

    async with engine.begin() as connection:
        await connection.run_sync(run)


async def test_every_migration_goes_down_and_up_again(fresh_database: str) -> None:
    engine = make_engine(Settings(database_url=fresh_database), statement_timeout_ms=0)
    migrated = await what_is_there(engine)
    await alembic(engine, "downgrade", "base")
    assert await what_is_there(engine) == [
        "relation alembic_version",
        "relation alembic_version_pkc",
    ]
    await alembic(engine, "upgrade", "head")
    assert await what_is_there(engine) == migrated
    await engine.dispose()


async def test_the_models_are_what_the_migrations_make(fresh_database: str) -> None:
    engine = make_engine(Settings(database_url=fresh_database), statement_timeout_ms=0)
    await alembic(engine, "check")
    await engine.dispose()


async def test_migrations_form_one_line_with_dated_names(fresh_database: str) -> None:
    engine = make_engine(Settings(database_url=fresh_database))
    async with engine.connect() as connection:
        script = await connection.run_sync(lambda c: ScriptDirectory.from_config(alembic_config(c)))
    await engine.dispose()
    revisions = list(script.walk_revisions())
    assert len(script.get_heads()) == 1
    for revision in revisions:
        year, month, day, *name = revision.revision.split("_")
        assert (len(year), len(month), len(day), bool(name)) == (4, 2, 2, True)


def test_every_table_says_what_it_is() -> None:
    for mapper in Base.registry.mappers:
        assert mapper.class_.__doc__, mapper.class_


async def test_the_database_heals_after_a_restart(
    postgres_server: Postgres, fresh_database: str
) -> None:
    engine = make_engine(Settings(database_url=fresh_database))
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    with connect(postgres_server.conninfo(), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'primeline'"
        )
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
    await engine.dispose()
