"""Ends of calls that stay on disk are an alarm, until they are settled."""

import os
from pathlib import Path

from ari_app.unsettled import LASTING_SECONDS, lasting, tell
from billing.monitoring.alarms import list_alarms
from tests.database.world import World

AT = 1_795_383_330.0


def end(directory: Path, name: str, waited: float) -> None:
    path = directory / name
    path.write_text("{}")
    os.utime(path, (AT - waited, AT - waited))


def test_an_end_is_lasting_after_ten_minutes_and_at_once_if_it_cant_be_read(
    tmp_path: Path,
) -> None:
    assert lasting(tmp_path / "not there yet", AT) == []
    end(tmp_path, "young.json", LASTING_SECONDS)
    end(tmp_path, "half.tmp", LASTING_SECONDS + 1)
    assert lasting(tmp_path, AT) == []
    end(tmp_path, "old.json", LASTING_SECONDS + 1)
    end(tmp_path, "broken.unreadable", 0)
    assert lasting(tmp_path, AT) == ["broken", "old"]


async def test_ends_that_stay_are_one_alarm_until_none_is_left(world: World) -> None:
    async def alarms() -> list[tuple[str, str, int]]:
        async with world.sessions() as s:
            return [(one.kind, one.subject, one.times) for one in await list_alarms(s)]

    await tell(world.sessions, "primeline", ["one", "two"])
    await tell(world.sessions, "primeline", ["two"])
    assert await alarms() == [("ends-unsettled", "primeline", 2)]
    await tell(world.sessions, "primeline", [])
    assert await alarms() == []
