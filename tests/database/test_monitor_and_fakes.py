"""The monitor before somebody who isn't Asterisk: garbage, half-open, floods."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from ari_app.ari.client import AriClient
from ari_app.monitor.board import FAILED_LOGINS, MOST_SOURCES, OTHERS, QUIET, Board
from ari_app.monitor.messages import Refused
from ari_app.monitor.watch import Door, Pace, Watch
from billing.kit.database import Sessions
from billing.monitoring import alarms, security
from billing.monitoring.values import AlarmKind

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HURRY = Pace(ping_every_ms=100, deadline_ms=300, first_delay_ms=50, longest_delay_ms=100)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def watching(sessions: Sessions, serve: Serve) -> AsyncIterator[asyncio.Task[None]]:
    """A monitor that is sent to a server of the test's own."""
    writers: list[asyncio.StreamWriter] = []

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(OSError):
            await serve(reader, writer)

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with AriClient("http://127.0.0.1:9", "monitor", "secret") as ari:
        door = Door("127.0.0.1", port, "monitor", "secret")
        task = asyncio.create_task(Watch("fake", door, ari, sessions, HURRY).run())
        try:
            yield task
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.wait({task})
            for writer in writers:
                writer.close()
            server.close()


async def raised(sessions: Sessions, kind: AlarmKind) -> None:
    for _ in range(100):
        async with sessions() as s:
            if await alarms.list_alarms(s, kind=kind):
                return
        await asyncio.sleep(0.1)
    pytest.fail(f"no alarm {kind}")


async def say_nothing(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Half-open: connected, and never a word."""


async def log_in_and_say_no_more(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(b"Asterisk Call Manager/11.0.0\r\n")
    asked = (await reader.readuntil(b"\r\n\r\n")).decode()
    (action_id,) = (line for line in asked.split("\r\n") if line.startswith("ActionID"))
    writer.write(f"Response: Success\r\n{action_id}\r\nMessage: hello\r\n\r\n".encode())


@pytest.mark.parametrize("serve", [say_nothing, log_in_and_say_no_more])
async def test_a_peer_without_a_word_is_noticed(sessions: Sessions, serve: Serve) -> None:
    async with watching(sessions, serve):
        await raised(sessions, AlarmKind.ASTERISK_SILENT)


GARBAGE = (
    b"\xff\xfe\x00\r\n\r\n",
    b"Response: Success\r\n\r\n" * 100,
    b"Event: \r\n\r\nEvent: FullyBooted\r\nUptime: -1\r\n\r\n",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"Response: Follows\r\nActionID: 1\r\n\r\n",
    b"x" * 500_000,
)


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_garbage_ends_the_connection_and_not_the_monitor(
    sessions: Sessions, garbage: bytes
) -> None:
    async def talk_nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(garbage)
        writer.close()

    async with watching(sessions, talk_nonsense):
        await raised(sessions, AlarmKind.ASTERISK_GONE)


async def test_a_flood_from_forged_addresses_stays_a_bounded_number_of_rows(
    sessions: Sessions,
) -> None:
    board = Board("one")
    for number in range(5_000):
        source = f"198.51.{number // 250}.{number % 250}"
        board.refused(Refused("InvalidAccountID", source, "100"), AT)
    await board.write(sessions)
    async with sessions() as s:
        counts = await security.list_counts(s, limit=10_000)
        (alarm,) = await alarms.list_alarms(s)
    assert sum(one.times for one in counts) == 5_000
    assert len(counts) <= MOST_SOURCES + 1
    assert (alarm.kind, alarm.subject) == (AlarmKind.MANY_FAILED_LOGINS, OTHERS)


async def test_what_was_written_is_not_counted_again_and_quiet_clears_the_alarm(
    sessions: Sessions,
) -> None:
    board = Board("one")
    for _ in range(2):
        for _ in range(FAILED_LOGINS):
            board.refused(Refused("InvalidPassword", "203.0.113.5", "100"), AT)
        await board.write(sessions)
    await board.write(sessions)
    async with sessions() as s:
        (count,) = await security.list_counts(s)
        assert count.times == 2 * FAILED_LOGINS
        assert len(await alarms.list_alarms(s)) == 1
    board.calm(AT + QUIET - timedelta(seconds=1))
    await board.write(sessions)
    async with sessions() as s:
        assert len(await alarms.list_alarms(s)) == 1
    board.calm(AT + QUIET)
    await board.write(sessions)
    async with sessions() as s:
        assert await alarms.list_alarms(s) == []
