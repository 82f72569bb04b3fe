"""Who may do what: API keys, their scopes, their end."""

import asyncio
from datetime import timedelta

from fastapi import FastAPI
from sqlalchemy import text

from api.auth import WINDOW_SECONDS, WRONG_KEYS, Guard
from billing.identity import service as identity
from billing.identity.values import Scope
from billing.kit.clock import now
from tests.web.client import Client, code_of, key_for, ok, open_client


async def test_a_key_is_shown_once_and_kept_as_a_hash(api: Client, app: FastAPI) -> None:
    made = ok(await api.post("/keys", json={"name": "office", "scopes": ["read"]}), 201)
    shown = ok(await api.get(f"/keys/{made['key']['id']}"))
    assert shown == made["key"]
    assert shown["created_by"] == "key:owner"
    async with app.state.sessions() as s:
        kept = str((await s.execute(text("SELECT * FROM api_keys, audit_entries"))).all())
    assert made["token"].split("_", 2)[2] not in kept
    async with open_client(app, made["token"]) as office:
        ok(await office.get("/experts"))
        assert code_of(await office.get("/keys"), 403) == "scope-missing"


async def test_without_a_key_or_with_a_wrong_one_nothing_opens(app: FastAPI) -> None:
    right = await key_for(app, "owner")
    async with open_client(app, None) as nobody:
        answer = await nobody.get("/experts")
        assert code_of(answer, 401) == "key-missing"
        assert answer.headers["www-authenticate"] == "Bearer"
        for wrong in ("", "x", "pl_a_b", right[:-1], right + "x", right[:13] + "A" * 43):
            headers = {"Authorization": f"Bearer {wrong}"}
            answer = await nobody.get("/experts", headers=headers)
            assert code_of(answer, 401) in {"key-wrong", "key-missing"}
        for other in (f"Basic {right}", right):
            answer = await nobody.get("/experts", headers={"Authorization": other})
            assert code_of(answer, 401) == "key-missing"


async def test_an_expired_and_a_revoked_key_open_nothing(api: Client, app: FastAPI) -> None:
    async with app.state.sessions.begin() as s:
        short = await identity.add_key(
            s,
            name="short",
            scopes=[Scope.READ],
            created_by="test",
            at=now() - timedelta(hours=2),
            expires_at=now() - timedelta(hours=1),
        )
    async with open_client(app, short.token) as client:
        assert code_of(await client.get("/experts"), 401) == "key-wrong"
    made = ok(await api.post("/keys", json={"name": "office", "scopes": ["read"]}), 201)
    path = f"/keys/{made['key']['id']}"
    async with open_client(app, made["token"]) as office:
        ok(await office.get("/experts"))
        revoked = ok(await api.delete(path, headers={"If-Match": '"1"'}))
        assert revoked["revoked_at"] is not None
        assert code_of(await office.get("/experts"), 401) == "key-wrong"
    again = ok(await api.delete(path, headers={"If-Match": "*"}))
    assert again["version"] == revoked["version"]


async def test_the_last_admin_key_stays(api: Client) -> None:
    (key,) = ok(await api.get("/keys"))["items"]
    answer = await api.delete(f"/keys/{key['id']}", headers={"If-Match": "*"})
    assert code_of(answer, 409) == "last-admin-key"
    ok(await api.post("/keys", json={"name": "second", "scopes": ["admin"]}), 201)
    ok(await api.delete(f"/keys/{key['id']}", headers={"If-Match": "*"}))


async def test_two_keys_have_two_names(api: Client) -> None:
    body = {"name": "office", "scopes": ["read"]}
    first, second = await asyncio.gather(api.post("/keys", json=body), api.post("/keys", json=body))
    assert sorted([first.status_code, second.status_code]) == [201, 409]
    ok(await api.post("/keys", json=body | {"name": "shop"}), 201)
    shop = ok(await api.get("/keys"))["items"][2]
    edit = {"json": {"name": "office"}, "headers": {"If-Match": "*"}}
    assert code_of(await api.patch(f"/keys/{shop['id']}", **edit), 409) == "key-name-taken"  # type: ignore[arg-type]


async def test_guessing_is_stopped_and_keeps_no_right_key_out(app: FastAPI) -> None:
    token = await key_for(app, "owner")
    other = await key_for(app, "other")
    guess = {"Authorization": "Bearer pl_aaaaaaaa_" + "A" * 43}
    async with open_client(app, token) as client:
        ok(await client.get("/experts"))
        for _ in range(WRONG_KEYS):
            assert code_of(await client.get("/experts", headers=guess), 401) == "key-wrong"
        answer = await client.get("/experts", headers=guess)
        assert code_of(answer, 429) == "too-many-wrong-keys"
        assert answer.headers["retry-after"] == str(WINDOW_SECONDS)
        ok(await client.get("/experts"))
        # A key that was never right before could be a lucky guess.
        unknown = {"Authorization": f"Bearer {other}"}
        assert code_of(await client.get("/experts", headers=unknown), 429)
    async with open_client(app, other, address="203.0.113.8") as elsewhere:
        ok(await elsewhere.get("/experts"))


def test_guesses_are_forgotten_after_the_window() -> None:
    guard = Guard()
    for _ in range(WRONG_KEYS):
        guard.wrong("a", "x", 100)
    assert guard.refuses("a", "y", 100 + WINDOW_SECONDS - 1)
    assert not guard.refuses("a", "y", 100 + WINDOW_SECONDS)


async def test_the_last_use_is_noted(api: Client) -> None:
    (key,) = ok(await api.get("/keys"))["items"]
    assert key["last_used_at"] is not None
