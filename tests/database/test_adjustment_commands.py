"""Money moved by hand from a terminal."""

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


async def test_callers_and_experts_are_adjusted_once_for_a_key_listed_and_audited(
    world: World,
) -> None:
    await world.top_up("2.00")
    why = ("--reason", "goodwill", "--note", "For the noise.")
    first = await answer("caller", "adjust", CALLER, "credit", "5.00", *why, "--key", "one")
    assert await answer("caller", "adjust", CALLER, "credit", "5.00", *why, "--key", "one") == first
    assert (first["amount"]["amount"], first["credit_now"]["amount"]) == ("5.0000", "7.0000")
    back = await answer(
        *("caller", "pay-back", CALLER, "--reason", "account-closed", "--note", "By transfer.")
    )
    assert (back["amount"]["amount"], back["credit_now"]["amount"]) == ("-2.0000", "5.0000")
    owed = await answer("expert", "adjust", "11", "credit", "3.00", *why)
    assert owed["owed_now"]["amount"] == "3.0000"
    listed = await answer("adjustments")
    assert [one["id"] for one in listed] == [owed["id"], back["id"], first["id"]]
    done = [one["action"] for one in await answer("audit")]
    assert (done.count("adjusted"), done.count("paid-back")) == (2, 1)
    result = await run("caller", "adjust", CALLER, "debit", "5.01", *why)
    assert result.exit_code == 1
    assert "less than 5.0100 EUR that no call holds" in result.stderr


async def test_a_ledger_says_who_made_a_line(world: World) -> None:
    await world.top_up("2.00")
    why = ("--reason", "goodwill", "--note", "For the noise.")
    await answer("caller", "adjust", CALLER, "credit", "5.00", *why)
    await answer(
        "caller", "pay-back", CALLER, "--reason", "account-closed", "--note", "By transfer."
    )
    await answer("topup", CALLER, "1.00")
    me = getpass.getuser()
    lines = (await answer("caller", "show", CALLER))["lines"]
    # The first was topped up without a command, so that no audit row tells of it.
    assert [(one["reason"], one["made_by"]) for one in lines] == [
        ("top-up", None),
        ("adjustment", me),
        ("paid-back", me),
        ("top-up", me),
    ]
