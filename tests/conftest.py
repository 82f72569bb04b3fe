"""One real PostgreSQL for each test process; a fresh, migrated database for each test."""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.database import Sessions, make_engine, make_sessions
from billing.kit.settings import Settings
from primeline import postgres
from primeline.postgres import Postgres
from tests.database.world import World, make_world

ROOT = Path(__file__).parents[1]
TEMPLATE = "primeline_template"
WORLD = "world_template"
MEMORY = Path("/dev/shm")  # noqa: S108  (a folder of ours is made in it)
MEMORY_NEEDED = 4 * 2**30
_numbers = itertools.count(1)


def alembic_config(connection: Connection) -> Config:
    """Alembic on a connection of the test's own."""
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["connection"] = connection
    return config


def migrate(url: str) -> None:
    """Bring the database at `url` to the newest state."""

    async def run() -> None:
        engine = make_engine(Settings(database_url=url), statement_timeout_ms=0)
        async with engine.begin() as connection:
            await connection.run_sync(lambda c: command.upgrade(alembic_config(c), "head"))
        await engine.dispose()

    asyncio.run(run())


@pytest.fixture(scope="session")
def postgres_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the server's data is: in memory, if there is room, since tests copy many databases."""
    if not (os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED):
        yield tmp_path_factory.mktemp("postgres")
        return
    with tempfile.TemporaryDirectory(prefix="primeline-", dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres_server(postgres_folder: Path) -> Iterator[Postgres]:
    """A server of this test process's own, with a migrated template database in it."""
    server = postgres.start(postgres_folder / "data", durable=False)
    try:
        migrate(server.create_database(TEMPLATE))
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Postgres) -> str:
    """The URL of the server's maintenance database."""
    return postgres_server.url()


@pytest.fixture(scope="session")
def first_world(postgres_server: Postgres) -> World:
    """The world as it is made once; tests get copies of its database."""
    with psycopg.connect(postgres_server.conninfo(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {WORLD} TEMPLATE {TEMPLATE}".encode())

    async def make() -> World:
        engine = make_engine(Settings(database_url=postgres_server.url(WORLD)))
        world = await make_world(make_sessions(engine))
        await engine.dispose()
        return world

    return asyncio.run(make())


@pytest.fixture
def template(request: pytest.FixtureRequest) -> str:
    """Begin with the world where a test asks for it."""
    if "world" not in request.fixturenames:
        return TEMPLATE
    request.getfixturevalue("first_world")
    return WORLD


@pytest.fixture
def fresh_database(postgres_server: Postgres, template: str) -> Iterator[str]:
    """The URL of a migrated, empty database that is gone after the test."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres_server.conninfo(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        yield postgres_server.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
async def sessions(fresh_database: str) -> AsyncIterator[Sessions]:
    """Sessions on a fresh database: `async with sessions.begin() as s:` is one transaction."""
    engine = make_engine(Settings(database_url=fresh_database))
    yield make_sessions(engine)
    await engine.dispose()


@pytest.fixture
async def s(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """One session on a fresh database; the test commits or not."""
    async with sessions() as session:
        yield session


@pytest.fixture
async def world(first_world: World, sessions: Sessions) -> World:
    """The world with nothing in the caller's wallet and everybody available."""
    return replace(first_world, sessions=sessions)
