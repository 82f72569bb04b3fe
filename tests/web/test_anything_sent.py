"""Whatever is sent to any route, right or wrong: never a crash, always an answer as documented.

Requests are made from the API's own description by schemathesis and sent to a real server.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from billing.kit.settings import Settings
from primeline.postgres import Postgres
from tests.conftest import WORLD
from tests.database.world import World
from tests.web.client import key_for, open_client
from tests.web.routes import ROUTES
from tests.web.stock import make_stock

EXAMPLES = 5
"""Requests for each route and each mode: few, since all are sent in each run of the tests."""

SCHEMA = create_app(Settings(database_url="postgresql://nowhere/x")).openapi()
LOADED = schemathesis.openapi.from_dict(SCHEMA)
FOUND: list[Any] = [one.ok() for one in LOADED.get_all_operations()]  # type: ignore[union-attr]
OPERATIONS = {one.definition.raw["operationId"]: one for one in FOUND}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def database(postgres_server: Postgres, first_world: World) -> Iterator[str]:
    """One world for all requests of this file: they may break it as they like."""
    assert first_world.number_id
    with psycopg.connect(postgres_server.conninfo(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE anything_sent TEMPLATE {WORLD}".encode())
        yield postgres_server.url("anything_sent")
        connection.execute(b"DROP DATABASE anything_sent WITH (FORCE)")


@pytest.fixture(scope="module")
def served(
    database: str, first_world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """A server in a thread: its address, a key that may do everything, ids that there are."""
    app = create_app(
        Settings(
            database_url=database,
            data_dir=Path(tmp_path_factory.mktemp("api")),
            secret_key=SecretStr("k" * 44),
        )
    )
    prepared: list[tuple[str, dict[str, Any]]] = []

    async def prepare() -> None:
        async with app.router.lifespan_context(app):
            world = replace(first_world, sessions=app.state.sessions)
            token = await key_for(app, "owner")
            async with open_client(app, token) as api:
                prepared.append((token, vars(await make_stock(api, world))))

    def serve() -> None:
        asyncio.run(server.serve())

    config = uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    asyncio.run(prepare())
    thread = threading.Thread(target=serve)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    app.state.live.longest_seconds = 0.1  # else a stream ends after 15 minutes
    port = server.servers[0].sockets[0].getsockname()[1]
    ((token, stock),) = prepared
    yield f"http://127.0.0.1:{port}", token, stock
    server.should_exit = True
    thread.join(10)


def ids_for(path: str, stock: dict[str, Any]) -> dict[str, str]:
    """The path's ids as things that there are."""
    aliases = {
        "caller_id": "account_id",
        "name": "trunk",
        "endpoint": "endpoint",
        "expert_id": "expert_id",
    }
    known = {**stock, "trunk": "carrier", "endpoint": "expert-12", "number": "+33612345678"}
    known |= {"area": "GB", "figure": "notice-tell", "currency": "EUR"}
    names = [piece.split("}")[0] for piece in path.split("{")[1:]]
    return {name: str(known[aliases.get(name, name)]) for name in names}


def _cases() -> Iterator[tuple[str, GenerationMode]]:
    for name, operation in OPERATIONS.items():
        yield name, GenerationMode.POSITIVE
        raw = operation.definition.raw
        # Where nothing can be sent, not even a key, nothing can be sent wrongly.
        if raw.get("parameters") or raw.get("requestBody") or raw.get("security"):
            yield name, GenerationMode.NEGATIVE


@pytest.mark.parametrize(("name", "mode"), list(_cases()))
def test_no_request_crashes_a_route_and_each_answer_is_documented(
    name: str,
    mode: GenerationMode,
    served: tuple[str, str, dict[str, Any]],
) -> None:
    url, token, stock = served
    operation, route = OPERATIONS[name], ROUTES[name]
    given_parts: dict[str, Any] = {}
    ids = ids_for(operation.path, stock)
    if mode is GenerationMode.POSITIVE and ids:
        given_parts["path_parameters"] = ids

    @given(case=operation.as_strategy(mode, **given_parts), key=st.uuids())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Any, key: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        if mode is GenerationMode.POSITIVE:
            headers |= {"If-Match": "*"} if route.edit else {}
            headers |= {"Idempotency-Key": str(key)} if route.money else {}
        answer = case.call(base_url=url, headers=headers, timeout=30)
        case.validate_response(answer, checks=CHECKS)

    send()
