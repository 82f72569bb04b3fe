"""A client of the application in this very process."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from billing.identity import service as identity
from billing.identity.values import Scope
from billing.kit.clock import now

Client = httpx.AsyncClient


async def key_for(app: FastAPI, name: str, scopes: Collection[Scope] = tuple(Scope)) -> str:
    """Make a key as `primeline key add` does; gives its token."""
    async with app.state.sessions.begin() as s:
        made = await identity.add_key(s, name=name, scopes=scopes, created_by="test", at=now())
    return made.token


@asynccontextmanager
async def open_client(
    app: FastAPI, token: str | None, address: str = "203.0.113.7"
) -> AsyncIterator[Client]:
    """A client with a key, or without; a crash of the application is seen as its 500."""
    transport = httpx.ASGITransport(app=app, client=(address, 50_000), raise_app_exceptions=False)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with Client(transport=transport, base_url="http://api/v1", headers=headers) as client:
        yield client


def code_of(response: httpx.Response, status: int) -> str:
    """The code of the problem an answer is, which must have this status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["detail"]
    assert body["request_id"] == response.headers["x-request-id"]
    return str(body["code"])


def ok(response: httpx.Response, status: int = 200) -> Any:
    """The JSON of an answer, which must have this status."""
    assert response.status_code == status, response.text
    return response.json() if response.content else None
