"""A call as the operator opens it, and books that don't add up."""

import asyncio
import json

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from primeline.cli import app
from tests.database.world import World


@pytest.fixture(autouse=True)
def _settings(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", fresh_database)
    monkeypatch.setenv("COLUMNS", "200")


async def shown(*words: str) -> tuple[int, str]:
    # A command runs its own event loop, so it needs a thread of its own.
    result = await asyncio.to_thread(CliRunner().invoke, app, list(words))
    return result.exit_code, result.stdout


async def test_a_call_shows_who_got_what(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.paid_call(252)
    status, answer = await shown("calls", "show", str(call_id), "--json")
    call = json.loads(answer)
    assert status == 0
    assert call["charge"] == {"amount": "5.0400", "currency": "EUR"}
    assert call["expert_gets"] == {"amount": "2.9400", "currency": "EUR"}
    assert [entry["reason"] for entry in call["ledger"]] == [
        "hold",
        "talk",
        "released",
        "share-tax",
        "share-expert",
        "share-platform",
    ]
    status, table = await shown("calls", "show", str(call_id))
    assert status == 0
    for words in ("€5.04", "expert-payable", "caller-hung-up", "Ada"):
        assert words in table
    _, latest = await shown("calls")
    assert str(call_id) in latest


async def test_books_that_dont_add_up_are_told_with_status_1(world: World) -> None:
    await world.top_up("10.00")
    async with world.sessions.begin() as s:
        await s.execute(text("UPDATE wallets SET posted = posted + 1"))
    status, answer = await shown("books", "check", "--json")
    (finding,) = json.loads(answer)
    assert (status, finding["check"]) == (1, "wallet-posted")
    status, table = await shown("books", "check")
    assert status == 1
    assert "says posted" in table
