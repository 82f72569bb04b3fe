"""Fixtures of the API tests: the application itself, a key for it, no socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.app import create_app
from billing.kit.logs import configure
from billing.kit.settings import Settings
from tests.web.client import Client, key_for, open_client


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """Logs as the API writes them: a development console would spend minutes on a traceback."""
    configure("WARNING", json=True)


@pytest.fixture(scope="session")
def routes() -> FastAPI:
    """The application, made once: its routes take half a second."""
    return create_app(Settings(database_url="postgresql://nowhere/x"))


@pytest.fixture
async def app(routes: FastAPI, fresh_database: str, tmp_path: Path) -> AsyncIterator[FastAPI]:
    """The application on a fresh database."""
    routes.state.settings = Settings(
        database_url=fresh_database,
        data_dir=tmp_path,
        secret_key=SecretStr("k" * 44),
        metrics_port=0,
    )
    async with routes.router.lifespan_context(routes):
        yield routes


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[Client]:
    """A client whose key may do everything."""
    async with open_client(app, await key_for(app, "owner")) as client:
        yield client
