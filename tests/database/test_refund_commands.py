"""Refunding a call from a terminal."""

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


async def test_a_call_is_refunded_in_part_then_whole_and_listed(world: World) -> None:
    await world.top_up("10.00")
    call_id = str(await world.paid_call(252))
    why = ("--reason", "expert-fault", "--note", "He slept.")
    first = await answer("refund", "add", call_id[:13], *why, "--amount", "2.52", "--key", "one")
    assert (first["refunded"]["amount"], first["expert"]["amount"]) == ("2.5200", "1.4700")
    assert first["still_refundable"]["amount"] == "2.5200"
    again = await answer("refund", "add", call_id[:13], *why, "--amount", "2.52", "--key", "one")
    assert again == first
    rest = await answer("refund", "add", call_id, *why, "--borne-by", "platform")
    assert (rest["credit_now"]["amount"], rest["expert"]["amount"]) == ("10.0000", "0.0000")
    lines = (await answer("caller", "show", CALLER))["lines"]
    made = [(one["reason"], one["made_by"]) for one in lines]
    assert made[-2:] == [("refund", getpass.getuser())] * 2
    assert {by for reason, by in made if reason in {"hold", "talk", "released"}} == {None}
    listed = await answer("refund", "list", "--call", call_id)
    assert [one["refund"] for one in listed] == [rest["refund"], first["refund"]]
    assert "He slept." in (await run("refund", "list")).stdout
    shown = await answer("calls", "show", call_id)
    assert shown["after_refunds"]["amount"] == "0.0000"
    assert [one["amount"]["amount"] for one in shown["refunds"]] == ["2.5200", "2.5200"]


async def test_a_call_that_cost_nothing_has_nothing_to_refund(world: World) -> None:
    call_id = await world.receive()
    await world.settle(call_id, None)
    result = await run(
        *("refund", "add", str(call_id), "--reason", "other", "--note", "None.", "--amount", "1")
    )
    assert (result.exit_code, result.stderr) == (
        1,
        f"Call {call_id} cost nothing, so nothing can be refunded.\n",
    )
