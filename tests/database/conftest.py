"""Fixtures of the database tests."""

import asyncio
from dataclasses import replace

import psycopg
import pytest

from billing.kit.database import Sessions, make_engine, make_sessions
from billing.kit.settings import Settings
from primeline.postgres import Postgres
from tests.conftest import TEMPLATE
from tests.database.world import World, make_world

WORLD = "world_template"


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
async def world(first_world: World, sessions: Sessions) -> World:
    """The world with nothing in the caller's wallet and everybody available."""
    return replace(first_world, sessions=sessions)
