"""Past calls rated again from their records, as they were and under other prices."""

import asyncio
import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner, Result

from billing.calls.replay import service
from billing.charging import service as charging
from billing.charging.values import Grant
from billing.tariffs import listing as tariff_listing
from billing.tariffs import service as tariffs
from primeline.cli import app
from tests.database import test_premium_calls as premium
from tests.database.test_segments import again, checked, close, settle, talked
from tests.database.world import NOW, World, eur, tariff_of

PERIOD = ("--from", "2026-11-22", "--to", "2026-11-22")
DAY = (NOW.replace(hour=0), NOW.replace(hour=0) + timedelta(days=1))


@pytest.fixture(autouse=True)
def _settings(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", fresh_database)
    monkeypatch.setenv("COLUMNS", "220")


async def run(*words: str) -> Result:
    # A command runs its own event loop, so it needs a thread of its own.
    return await asyncio.to_thread(CliRunner().invoke, app, ["replay", *words])


async def answer(*words: str, status: int = 0) -> Any:
    result = await run(*words, "--json")
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


async def add_version(world: World, name: str, price: str, days: int = 0, **changes: Any) -> None:
    async with world.sessions.begin() as s:
        await tariffs.add_version(
            s,
            name=name,
            tariff=tariff_of(price, **changes),
            valid_from=NOW + timedelta(days=days),
            at=NOW,
        )


async def rewrite(world: World, table: str, change: str, call_id: UUID) -> None:
    """Doctor a record that nothing in the system could change."""
    key = "session_id" if table == "closed_segments" else "call_id"
    async with world.sessions.begin() as s:
        await s.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        done = f"UPDATE {table} SET {change} WHERE {key} = :call"  # noqa: S608  (ours)
        await s.execute(text(done), {"call": call_id})
        await s.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER ALL"))


async def in_two_segments(world: World) -> UUID:
    """A call of 61 s and, after a pause under the same price, 10 s more."""
    call_id = await world.granted_call()
    first = talked((0, 61))
    await close(world, call_id, first)
    assert isinstance(await again(world, call_id), Grant)
    await settle(world, call_id, [*first, *talked((100, 110))])
    return call_id


async def random_call(world: World, chance: random.Random) -> None:
    """A call with up to three paid segments under prices of its own, or one that is never paid."""
    world.now += timedelta(minutes=chance.randrange(1, 5))
    minimum = chance.randrange(0, 200)
    async with world.sessions.begin() as s:
        await tariffs.add_version(
            s,
            name="standard",
            tariff=tariff_of(
                f"{chance.randrange(0, 4)}.{chance.randrange(0, 100):02}",
                connect_fee=eur(f"0.{chance.randrange(0, 100):02}"),
                minimum_charge=eur(f"{minimum // 100}.{minimum % 100:02}"),
                maximum_charge=chance.choice([None, eur("5.00")]),
                free_seconds=chance.choice([0, 0, 30]),
                first_increment_seconds=chance.choice([1, 20, 60]),
                next_increment_seconds=chance.choice([1, 15, 60]),
            ),
            valid_from=world.now,
            at=world.now,
        )
    call_id = await world.granted_call()
    done, at = [], 0
    for _ in range(chance.randrange(0, 3)):
        done += talked((at + 1, at := at + chance.randrange(2, 200)))
        await close(world, call_id, done)
        if not isinstance(await again(world, call_id), Grant):
            break
    else:
        if chance.random() > 0.1:
            done += talked((at + 1, at + chance.randrange(2, 400)))
    await settle(world, call_id, done)


async def test_what_charging_settled_is_replayed_without_a_difference(world: World) -> None:
    chance = random.Random(4)
    await world.top_up("1000.00")
    for _ in range(25):
        await random_call(world, chance)
    await world.settle(await world.receive(), None)
    await premium.make_premium(world)
    await premium.settle(world, await premium.held_call(world), talked=90)
    await checked(world)

    async with world.sessions.begin() as s:
        await service.begin_reading(s)
        report = await service.replay_period(s, DAY)

    assert (report.calls, report.right, report.wrong) == (27, 27, 0)
    assert (report.premium, report.unquoted, report.open_calls) == (1, 1, 0)
    charged = report.sums["charge", "EUR"]
    assert charged.before == charged.after > 0
    assert (await run(*PERIOD)).exit_code == 0


async def test_pages_follow_each_other_without_a_gap_or_a_double(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.top_up("100.00")
    for seconds in range(5):
        await world.paid_call(60 + seconds)
    monkeypatch.setattr(service, "PAGE", 2)
    seen: list[tuple[int, int]] = []

    async with world.sessions.begin() as s:
        report = await service.replay_period(
            s, DAY, progress=lambda done, total: seen.append((done, total))
        )

    assert report.calls == 5
    assert seen[-1] == (5, 5)


async def test_nothing_can_be_written_while_calls_are_replayed(world: World) -> None:
    async with world.sessions.begin() as s:
        await service.begin_reading(s)
        with pytest.raises(DBAPIError, match="read-only transaction"):
            await s.execute(text("UPDATE tariffs SET name = 'other'"))
        await s.rollback()


async def test_one_call_is_replayed_step_by_step(world: World) -> None:
    await world.top_up("10.00")
    call_id = await in_two_segments(world)

    told = await answer(str(call_id))
    assert told["right"]
    assert told["differences"] == []
    assert [one["how"] for one in told["arithmetic"]][-1] == (
        "The caller pays 1.4200 EUR for the call."
    )
    shown = await run(str(call_id)[:13])
    assert shown.exit_code == 0
    assert "replay: as recorded" in shown.stdout


async def test_a_doctored_settlement_is_found_and_the_status_says_so(world: World) -> None:
    await world.top_up("10.00")
    wrong, right = await world.paid_call(61), await world.paid_call(30)
    await rewrite(world, "settlements", "charge = charge + 100, tax = tax + 100", wrong)

    report = await answer(*PERIOD, status=1)
    assert (report["right"], report["wrong"]) == (1, 1)
    assert [(one["call"], one["figure"]) for one in report["differences"]] == [
        (str(wrong), "charge"),
        (str(wrong), "tax"),
    ]
    assert report["differences"][0]["recorded"] == money("1.2300")
    assert report["differences"][0]["replayed"] == money("1.2200")
    assert report["sums"][0]["difference"] == money("-0.0100")
    assert (await run(str(wrong))).exit_code == 1
    assert (await run(str(right))).exit_code == 0


async def test_doctored_seconds_tariffs_and_segments_are_found(world: World) -> None:
    await world.top_up("100.00")
    longer, dearer, torn = await world.paid_call(61), await world.paid_call(61), None
    torn = await in_two_segments(world)
    await rewrite(world, "paid_intervals", "end_ms = end_ms + 2000", longer)
    await rewrite(world, "closed_segments", "overrun_ms = 7", torn)
    async with world.sessions.begin() as s:
        await s.execute(
            text(
                "UPDATE charging_sessions SET tariff = tariff - 'free_seconds'"
                " WHERE session_id = :call"
            ),
            {"call": dearer},
        )

    async with world.sessions.begin() as s:
        report = await service.replay_period(s, DAY)

    found = {one.call.call_id: one for one in report.differences}
    assert set(found) == {longer, dearer, torn}
    assert found[dearer].problem == "The stored tariff can't be read: free_seconds missing."
    assert {one.what for one in found[longer].differences} >= {"used_seconds", "charge"}
    assert [(one.where, one.what) for one in found[torn].differences] == [
        ("segment 1", "overrun_ms")
    ]


async def test_under_another_tariff_each_sum_is_exact(world: World) -> None:
    await add_version(world, "new", "1.00", days=30, first_increment_seconds=60)
    await world.top_up("100.00")
    for seconds in (30, 61, 120):
        await world.paid_call(seconds)
    await world.settle(await world.receive(), None)
    await premium.make_premium(world)
    await premium.settle(world, await premium.held_call(world), talked=90)

    report = await answer(*PERIOD, "--tariff", "new")

    # 0.60, 1.22 and 2.40 become 1.00, 1.01 and 2.00.
    by_tariff = {line["key"]: line for line in report["lines"] if line["by"] == "tariff"}
    assert by_tariff["standard"]["charge"] == {
        "before": money("4.2200"),
        "after": money("4.0100"),
        "difference": money("-0.2100"),
    }
    (whole,) = [line for line in report["lines"] if line["by"] == "all"]
    parts = [whole[part]["after"]["amount"] for part in ("tax", "expert", "platform")]
    assert sum(int(part.replace(".", "")) for part in parts) == 40_100
    assert (report["dearer"], report["cheaper"]) == (1, 2)
    assert report["left_out_why"] == {"no-price-quoted": 1, "premium-rate": 1}
    assert [one["difference"] for one in report["largest"]] == [
        money("0.4000"),
        money("-0.4000"),
        money("-0.2100"),
    ]
    shown = (await run(*PERIOD, "--tariff", "new")).stdout
    for words in ("By number", "Ada", "-€0.21", "left out: premium-rate"):
        assert words in shown


async def test_only_calls_under_one_tariff_are_put_under_another(world: World) -> None:
    await add_version(world, "new", "2.00")
    await add_version(world, "elsewhere", "9.00")
    await world.top_up("10.00")
    call_id = await world.paid_call(60)

    report = await answer(*PERIOD, "--tariff", "elsewhere=new")
    assert (report["under_other_prices"], report["unchanged_tariff"]) == (0, 1)
    report = await answer(*PERIOD, "--tariff", "standard=new")
    assert report["largest"][0]["difference"] == money("0.8000")

    told = await answer(str(call_id), "--tariff", "new")
    assert told["parts"][0]["after"] == money("2.0000")


async def test_the_newest_version_counts_unless_a_moment_is_named(world: World) -> None:
    await add_version(world, "standard", "3.00", days=30)
    await world.top_up("10.00")
    await world.paid_call(60)

    newest = await answer(*PERIOD, "--tariff", "standard")
    assert newest["largest"][0]["after"] == money("3.0000")
    then = await answer(*PERIOD, "--tariff", "standard", "--as-of", "2026-11-22")
    assert then["largest"] == []
    refused = await run(*PERIOD, "--tariff", "standard", "--as-of", "2020-01-01")
    assert refused.exit_code == 1
    assert "no version that has begun" in refused.stderr


async def test_talk_past_the_longest_of_the_other_tariff_is_cut_and_counted(world: World) -> None:
    await add_version(world, "short", "1.20", maximum_seconds=60)
    await world.top_up("10.00")
    await world.paid_call(100)

    report = await answer(*PERIOD, "--tariff", "short")
    assert (report["calls_cut_by_the_longest_talk"], report["seconds_cut"]) == (1, 40)
    assert report["largest"][0]["after"] == money("1.2000")


async def test_calls_in_another_currency_are_left_out(world: World) -> None:
    dollars = await asyncio.to_thread(
        CliRunner().invoke,
        app,
        ["tariff", "add", "dollars", "--price", "1.00", "--currency", "USD"],
    )
    assert dollars.exit_code == 0, dollars.output
    await world.top_up("10.00")
    await world.paid_call(100)

    report = await answer(*PERIOD, "--tariff", "dollars")
    assert report["left_out_why"] == {"other-currency": 1}
    assert report["lines"] == []


async def test_a_call_that_goes_on_has_nothing_to_compare(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    refused = await run(str(call_id))
    assert refused.exit_code == 1
    assert "isn't settled yet" in refused.stderr
    assert (await answer(*PERIOD))["still_open"] == 1


async def test_a_price_list_is_tried_on_past_calls_before_it_is_loaded(
    world: World, tmp_path: Path
) -> None:
    """At noon UTC on a Sunday it is 13:00 in Paris: the window's price counts."""
    await world.top_up("10.00")
    await world.paid_call(60)
    file = tmp_path / "prices.csv"
    await asyncio.to_thread(
        file.write_text,
        "name,currency,starts_at,price_per_minute,time_zone,window,window_days,window_hours\n"
        "standard,EUR,2030-01-01,2.00,Europe/Paris,,,\n"
        "standard,EUR,2030-01-01,0.50,,noon,sun,13:00-14:00\n"
        "unused,EUR,2030-01-01,9.00,,,,\n",
    )

    report = await answer(*PERIOD, "--price-list", str(file))
    assert report["largest"][0]["before"] == money("1.2000")
    assert report["largest"][0]["after"] == money("0.5000")
    async with world.sessions() as s:
        assert len(await tariff_listing.list_versions(s)) == 1

    await asyncio.to_thread(file.write_text, "name,price\n")
    refused = await run(*PERIOD, "--price-list", str(file))
    assert refused.exit_code == 1
    assert "nothing was loaded" not in refused.stdout
    assert "There is no such column." in refused.stderr


async def test_an_act_is_replayed_and_left_out_where_the_other_tariff_sells_none(
    world: World,
) -> None:
    world.now += timedelta(minutes=1)
    async with world.sessions.begin() as s:
        await tariffs.add_version(
            s,
            name="standard",
            tariff=tariff_of(price_per_act=eur("5.00")),
            valid_from=world.now,
            at=world.now,
        )
    await add_version(world, "minutes", "1.00")
    await add_version(world, "services", "1.00", price_per_act=eur("7.00"))
    await world.top_up("10.00")
    call_id = await world.receive()
    async with world.sessions.begin() as s:
        await charging.quote(
            s,
            call_id,
            account_id=world.account_id,
            expert_id=world.expert_id,
            number_id=world.number_id,
            limits=world.limits,
            at=world.now,
            mode="act",
        )
    assert isinstance(await world.initial(call_id), Grant)
    await world.settle(call_id, 120)

    assert (await answer(str(call_id)))["right"]
    dearer = await answer(*PERIOD, "--tariff", "services")
    assert dearer["largest"][0]["difference"] == money("2.0000")
    none = await answer(*PERIOD, "--tariff", "minutes")
    assert none["left_out_why"] == {"acts-not-sold": 1}
