"""Things changed and removed as it is typed, and what is on record of it."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from billing.calls.receipts import queue_receipt
from billing.kit.audit import list_entries
from primeline.cli import app
from tests.database.world import CALLER, DIRECT, MENU, NOW, World

KEY = "k" * 44


@pytest.fixture(autouse=True)
def _settings(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", fresh_database)
    monkeypatch.setenv("PRIMELINE_SECRET_KEY", KEY)
    monkeypatch.setenv("COLUMNS", "220")


async def run(*words: str, keyed: str | None = None) -> Result:
    # A command runs its own event loop, so it needs a thread of its own.
    return await asyncio.to_thread(CliRunner().invoke, app, list(words), keyed)


async def answer(*words: str) -> Any:
    result = await run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def done(world: World) -> list[tuple[str, str]]:
    async with world.sessions() as s:
        found = await list_entries(s, limit=20)
    return [(one.action, one.subject) for one in reversed(found.items)]


async def test_an_expert_is_edited_shared_and_removed(world: World) -> None:
    edit = ("expert", "edit", "12", "--name", "Benno", "--new-extension", "77")
    after = await answer(*edit, "--category", "law", "--tariff", "none")
    assert after == {
        "name": "Benno",
        "extension": "77",
        "language": "en",
        "category": "law",
        "tariff": None,
    }
    assert (await answer("expert", "edit", "77", "--category", "none"))["category"] is None
    share = await answer("expert", "share", "77", "62.5", "--basis", "gross")
    assert share == {"expert": "77", "share_percent": "62.50", "basis": "gross"}
    assert (await run("expert", "remove", "77", keyed="n\n")).exit_code == 1
    assert (await run("expert", "show", "77")).exit_code == 0
    assert (await run("expert", "remove", "77", keyed="y\n")).exit_code == 0
    assert (await run("expert", "show", "77")).exit_code == 1
    free = await answer("expert", "free-extensions", "--digits", "2", "--limit", "2")
    assert free == [{"extension": "10"}, {"extension": "12"}]
    in_use = await run("expert", "remove", "11", "--yes")
    assert (in_use.exit_code, "leads to Ada" in in_use.stderr) == (1, True)
    assert await done(world) == [("edited", "expert")] * 3 + [("removed", "expert")]


async def test_a_number_is_edited_shared_and_removed(world: World) -> None:
    edit = await answer("number", "edit", MENU, "--closed", "--tariff", "standard")
    assert (edit["open"], edit["tariff"]) == (False, "standard")
    edit = await answer("number", "edit", MENU, "--open", "--tariff", "none", "--language", "fr")
    assert (edit["open"], edit["tariff"], edit["language"]) == (True, None, "fr")
    assert (await answer("number", "share", MENU, "50"))["share_percent"] == "50.00"
    assert (await answer("number", "share", MENU, "none"))["share_percent"] is None
    wrong = await run("number", "edit", MENU, "--kind", "direct")
    assert (wrong.exit_code, "There is no expert" in wrong.stderr) == (1, True)
    assert (await run("number", "remove", DIRECT, "--yes")).exit_code == 0
    assert [one["number"] for one in await answer("number", "list")] == [MENU]
    assert await done(world) == [("edited", "number")] * 4 + [("removed", "number")]


async def test_a_caller_is_edited_credited_and_removed(world: World) -> None:
    edit = ("caller", "edit", CALLER, "--day-limit", "20.00", "--language", "fr")
    after = await answer(*edit)
    assert after["day_limit"] == {"amount": "20.0000", "currency": "EUR"}
    assert (await answer("caller", "edit", CALLER, "--day-limit", "none"))["day_limit"] is None
    other = "+33639980042"
    assert (await answer("caller", "numbers", CALLER, other))["numbers"] == [other]
    made = await answer("voucher", "batch", "--count", "1", "--amount", "10.00")
    (code,) = made["codes"]
    redeemed = await run("caller", "redeem", other, keyed=f"{code}\n")
    assert (redeemed.exit_code, "10" in redeemed.stdout) == (0, True)
    again = await run("caller", "redeem", other, "--code", code)
    assert (again.exit_code, "used already" in again.stderr) == (1, True)
    kept = await run("caller", "remove", other, "--yes")
    assert kept.exit_code == 1
    assert await done(world) == [
        *[("edited", "caller")] * 3,
        ("added", "voucher-batch"),
        ("voucher-redeemed", "caller"),
    ]
    assert code not in json.dumps(await answer("audit"))


async def test_who_changed_what_and_who_was_told_what_is_listed(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.paid_call(60)
    async with world.sessions.begin() as s:
        await queue_receipt(s, call_id, wanted_by_default=True, at=NOW)
    (message,) = await answer("notifications", "--state", "queued")
    assert (message["to"], message["about"]) == (CALLER, f"receipt:{call_id}")
    assert CALLER not in (await run("notifications")).stdout
    await answer("expert", "edit", "11", "--name", "Ada L.")
    (entry,) = await answer("audit", "--subject", "expert", "--limit", "1")
    assert entry["detail"]["changed"] == {"name": {"from": "Ada", "to": "Ada L."}}
    assert "name=Ada→Ada L." in (await run("audit")).stdout
    assert await answer("audit", "--by", "nobody") == []
    (receipt,) = (await answer("calls", "show", str(call_id)))["receipts"]
    assert receipt["state"] == "queued"
    found = await answer("books", "balances")
    assert found["wallets"][0]["posted"] == {"amount": "8.8000", "currency": "EUR"}
    assert {one["kind"] for one in found["accounts"]} >= {"wallet", "expert-payable"}


async def test_a_key_is_renamed(world: World) -> None:
    assert world.number_id
    await answer("key", "add", "office")
    assert (await answer("key", "rename", "office", "shop"))["name"] == "shop"
    assert [one["name"] for one in await answer("key", "list")] == ["shop"]
