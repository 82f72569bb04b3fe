"""Asterisk's own record: imported once, read as paid time and as proof that a call is over."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from ari_app.cel import CelReader
from billing.calls import books, sweeper
from billing.calls import service as calls
from billing.calls.values import CelRow, Interval
from billing.kit.clock import to_ms
from tests.database.world import NOW, World, eur

START_US = to_ms(NOW) * 1_000
START = to_ms(NOW)
SECOND = 1_000_000


class Record:
    """Writes lines of the record for one call; times in ms from the start."""

    def __init__(self, call_id: UUID) -> None:
        self.call_id = call_id
        self.caller = f"{call_id}-caller"
        self.expert = f"{call_id}-expert-1"

    def line(self, event: str, at_ms: int, channel: str, bridge: str | None = None) -> CelRow:
        extra = {"bridge_id": f"{self.call_id}-{bridge}"} if bridge else {}
        return CelRow(event, START_US + at_ms * 1_000 + 7, channel, self.caller, extra)

    def talk(self, name: str, start: int, end: int | None, *, lag: int = 3) -> list[CelRow]:
        """Caller in first, both out at once."""
        lines = [
            self.line("BRIDGE_ENTER", start - lag, self.caller, name),
            self.line("BRIDGE_ENTER", start, self.expert, name),
        ]
        if end is not None:
            lines += [
                self.line("BRIDGE_EXIT", end, self.expert, name),
                self.line("BRIDGE_EXIT", end + lag, self.caller, name),
            ]
        return lines

    def begin(self) -> list[CelRow]:
        return [
            self.line("CHAN_START", -9_000, self.caller),
            self.line("CHAN_START", -4_000, self.expert),
        ]

    def end(self, at: int) -> list[CelRow]:
        return [
            self.line("CHAN_END", at, self.expert),
            self.line("CHAN_END", at + 20, self.caller),
        ]


async def import_lines(world: World, lines: Sequence[CelRow]) -> int:
    async with world.sessions.begin() as s:
        return await calls.import_cel(s, lines)


async def intervals(world: World, call_id: UUID) -> tuple[Interval, ...]:
    async with world.sessions() as s:
        return await calls.cel_intervals(s, call_id)


async def end(world: World, call_id: UUID) -> int | None:
    async with world.sessions() as s:
        return await calls.cel_end(s, call_id)


@pytest.fixture
async def record(world: World) -> Record:
    """A granted call that has rung one phone."""
    await world.top_up("10.00")
    record = Record(await world.granted_call())
    async with world.sessions.begin() as s:
        await calls.dial_attempted(
            s,
            record.call_id,
            attempt=1,
            phone_id=world.phone_id,
            channel_id=record.expert,
            at=NOW,
        )
    return record


async def test_lines_read_twice_are_kept_once(world: World, record: Record) -> None:
    lines = record.begin() + record.talk("paid-1", 0, 60_000)
    assert await import_lines(world, lines) == 6
    assert await import_lines(world, lines) == 0
    assert await import_lines(world, lines + record.end(60_100)) == 2
    assert await import_lines(world, []) == 0


async def test_the_place_in_a_file_is_kept_with_its_lines(world: World) -> None:
    async with world.sessions.begin() as s:
        assert await calls.cel_offset(s, "file:1") == 0
        await calls.save_cel_offset(s, "file:1", 120)
        await calls.save_cel_offset(s, "file:1", 240)
    async with world.sessions() as s:
        assert (await calls.cel_offset(s, "file:1"), await calls.cel_offset(s, "file:2")) == (
            240,
            0,
        )


async def test_paid_time_is_both_legs_in_paid_bridges(world: World, record: Record) -> None:
    await import_lines(
        world,
        record.begin()
        + record.talk("free-1", 0, 10_000)
        + record.talk("paid-1", 20_000, 50_000)
        + record.talk("paid-2", 60_000, 61_500)
        + record.end(61_600),
    )
    assert await intervals(world, record.call_id) == (
        Interval(START + 20_000, START + 50_000),
        Interval(START + 60_000, START + 61_500),
    )
    assert await end(world, record.call_id) == START + 61_620


async def test_one_leg_alone_is_no_paid_time(world: World, record: Record) -> None:
    lines = [
        record.line("BRIDGE_ENTER", 0, record.caller, "paid-1"),
        record.line("BRIDGE_EXIT", 900, record.caller, "paid-1"),
        record.line("BRIDGE_ENTER", 1_000, record.expert, "paid-1"),
        record.line("BRIDGE_EXIT", 2_000, record.expert, "paid-1"),
    ]
    await import_lines(world, lines)
    assert await intervals(world, record.call_id) == ()


async def test_a_leg_that_ended_has_left(world: World, record: Record) -> None:
    await import_lines(world, record.begin() + record.talk("paid-1", 0, None) + record.end(5_000))
    assert await intervals(world, record.call_id) == (Interval(START, START + 5_000),)


async def test_paid_time_still_on_has_no_end(world: World, record: Record) -> None:
    await import_lines(world, record.begin() + record.talk("paid-1", 0, None))
    assert await intervals(world, record.call_id) == (Interval(START, None),)
    assert await end(world, record.call_id) is None


async def test_a_call_is_over_only_when_every_leg_has_ended(world: World, record: Record) -> None:
    assert await end(world, record.call_id) is None
    await import_lines(world, [*record.begin(), record.end(5_000)[1]])
    assert await end(world, record.call_id) is None
    await import_lines(world, record.end(5_000))
    assert await end(world, record.call_id) == START + 5_020


async def sweep(world: World, *, after: timedelta = timedelta(minutes=6)) -> list[sweeper.Swept]:
    async with world.sessions() as s:
        found = await sweeper.silent(s, NOW + after)
    swept = []
    for call_id in found:
        async with world.sessions.begin() as s:
            swept.append(await sweeper.sweep(s, call_id, NOW + after))
    return swept


async def test_a_call_that_is_carried_is_left_alone(world: World, record: Record) -> None:
    await import_lines(world, record.begin() + record.end(5_000))
    assert await sweep(world, after=timedelta(minutes=5)) == []


async def test_a_call_not_proven_over_keeps_its_hold(world: World, record: Record) -> None:
    await import_lines(world, record.begin() + record.talk("paid-1", 0, None))
    (early,) = await sweep(world)
    assert (early.settled, early.alarm) == (False, False)
    (late,) = await sweep(world, after=timedelta(minutes=21))
    assert (late.call_id, late.settled, late.alarm) == (record.call_id, False, True)
    assert "has no end of it" in late.sentence
    assert await world.available() == eur("4.00")


async def test_an_abandoned_talk_is_settled_by_the_record(world: World, record: Record) -> None:
    await import_lines(
        world, record.begin() + record.talk("paid-1", 0, 90_000) + record.end(90_100)
    )
    (swept,) = await sweep(world)
    assert swept.settled
    assert await world.available() == eur("8.20")
    assert await sweep(world) == []
    async with world.sessions() as s:
        assert await books.check(s) == []


async def test_an_abandoned_call_without_paid_time_gives_its_hold_back(
    world: World, record: Record
) -> None:
    await import_lines(world, record.begin() + record.end(2_000))
    (swept,) = await sweep(world)
    assert swept.settled
    assert await world.available() == eur("10.00")


async def test_paid_time_missing_in_the_record_counts_to_the_last_heartbeat(
    world: World, record: Record
) -> None:
    bridge = f"{record.call_id}-paid-1"
    async with world.sessions.begin() as s:
        await calls.talk_started(
            s, record.call_id, bridge=bridge, paid=True, start_ms=START, at=NOW
        )
        await calls.heartbeat(s, [record.call_id], NOW + timedelta(seconds=35))
    await import_lines(world, record.begin() + record.end(90_000))
    await sweep(world)
    assert (await world.record(record.call_id)).intervals == (Interval(START, START + 35_000),)
    assert await world.available() == eur("9.30")


async def test_the_record_of_another_asterisk_is_read_whole_though_its_file_looks_alike(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "primeline.csv"
    file.write_text('"CHAN_START","1.000000","1.1","1.1",""\n')
    assert await CelReader(file, world.sessions, "one").catch_up() == 1
    file.write_text('"CHAN_START","1.000000","2.1","2.1",""\n')
    assert await CelReader(file, world.sessions, "two").catch_up() == 1


def line(number: int) -> str:
    return f'"CHAN_START","{number}.000000","{number}.1","{number}.1",""\n'


@pytest.mark.parametrize("renamed", ["primeline.csv.1", "primeline.csv-20261123"])
async def test_what_was_not_read_of_a_file_before_it_was_renamed_is_read_after(
    world: World, tmp_path: Path, renamed: str
) -> None:
    file = tmp_path / "primeline.csv"
    file.write_text(line(1))
    reader = CelReader(file, world.sessions, "rotated")
    assert await reader.catch_up() == 1
    with file.open("a") as opened:
        opened.write(line(2) + line(3)[:9])
    file.rename(tmp_path / renamed)
    # Asterisk has not begun a new file yet.
    assert await reader.catch_up() == 1
    file.write_text(line(4))
    with (tmp_path / renamed).open("a") as opened:
        opened.write(line(3)[9:])
    assert await reader.catch_up() == 2
    assert await reader.catch_up() == 0
    assert await CelReader(file, world.sessions, "rotated").catch_up() == 0


async def test_packed_files_and_others_of_like_names_are_not_read(
    world: World, tmp_path: Path
) -> None:
    for name in ("primeline.csv.2.gz", "primeline2.csv", "other.csv"):
        (tmp_path / name).write_text(line(5))
    assert await CelReader(tmp_path / "primeline.csv", world.sessions, "alone").catch_up() == 0


async def test_an_abandoned_talk_is_not_paid_for_the_silence_that_ended_it(
    world: World, record: Record
) -> None:
    lost = record.line("HANGUP", 90_001, record.expert)
    lost = CelRow(lost.event, lost.at_us, lost.channel_id, lost.linked_id, {"hangupcause": 44})
    await import_lines(
        world, [*record.begin(), *record.talk("paid-1", 0, 90_000), lost, *record.end(90_100)]
    )
    (swept,) = await sweep(world)
    assert swept.settled
    # Asterisk hung the expert up after 30 seconds without sound, which nobody pays.
    assert (await world.record(record.call_id)).intervals == (Interval(START, START + 60_000),)
    assert await world.available() == eur("8.80")


async def test_a_second_talk_that_the_record_lacks_is_paid_up_to_the_last_heartbeat(
    world: World, record: Record
) -> None:
    async with world.sessions.begin() as s:
        for name, start_ms in (("paid-1", START), ("paid-2", START + 40_000)):
            await calls.talk_started(
                s,
                record.call_id,
                bridge=f"{record.call_id}-{name}",
                paid=True,
                start_ms=start_ms,
                at=NOW,
            )
        await calls.heartbeat(s, [record.call_id], NOW + timedelta(seconds=70))
    await import_lines(
        world, record.begin() + record.talk("paid-1", 0, 30_000) + record.end(90_000)
    )
    await sweep(world, after=timedelta(minutes=8))
    # As whoever carries calls settles it: 30 s by the record, 30 s by the heartbeat.
    assert await world.available() == eur("8.80")
