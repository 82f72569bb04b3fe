"""Checking experts, and noting what callers agreed to, from a terminal."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from billing.kit import audit
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


async def test_a_caller_accepts_the_terms_of_toll_free_calls_and_withdraws(world: World) -> None:
    done = await run("caller", "terms", CALLER)
    assert done.exit_code == 0, done.output
    assert (await answer("caller", "show", CALLER))["terms_accepted"] is not None
    await run("caller", "terms", CALLER, "--withdrawn")
    assert (await answer("caller", "show", CALLER))["terms_accepted"] is None
    async with world.sessions() as s:
        entries = await audit.list_entries(s, limit=5, subject="caller")
    assert [one.action for one in entries.items][:2] == ["terms-set", "terms-set"]


async def test_a_dearer_tariff_for_a_toll_free_number_is_refused_without_notice(
    world: World,
) -> None:
    assert world.number_id
    made = await run("tariff", "add", "line", "--price", "1.20")
    assert made.exit_code == 0, made.output
    await run("number", "add", "+18005550100", "--tariff", "line")
    refused = await run("tariff", "add", "line", "--price", "1.50")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Rule R19: ")
