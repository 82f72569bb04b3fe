"""Ending a call from a terminal."""

import asyncio
import getpass
import json
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

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


async def test_the_end_of_a_call_is_ordered_once_and_on_record(world: World) -> None:
    call_id = await world.receive()
    order = await answer("calls", "end", str(call_id)[:13])
    assert (order["state"], order["asked_by"]) == ("asked", getpass.getuser())
    assert (await answer("calls", "end", str(call_id)))["order"] == order["order"]
    assert await answer("orders", "--call", str(call_id)) == [order]
    async with world.sessions() as s:
        audited = await s.execute(
            text("SELECT action, subject_id FROM audit_entries WHERE subject = 'call'")
        )
        assert audited.all() == [("ordered", str(call_id))] * 2
    await world.settle(call_id, None)
    (done,) = await answer("orders")
    assert (done["state"], done["result"]) == ("done", "caller-hung-up")


async def test_a_call_that_has_ended_cant_be_ended(world: World) -> None:
    call_id = await world.receive()
    await world.settle(call_id, None)
    result = await run("calls", "end", str(call_id))
    assert (result.exit_code, result.stderr) == (1, f"Call {call_id} has ended.\n")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("propose-paid",), "propose-paid"),
        (("propose-paid", "--act"), "propose-act"),
        (("back-to-free",), "back-to-free"),
        (("free-minutes",), "free-minutes"),
    ],
)
async def test_a_switch_is_ordered_by_command(
    world: World, words: tuple[str, ...], kind: str
) -> None:
    call_id = await world.receive()
    order = await answer("calls", *words, str(call_id))
    assert (order["kind"], order["state"]) == (kind, "asked")
    async with world.sessions() as s:
        audited = await s.execute(text("SELECT action FROM audit_entries WHERE subject = 'call'"))
        assert audited.all() == [("ordered",)]
