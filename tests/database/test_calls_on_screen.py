"""A call as the operator opens it, and books that don't add up."""

import asyncio
import json
from datetime import datetime

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from billing.calls import service as calls
from billing.calls.values import TimelineEntry
from billing.kit.clock import to_ms
from billing.kit.ids import new_call_id
from primeline.cli import app
from tests.database.test_windows import BEFORE, BORDER, CHRISTMAS, add_windows
from tests.database.world import CALLER, MENU, NOW, World


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
    assert f" {str(call_id)[:13]} " in latest


@pytest.mark.parametrize(
    ("at", "window"), [(BEFORE, None), (BORDER, "night"), (CHRISTMAS, "holidays")]
)
async def test_a_call_shows_the_window_that_gave_its_price(
    world: World, at: datetime, window: str | None
) -> None:
    await add_windows(world)
    await world.top_up("10.00")
    world.now = at
    call_id = await world.paid_call(61)
    _, answer = await shown("calls", "show", str(call_id), "--json")
    call = json.loads(answer)
    assert (call["tariff"], call["window"]) == ("standard", window)


async def test_a_window_that_does_not_give_the_price_of_a_call_is_not_shown(world: World) -> None:
    await add_windows(world)
    await world.top_up("10.00")
    world.now = CHRISTMAS
    call_id = await world.paid_call(61)
    async with world.sessions.begin() as s:
        # As if that day's holiday had been called off after the call.
        await s.execute(text("UPDATE charging_sessions SET quoted_at = :at"), {"at": BORDER})
    _, answer = await shown("calls", "show", str(call_id), "--json")
    assert not {"tariff", "window"} & json.loads(answer).keys()


async def test_a_call_without_a_price_shows_no_window(world: World) -> None:
    call_id = await world.receive()
    status, answer = await shown("calls", "show", str(call_id), "--json")
    assert status == 0
    assert not {"tariff", "window"} & json.loads(answer).keys()


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


async def test_the_list_of_calls_fits_a_terminal_and_names_each_so_that_it_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    await world.top_up("10.00")
    made = [await world.paid_call(19)]
    for random_bits in (0x100 << 62, 0x200 << 62):
        call_id = new_call_id(unix_ms=1_795_000_000_000, random_bits=random_bits)
        await world.receive_as(call_id, number=None)
        made.append(call_id)
    status, table = await shown("calls")
    rows = [line.split() for line in table.splitlines() if line.strip()][-3:]
    assert status == 0
    assert len(rows) == 3
    assert CALLER not in table
    assert max(len(line) for line in table.splitlines()) <= 100
    shorts = [row[0] for row in rows]
    for call_id in made:
        (short,) = [one for one in shorts if str(call_id).startswith(one)]
        status, answer = await shown("calls", "show", short, "--json")
        assert (status, json.loads(answer)["id"]) == (0, str(call_id))
    (paid,) = [row for row in rows if "€0.38" in row]
    assert (paid[3], paid[4], paid[-1]) == (MENU, "…01", "caller-hung-up")


async def test_a_beginning_that_isnt_enough_is_said(world: World) -> None:
    for random_bits in (1, 2):
        call_id = new_call_id(unix_ms=1_795_000_000_000, random_bits=random_bits)
        await world.receive_as(call_id)
    for given, sentence in (
        (str(call_id)[:13], "several calls begin with"),
        ("ffff", "There is no call ffff."),
        ("yesterday", "is no call's id"),
    ):
        result = await asyncio.to_thread(CliRunner().invoke, app, ["calls", "show", given])
        assert (result.exit_code, sentence in result.stderr) == (1, True)


async def test_times_in_a_call_are_seconds_from_its_start(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.paid_call(19)
    start_ms = to_ms(NOW)
    async with world.sessions.begin() as s:
        await calls.append_timeline(s, call_id, [TimelineEntry(start_ms + 2_345, "rang", {})])
    _, answer = await shown("calls", "show", str(call_id), "--json")
    call = json.loads(answer)
    assert call["paid_time"] == [{"from": "0.000", "to": "19.000", "seconds": "19.000"}]
    assert {"seconds": "2.345", "what": "rang", "detail": ""} in call["timeline"]
