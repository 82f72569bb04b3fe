"""Ends of calls that stay on disk are an alarm, until they are settled."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from ari_app import unsettled
from ari_app.unsettled import lasting, tell, watch
from billing.monitoring.alarms import list_alarms
from tests.database.world import World

MINUTES = 10
LASTING_SECONDS = 600
AT = 1_795_383_330.0


def end(directory: Path, name: str, waited: float) -> None:
    path = directory / name
    path.write_text("{}")
    os.utime(path, (AT - waited, AT - waited))


def test_an_end_is_lasting_after_ten_minutes_and_at_once_if_it_cant_be_read(
    tmp_path: Path,
) -> None:
    assert lasting(tmp_path / "not there yet", AT, MINUTES) == []
    end(tmp_path, "young.json", LASTING_SECONDS)
    end(tmp_path, "half.tmp", LASTING_SECONDS + 1)
    assert lasting(tmp_path, AT, MINUTES) == []
    end(tmp_path, "old.json", LASTING_SECONDS + 1)
    end(tmp_path, "broken.unreadable", 0)
    assert lasting(tmp_path, AT, MINUTES) == ["broken", "old"]


async def test_ends_that_stay_are_one_alarm_until_none_is_left(world: World) -> None:
    async def alarms() -> list[tuple[str, str, int]]:
        async with world.sessions() as s:
            return [(one.kind, one.subject, one.times) for one in await list_alarms(s)]

    await tell(world.sessions, "primeline", ["one", "two"], MINUTES)
    await tell(world.sessions, "primeline", ["two"], MINUTES)
    assert await alarms() == [("ends-unsettled", "primeline", 2)]
    await tell(world.sessions, "primeline", [], MINUTES)
    assert await alarms() == []


async def test_the_watch_finds_an_end_that_stays_and_goes_on_without_a_database(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    away = [True]

    async def sleep(_seconds: float) -> None:
        looked.append(1)
        away.clear()
        if len(looked) == 3:
            raise asyncio.CancelledError
        if len(looked) == 2:
            (tmp_path / "old.json").unlink()

    async def told(*given: Any) -> None:
        if away:
            raise ConnectionError
        await tell(*given)
        async with world.sessions() as s:
            found.append([one.subject for one in await list_alarms(s)])

    found: list[list[str]] = []
    monkeypatch.setattr("ari_app.unsettled.asyncio.sleep", sleep)
    monkeypatch.setattr(unsettled, "tell", told)
    end(tmp_path, "old.json", LASTING_SECONDS)
    os.utime(tmp_path / "old.json", (0, 0))
    with pytest.raises(asyncio.CancelledError):
        await watch(tmp_path, world.sessions, "primeline", MINUTES)
    assert found == [["primeline"], []]
