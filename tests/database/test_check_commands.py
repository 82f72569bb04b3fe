"""Checking experts from a terminal."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from billing.kit import audit
from primeline.cli import app
from tests.database.world import World


@pytest.fixture(autouse=True)
def _settings(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", fresh_database)
    monkeypatch.setenv("COLUMNS", "200")


async def run(*words: str) -> Result:
    # A command runs its own event loop, so it needs a thread of its own.
    return await asyncio.to_thread(CliRunner().invoke, app, list(words))


async def answer(*words: str) -> Any:
    result = await run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def test_an_expert_is_checked_and_unchecked_and_each_is_on_record(world: World) -> None:
    (ada, *_) = await answer("expert", "list")
    assert ada["checked"] is None
    done = await run("expert", "check", ada["extension"], "--note", "Passport seen.")
    assert done.exit_code == 0, done.output
    assert (await answer("expert", "show", ada["extension"]))["checked"] is not None
    await run("expert", "uncheck", ada["extension"])
    assert (await answer("expert", "show", ada["extension"]))["checked"] is None
    async with world.sessions() as s:
        entries = await audit.list_entries(s, limit=2, subject="expert")
    assert [one.action for one in entries.items] == ["unchecked", "checked"]
    assert entries.items[1].detail["changed"]["check_note"]["to"] == "Passport seen."
