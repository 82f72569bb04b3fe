"""Contesting a call from a terminal."""

import asyncio
import getpass
import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from primeline.cli import app
from tests.database.world import CALLER, World


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


async def test_a_call_is_contested_listed_upheld_and_shown(world: World) -> None:
    await world.top_up("10.00")
    call_id = str(await world.paid_call(252))
    opened = await answer("dispute", "open", call_id, "--reason", "I never called.")
    assert (opened["state"], opened["call"]) == ("open", call_id)
    assert await answer("dispute", "list", "--state", "open") == [opened]
    assert await answer("dispute", "list", "--overdue") == []
    closed = await answer("dispute", "close", call_id[:13], "upheld", "--note", "True.")
    assert (closed["state"], closed["returned"]["amount"]) == ("upheld", "5.0400")
    assert await answer("dispute", "show", call_id) == closed
    line = (await answer("caller", "show", CALLER))["lines"][-1]
    assert (line["change"]["amount"], line["made_by"]) == (
        "5.0400",
        getpass.getuser(),
    )
    shown = await answer("calls", "show", call_id)
    assert (shown["dispute"], shown["disputed"]) == ("upheld", "I never called.")
    assert "I never called." in (await run("dispute", "list")).stdout


async def test_a_call_without_a_dispute_has_none_to_close(world: World) -> None:
    call_id = await world.receive()
    await world.settle(call_id, None)
    result = await run("dispute", "close", str(call_id), "rejected", "--note", "None.")
    assert (result.exit_code, result.stderr) == (1, f"There is no dispute of call {call_id}.\n")
