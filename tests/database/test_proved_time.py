"""Paid time that can be proved: by Asterisk's record, else up to the last sign of life."""

from datetime import timedelta
from uuid import UUID

from billing.calls import service as calls
from billing.calls.recovery import ProvedTime
from billing.calls.values import CelRow, Interval
from billing.kit.clock import to_ms
from billing.kit.ids import new_call_id
from tests.database.world import NOW, World

START_MS = to_ms(NOW)


async def _talk(world: World, *, start_ms: int | None) -> UUID:
    """A call whose talk's bridge is written, with its start unless None."""
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions.begin() as s:
        await calls.dial_attempted(
            s,
            call_id,
            attempt=1,
            phone_id=world.phone_id,
            channel_id=f"{call_id}-expert-1",
            at=NOW,
        )
        for start in (None, start_ms):
            await calls.talk_started(
                s, call_id, bridge=f"{call_id}-paid-1", paid=True, start_ms=start, at=NOW
            )
    return call_id


async def _record(world: World, call_id: UUID, *rows: tuple[str, str, int]) -> None:
    """Asterisk's lines: event, leg, ms after the start."""
    channels = {"caller": f"{call_id}-caller", "expert": f"{call_id}-expert-1"}
    async with world.sessions.begin() as s:
        lines = [
            CelRow(
                event,
                (START_MS + ms) * 1_000,
                channels[leg],
                channels["caller"],
                {"bridge_id": f"{call_id}-paid-1"} if event.startswith("BRIDGE") else {},
            )
            for event, leg, ms in rows
        ]
        await calls.import_cel(s, lines)


async def _proved(world: World, call_id: UUID) -> ProvedTime:
    async with world.sessions() as s:
        return await calls.proved_time(s, call_id)


JOINED = (("BRIDGE_ENTER", "expert", -2), ("BRIDGE_ENTER", "caller", 0))


async def test_the_record_proves_a_talk_even_where_its_start_was_not_written(
    world: World,
) -> None:
    call_id = await _talk(world, start_ms=None)
    await _record(world, call_id, *JOINED, ("BRIDGE_EXIT", "caller", 7_500))
    assert await _proved(world, call_id) == ProvedTime(
        (Interval(START_MS, START_MS + 7_500),), complete=True
    )


async def test_a_talk_without_an_end_lasts_to_the_last_sign_of_life(world: World) -> None:
    call_id = await _talk(world, start_ms=START_MS)
    await _record(world, call_id, *JOINED)
    async with world.sessions.begin() as s:
        await calls.heartbeat(s, [call_id], NOW + timedelta(seconds=5))
    assert await _proved(world, call_id) == ProvedTime(
        (Interval(START_MS, START_MS + 5_000),), complete=False
    )


async def test_a_talk_that_the_record_lacks_is_not_complete(world: World) -> None:
    call_id = await _talk(world, start_ms=START_MS)
    assert await _proved(world, call_id) == ProvedTime(
        (Interval(START_MS, START_MS),), complete=False
    )


async def test_a_call_without_a_talk_has_no_time_and_lacks_nothing(world: World) -> None:
    call_id = await _talk(world, start_ms=None)
    assert await _proved(world, call_id) == ProvedTime((), complete=True)
    assert await _proved(world, new_call_id()) == ProvedTime((), complete=True)


async def test_the_silence_of_a_leg_that_was_hung_up_for_it_is_taken_off(world: World) -> None:
    call_id = await _talk(world, start_ms=START_MS)
    await _record(world, call_id, *JOINED, ("BRIDGE_EXIT", "expert", 95_000))
    lost = CelRow(
        "HANGUP", (START_MS + 95_001) * 1_000, f"{call_id}-expert-1", "c", {"hangupcause": 44}
    )
    async with world.sessions.begin() as s:
        await calls.import_cel(s, [lost])
    until_ms = (START_MS + 95_001) // 1_000 * 1_000 - 30_000
    assert await _proved(world, call_id) == ProvedTime(
        (Interval(START_MS, until_ms),), complete=True, media_lost=True
    )


async def test_a_phone_that_was_tried_before_the_talk_takes_nothing_off(world: World) -> None:
    call_id = await _talk(world, start_ms=START_MS)
    lost = CelRow(
        "HANGUP", (START_MS - 9_000) * 1_000, f"{call_id}-expert-1", "c", {"hangupcause": 44}
    )
    async with world.sessions.begin() as s:
        await calls.import_cel(s, [lost])
    await _record(world, call_id, *JOINED, ("BRIDGE_EXIT", "expert", 95_000))
    assert await _proved(world, call_id) == ProvedTime(
        (Interval(START_MS, START_MS + 95_000),), complete=True
    )
