"""What every route does alike: problems, bounds, request ids, logs without secrets."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from api import edge
from api.app import create_app
from billing.kit.logs import configure
from billing.kit.settings import Settings
from tests.web.client import Client, code_of, key_for, ok, open_client

EXPERT = {"name": "Ada", "extension": "11", "phones": ["ada"]}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "path-unknown"),
        ("GET", "/experts/", 404, "path-unknown"),
        ("PUT", "/experts", 405, "method-not-allowed"),
        ("GET", "/experts/x", 422, "request-invalid"),
        ("GET", "/experts/00000000-0000-0000-0000-000000000000", 404, "expert-unknown"),
        ("GET", "/experts?limit=0", 422, "request-invalid"),
        ("GET", "/experts?limit=201", 422, "request-invalid"),
        ("GET", "/experts?limit=99999999999999999999999", 422, "request-invalid"),
        ("GET", "/experts?cursor=x", 422, "cursor-invalid"),
        ("GET", "/experts?cursor=WzFd", 422, "cursor-invalid"),
        ("GET", "/experts?cursor=WyJcdTAwMDAiXQ", 422, "cursor-invalid"),
        ("GET", "/experts?cursor=WyJcdWQ4MDAiXQ", 422, "cursor-invalid"),
        ("GET", "/orders?cursor=WzVd", 422, "cursor-invalid"),
        ("GET", "/orders?cursor=W3t9XQ", 422, "cursor-invalid"),
        ("GET", "/callers?cursor=WyJ4IiwgNV0", 422, "cursor-invalid"),
        ("GET", "/experts?extension=1%00", 422, "request-invalid"),
    ],
)
async def test_what_is_wrong_is_said_as_a_problem(
    api: Client, method: str, path: str, status: int, code: str
) -> None:
    assert code_of(await api.request(method, path), status) == code


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "json-invalid"),
        (b"\xff", "application/json", 400, "body-unreadable"),
        (b"[" * 30_000, "application/json", 400, "body-unreadable"),
        (b'{"name":' + b"9" * 5_000 + b"}", "application/json", 400, "body-unreadable"),
        (b"", "application/json", 422, "request-invalid"),
        (b"[]", "application/json", 422, "request-invalid"),
        (b"{}", "text/plain", 415, "media-type-unsupported"),
        (b"name=Ada", "application/x-www-form-urlencoded", 415, "media-type-unsupported"),
        (json.dumps(EXPERT | {"nam": "x"}).encode(), "application/json", 422, "request-invalid"),
        (
            json.dumps(EXPERT | {"name": "a\0b"}).encode(),
            "application/json",
            422,
            "request-invalid",
        ),
        (json.dumps(EXPERT | {"name": "\ud800"}).encode(), "application/json", 422, None),
        (json.dumps(EXPERT | {"\ud800": "x"}).encode(), "application/json", 422, None),
        (json.dumps(EXPERT | {"name": " "}).encode(), "application/json", 422, "request-invalid"),
        (b" " * (edge.LARGEST_BODY_BYTES + 1), "application/json", 413, "body-too-large"),
    ],
)
async def test_a_body_that_cant_be_taken_says_why(
    api: Client, body: bytes, kind: str, status: int, code: str | None
) -> None:
    answer = await api.post("/experts", content=body, headers={"Content-Type": kind})
    assert code_of(answer, status) == (code or "request-invalid")


async def test_a_body_that_grows_is_stopped_though_it_announced_nothing(api: Client) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 30_000

    answer = await api.post(
        "/experts", content=chunks(), headers={"Content-Type": "application/json"}
    )
    assert code_of(answer, 413) == "body-too-large"


async def test_a_body_that_takes_too_long_is_not_waited_for(
    api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(1)

    monkeypatch.setattr(edge, "BODY_SECONDS", 0)
    answer = await api.post(
        "/experts", content=chunks(), headers={"Content-Type": "application/json"}
    )
    assert code_of(answer, 408) == "body-too-slow"


async def test_an_invalid_field_is_named(api: Client) -> None:
    answer = await api.post("/experts", json=EXPERT | {"extension": "x"})
    assert code_of(answer, 422) == "request-invalid"
    assert [one["at"] for one in answer.json()["errors"]] == ["body.extension"]


async def test_a_request_id_of_the_senders_is_kept_if_it_can_be(api: Client) -> None:
    answer = await api.get("/experts", headers={"X-Request-Id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    answer = await api.get("/experts", headers={"X-Request-Id": "a b"})
    assert len(answer.headers["x-request-id"]) == 32


async def test_a_crash_is_a_problem_without_details(
    api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("billing.catalogue.listing.page_experts", crash)
    answer = await api.get("/experts")
    assert code_of(answer, 500) == "internal-error"
    assert "secret" not in answer.text


async def test_without_the_database_it_says_so(tmp_path: Path) -> None:
    settings = Settings(database_url="postgresql://127.0.0.1:1/x", data_dir=tmp_path)
    app = create_app(settings)
    async with app.router.lifespan_context(app), open_client(app, "pl_aaaaaaaa_" + "A" * 43) as api:
        answer = await api.get("/experts")
        assert code_of(answer, 503) == "database-away"
        assert answer.headers["retry-after"]
        assert (await api.get("/health")).status_code == 200
        assert (await api.get("/readiness")).json() == {"status": "database-away"}


async def test_a_request_is_logged_without_its_secrets(app: FastAPI) -> None:
    token = await key_for(app, "owner")
    stream = io.StringIO()
    configure("INFO", json=True, stream=stream)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the test's own client
    async with open_client(app, token) as api:
        answer = await api.get("/experts?extension=47114711")
        made = ok(await api.post("/keys", json={"name": "office", "scopes": ["read"]}), 201)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    (line,) = [one for one in lines if one.get("route") == "/experts"]
    assert line["method"] == "GET"
    assert line["status"] == 200
    assert line["key"] == "owner"
    assert line["request_id"] == answer.headers["x-request-id"]
    for secret in (token, token.split("_", 2)[2], "47114711", made["token"].split("_", 2)[2]):
        assert secret not in stream.getvalue()
