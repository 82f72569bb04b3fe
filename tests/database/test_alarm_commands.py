"""Alarms, as they are read and acknowledged by command."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from billing.kit.clock import now
from billing.monitoring.alarms import raise_alarm
from billing.monitoring.values import AlarmKind
from primeline.cli import app
from tests.database.world import World


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


async def differs(world: World, *, news: bool = False) -> None:
    async with world.sessions.begin() as s:
        await raise_alarm(
            s, AlarmKind.RECORD_DIFFERS, "2026-11-22", "One differs.", at=now(), news=news
        )


async def test_an_alarm_is_acknowledged_once_by_whom_the_audit_log_says_until_there_is_news(
    world: World,
) -> None:
    await differs(world)
    (alarm,) = await answer("alarms")
    assert (alarm["kind"], alarm["acknowledged_by"]) == ("record-differs", None)
    for _ in range(2):
        seen = await answer("acknowledge", str(alarm["alarm"]))
        assert seen["acknowledged_by"]
        assert seen["cleared_at"] is None
    entries = [one for one in await answer("audit") if one["action"] == "acknowledged"]
    assert [one["by"] for one in entries] == [seen["acknowledged_by"]]
    # Seen once more is no news.
    await differs(world)
    assert (await answer("alarms"))[0]["acknowledged_by"] == seen["acknowledged_by"]
    await differs(world, news=True)
    assert (await answer("alarms"))[0]["acknowledged_by"] is None


async def test_an_alarm_that_there_is_not_is_a_clear_error(world: World) -> None:
    result = await run("acknowledge", "4711")
    assert result.exit_code == 1
    assert "There is no alarm 4711." in result.stderr
    assert world.number_id
