"""All routes: who may use them, that each does its work, that each is described."""

import asyncio
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from fastapi import FastAPI

from api.app import create_app
from api.openapi import TAGS
from billing.identity.values import Scope
from billing.kit.settings import Settings
from tests.database.world import World
from tests.web.client import Client, code_of, key_for, open_client
from tests.web.routes import ROUTES
from tests.web.stock import make_stock

SCHEMA = create_app(Settings(database_url="postgresql://nowhere/x")).openapi()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in SCHEMA["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


OPERATIONS = {operation["operationId"]: operation for _, _, operation in operations()}


def test_the_table_of_routes_has_each_route_of_the_api_and_no_other() -> None:
    known = {name: (route.method, route.scope is not None) for name, route in ROUTES.items()}
    there = {
        operation["operationId"]: (method.upper(), "security" in operation)
        for method, _, operation in operations()
    }
    assert known == there


@pytest.mark.parametrize("name", ROUTES)
async def test_only_a_key_with_the_scope_gets_in_and_then_it_works(
    name: str, api: Client, app: FastAPI, world: World
) -> None:
    route = ROUTES[name]
    stock = await make_stock(api, world)
    if route.prepare:
        await route.prepare(api, stock)
    request = route.request(stock)
    if route.scope is not None:
        async with open_client(app, None) as nobody:
            assert code_of(await nobody.request(**request), 401) == "key-missing"
        others = [one for one in Scope if one.value != route.scope]
        async with open_client(app, await key_for(app, "others", others)) as wrong:
            assert code_of(await wrong.request(**request), 403) == "scope-missing"
    scopes = [] if route.scope is None else [Scope(route.scope)]
    token = await key_for(app, "right", scopes) if scopes else None
    if route.stream:
        assert await first_status(app, token, route.path) == 200
        return
    async with open_client(app, token) as right:
        await refuses_without_its_header(right, request)
        answer = await right.request(**request)
    assert answer.is_success, answer.text
    assert str(answer.status_code) in OPERATIONS[name]["responses"]


async def first_status(app: FastAPI, token: str | None, path: str) -> int:
    """The status of an answer that doesn't end; whoever asked then goes away."""
    status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect" if status.done() else "http.request", "body": b""}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            status.set_result(message["status"])

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/v1{path}",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())],
    }
    task = asyncio.create_task(app(scope, receive, send))
    found = await asyncio.wait_for(status, 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return found


async def refuses_without_its_header(client: Client, request: dict[str, Any]) -> None:
    """An edit says what it was made from, a movement of money has a key; else nothing is done."""
    for header, wrong, missing, refused in (
        ("If-Match", '"4711"', (428, "if-match-missing"), (412, "version-conflict")),
        ("If-Match", '"999999999999"', (428, "if-match-missing"), (412, "version-conflict")),
        (
            "Idempotency-Key",
            "a b",
            (400, "idempotency-key-missing"),
            (422, "idempotency-key-invalid"),
        ),
    ):
        if header in request["headers"]:
            others = {k: v for k, v in request["headers"].items() if k != header}
            for headers, (status, code) in (
                (others, missing),
                (others | {header: wrong}, refused),
            ):
                answer = await client.request(**request | {"headers": headers})
                assert code_of(answer, status) == code


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_route_is_described(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    (tag,) = operation["tags"]
    assert tag in {one["name"] for one in TAGS}
    for parameter in operation.get("parameters", []):
        assert parameter["description"], parameter["name"]
        assert parameter.get("examples") or parameter.get("example") or _example_of(parameter)
    for status, answer in operation["responses"].items():
        if int(status) >= 400 and name != "readiness":
            assert list(answer["content"]) == ["application/problem+json"]
            assert answer["x-codes"]


def _example_of(parameter: dict[str, Any]) -> Any:
    schema = parameter["schema"]
    return schema.get("examples") or schema.get("enum") or schema.get("const")


@pytest.mark.parametrize("name", SCHEMA["components"]["schemas"])
def test_each_field_is_described_with_an_example(name: str) -> None:
    schema = SCHEMA["components"]["schemas"][name]
    if "enum" in schema:
        return
    assert schema["description"]
    for field, described in schema["properties"].items():
        assert described.get("description"), field
        # What is an object of its own has its examples there.
        assert "examples" in described or "$ref" in str(described), field


@pytest.mark.parametrize("name", SCHEMA["components"]["schemas"])
def test_what_comes_in_takes_no_unknown_field(name: str) -> None:
    taken = {
        operation["requestBody"]["content"]["application/json"]["schema"].get("$ref", "")
        for operation in OPERATIONS.values()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    if f"#/components/schemas/{name}" in taken:
        assert SCHEMA["components"]["schemas"][name]["additionalProperties"] is False


def test_no_number_with_a_point_is_in_the_api() -> None:
    def kinds(schema: Any) -> Iterator[str]:
        if isinstance(schema, dict):
            if isinstance(schema.get("type"), str):
                yield schema["type"]
            for inner in schema.values():
                yield from kinds(inner)
        elif isinstance(schema, list):
            for inner in schema:
                yield from kinds(inner)

    assert "number" not in set(kinds(SCHEMA))
