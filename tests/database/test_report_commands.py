"""Revenue, prices, live calls and filters, as they are typed."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from billing.calls import service as calls
from billing.kit.clock import now, to_ms
from primeline.cli import app
from tests.database.world import CALLER, DIRECT, MENU, World

PERIOD = ("--from", "2026-11-22", "--to", "2026-11-22")


@pytest.fixture(autouse=True)
def _settings(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", fresh_database)
    monkeypatch.setenv("COLUMNS", "220")


async def run(*words: str) -> Result:
    # A command runs its own event loop, so it needs a thread of its own.
    return await asyncio.to_thread(CliRunner().invoke, app, list(words))


async def answer(*words: str) -> Any:
    result = await run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def test_revenue_is_shown_by_expert_with_its_totals(world: World) -> None:
    await world.top_up("10.00")
    await world.paid_call(252)
    await world.settle(await world.receive(), None)
    report = await answer("revenue", *PERIOD, "--by", "expert")
    (ada,) = [line for line in report["lines"] if line["expert"] == "11"] or report["lines"][:1]
    assert ada["gross"] == {"amount": "5.0400", "currency": "EUR"}
    assert [line["calls"] for line in report["totals"]] == [1, 1]
    assert report["totals"][1]["unpaid"] == {"caller-hung-up": 1}
    table = (await run("revenue", *PERIOD)).stdout
    for words in ("2026-11-22", "€5.04", "1 caller-hung-up", "In all"):
        assert words in table


async def test_a_period_turned_round_is_refused(world: World) -> None:
    result = await run("revenue", "--from", "2026-11-22", "--to", "2026-11-01")
    assert result.exit_code == 1
    assert "is no period" in result.stderr
    assert world.number_id


async def test_a_price_is_told(world: World) -> None:
    told = await answer("price", MENU, "--expert", "11", "--amount", "10.00")
    assert told["announced"] == "This call costs one euro twenty a minute."
    assert told["buys_seconds"] == 500
    assert told["cost_of_300_seconds"] == {"amount": "6.0000", "currency": "EUR"}
    assert (await answer("price", DIRECT))["expert"] == "Ada"
    refused = await run("price", MENU, "--expert", "99")
    assert (refused.exit_code, "There is no expert" in refused.stderr) == (1, True)
    assert world.number_id


async def test_calls_that_go_on_are_listed_with_their_price(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions.begin() as s:
        await calls.talk_started(
            s,
            call_id,
            bridge=f"{call_id}-paid-1",
            paid=True,
            start_ms=to_ms(now()) - 61_500,
            at=now(),
        )
    (live,) = await answer("calls", "live")
    assert (live["call"], live["caller"]) == (str(call_id), CALLER)
    assert live["seconds"] >= 61
    assert float(live["costs_now"]["amount"]) >= 1.22
    table = (await run("calls", "live")).stdout
    assert "…01" in table
    assert CALLER not in table


async def test_calls_are_found_and_explained(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.paid_call(252)
    assert [one["id"] for one in await answer("calls", "list", "--min-charge", "5.04")] == [
        str(call_id)
    ]
    for words in (
        ("--min-charge", "5.05"),
        ("--reason", "expert-busy"),
        ("--expert", "12"),
        ("--since", "2026-12-01"),
        ("--until", "2026-11-01"),
    ):
        assert await answer("calls", "list", *words) == []
    steps = (await answer("calls", "show", str(call_id)))["arithmetic"]
    assert [step["step"] for step in steps][-4:] == ["charge", "tax", "expert", "platform"]
    assert steps[-2]["how"] == "The expert gets 70 % of what is left without tax: 2.9400 EUR."
