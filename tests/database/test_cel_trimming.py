"""Asterisk's record is kept for some days: what is older goes and never comes back."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from api import jobs
from billing.calls import cel_trimming
from billing.calls import service as calls
from billing.calls.cel import MARGIN_US
from billing.calls.values import CelRow
from billing.kit.clock import now, to_ms
from billing.kit.errors import PrimelineError
from billing.kit.settings import read_settings
from tests.database.world import World

DAYS = 60
AT = now()
EDGE = to_ms(AT - timedelta(days=DAYS)) * 1_000 - MARGIN_US


def line(at_us: int) -> CelRow:
    return CelRow("CHAN_START", at_us, f"channel-{at_us}", "linked", {})


OLD = [line(EDGE - second * 1_000_000) for second in range(1, 8)]
KEPT = [line(EDGE + second * 1_000_000) for second in range(3)]


async def add(world: World, lines: list[CelRow]) -> int:
    async with world.sessions.begin() as s:
        return await calls.import_cel(s, lines)


async def left(world: World) -> list[int]:
    async with world.sessions() as s:
        return list(await s.scalars(text("SELECT at_us FROM cel_records ORDER BY at_us")))


async def test_old_lines_go_in_batches_and_a_file_read_again_brings_none_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cel_trimming, "BATCH", 3)
    monkeypatch.setattr(jobs, "now", lambda: AT)
    assert await add(world, OLD + KEPT) == 10
    async with world.sessions.begin() as s:
        await cel_trimming.keep_from(s, AT, DAYS)
        assert await cel_trimming.drop_batch(s) == 3
    assert await jobs.trim_record(world.sessions, DAYS) == 4
    kept = [one.at_us for one in KEPT]
    assert await left(world) == kept
    assert await add(world, OLD + KEPT) == 0
    assert await left(world) == kept
    assert await jobs.trim_record(world.sessions, DAYS) == 0


async def test_a_longer_setting_does_not_promise_what_is_gone(world: World) -> None:
    async with world.sessions.begin() as s:
        await cel_trimming.keep_from(s, AT, DAYS)
        await cel_trimming.keep_from(s, AT, 10 * DAYS)
    assert await add(world, OLD) == 0


@pytest.mark.parametrize("days", ["59", "0", "-1", "36501", "x"])
def test_the_record_is_kept_for_as_long_as_days_are_compared_again(
    days: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIMELINE_RECORD_DAYS", days)
    with pytest.raises(PrimelineError, match="PRIMELINE_RECORD_DAYS"):
        read_settings(database_url="postgresql://one")
