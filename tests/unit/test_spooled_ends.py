"""Ends of calls on disk, Asterisk's record as text, and deadlines that hold."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy.exc import OperationalError

from ari_app.cel import CelReader, parse
from ari_app.deadline import within
from ari_app.spool import RecordIncomplete, Spool, SpooledEnd
from billing.calls.values import CelRow, EndReason, Interval, NoPayer, TimelineEntry
from billing.kit.database import Sessions
from billing.kit.ids import new_call_id


class FakeSpool(Spool):
    """Settles by writing down what it was asked; some calls can't be settled."""

    def __init__(self, directory: Path, cant: frozenset[UUID] = frozenset()) -> None:
        super().__init__(directory, cast("Sessions", None), cast("CelReader", None))
        self.settled: list[tuple[SpooledEnd, bool]] = []
        self.cant = cant

    async def settle(self, end: SpooledEnd, *, patient: bool = True) -> Any:
        if end.call_id in self.cant and patient:
            raise RecordIncomplete
        self.settled.append((end, patient))


def end_of(call_id: UUID, ago: timedelta = timedelta(0), *, by_cel: bool = False) -> SpooledEnd:
    return SpooledEnd(
        call_id=call_id,
        reason=EndReason.EXPERT_HUNG_UP,
        intervals=(Interval(1_000, 2_500),),
        no_payer=NoPayer.CALLER_UNKNOWN,
        at=datetime.now(UTC) - ago,
        timeline=(TimelineEntry(1_000, "talk begins", {"paid": 1}),),
        by_cel=by_cel,
    )


async def test_an_end_comes_back_from_disk_as_it_was_and_is_settled_once(tmp_path: Path) -> None:
    spool, end = FakeSpool(tmp_path), end_of(new_call_id())
    spool.write(end)
    assert spool.waiting() == {str(end.call_id)}
    assert await spool.drain() == 1
    assert await spool.drain() == 0
    assert spool.settled == [(end, True)]
    assert spool.waiting() == frozenset()


async def test_a_half_written_or_unreadable_end_keeps_no_other_back(tmp_path: Path) -> None:
    spool, end = FakeSpool(tmp_path), end_of(new_call_id())
    (tmp_path / "00000000.json").write_text('{"call_id": "0')
    (tmp_path / "11111111.tmp").write_text('{"call')
    spool.write(end)
    assert await spool.drain() == 1
    assert (tmp_path / "00000000.unreadable").exists()


async def test_an_end_that_cant_be_settled_yet_stays_and_keeps_no_other_back(
    tmp_path: Path,
) -> None:
    first, second = end_of(new_call_id(), by_cel=True), end_of(new_call_id())
    spool = FakeSpool(tmp_path, cant=frozenset({first.call_id}))
    spool.write(first)
    spool.write(second)
    assert await spool.drain() == 1
    assert spool.waiting() == {str(first.call_id)}


class Stubborn(FakeSpool):
    """Fails each time, for `why`."""

    def __init__(self, directory: Path, why: Exception) -> None:
        super().__init__(directory)
        self.why, self.tries = why, 0

    async def settle(self, end: SpooledEnd, *, patient: bool = True) -> Any:
        del end, patient
        self.tries += 1
        raise self.why


@pytest.mark.parametrize(
    ("why", "tries"),
    [
        (ValueError("end before start"), 12),
        (OperationalError("SELECT", {}, Exception()), 900),
        (RecordIncomplete(), 900),
    ],
)
async def test_an_end_that_fails_for_a_reason_that_stays_is_tried_ever_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: Exception, tries: int
) -> None:
    at = 1_000.0
    monkeypatch.setattr("ari_app.spool.time.monotonic", lambda: at)
    spool, end = Stubborn(tmp_path, why), end_of(new_call_id())
    spool.write(end)
    for _ in range(900):  # half an hour
        await spool.drain()
        at += 2
    assert spool.tries == pytest.approx(tries, abs=2)
    assert spool.waiting() == {str(end.call_id)}


async def test_an_end_that_another_process_settled_first_is_none_of_ours(tmp_path: Path) -> None:
    class Late(FakeSpool):
        async def settle(self, end: SpooledEnd, *, patient: bool = True) -> Any:
            (tmp_path / f"{end.call_id}.json").unlink()
            await super().settle(end, patient=patient)

    spool = Late(tmp_path)
    spool.write(end_of(new_call_id()))
    assert await spool.drain() == 1
    assert await spool.drain() == 0


async def test_past_its_time_a_record_is_not_waited_for_any_more(tmp_path: Path) -> None:
    end = end_of(new_call_id(), timedelta(minutes=1), by_cel=True)
    spool = FakeSpool(tmp_path, cant=frozenset({end.call_id}))
    spool.write(end)
    assert await spool.drain() == 1
    assert spool.settled == [(end, False)]


LINE = '"BRIDGE_ENTER","1795383330.166442","X-expert-1","1795.14","{""bridge_id"":""X-paid-1""}"\n'
ROW = CelRow(
    "BRIDGE_ENTER", 1_795_383_330_166_442, "X-expert-1", "1795.14", {"bridge_id": "X-paid-1"}
)


def test_a_line_of_the_record_is_read() -> None:
    assert parse(LINE) == [ROW]


@pytest.mark.parametrize(
    "broken",
    [
        "",
        '"BRIDGE_ENTER","17953',
        '"BRIDGE_ENTER","1795383330.166442","X","1","[1]"',
        '"BRIDGE_ENTER","yesterday","X","1","{}"',
        '"BRIDGE_ENTER","1795383330.166442","X","1","{"',
        '"unclosed',
        "\0\0\0\0",
    ],
)
def test_a_line_broken_by_a_crash_keeps_no_other_back(broken: str) -> None:
    assert parse(f"{LINE}{broken}\n{LINE}") == [ROW, ROW]


async def _stubborn(seconds: int) -> None:
    """What takes its time to end, like a query on a database that hangs."""
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        await asyncio.sleep(seconds)
        raise


async def test_a_deadline_holds_though_what_it_ends_goes_on() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await within(50, _stubborn(2))
    assert time.monotonic() - began < 1


async def test_work_done_in_time_gives_its_result_or_its_error() -> None:
    assert await within(1_000, asyncio.sleep(0, "done")) == "done"

    async def fail() -> None:
        raise RecordIncomplete

    with pytest.raises(RecordIncomplete):
        await within(1_000, fail())
