"""The server of the self-service lines against whoever connects: none harms it or each other."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from agi.bridge import Bridge
from agi.protocol import HEADERS, LINE_CHARACTERS
from agi.server import Server
from billing.calls.values import EndReason
from billing.catalogue import service as catalogue
from billing.kit.clock import now
from billing.kit.limits import Limits
from dialplan.prompts.store import PromptStore
from tests.database.world import World

LIMITS = Limits(line_header_ms=700, line_step_ms=500, grace_ms=100, line_sessions=4, line_ms=5_000)
KEY = "a key of the tests, long enough to be one"
LINE = "+33199001240"
OK = "200 result=0\n"
_opened: list[socket.socket] = []


@asynccontextmanager
async def serving(world: World, limits: Limits = LIMITS) -> AsyncIterator[tuple[Server, int]]:
    bridge = Bridge(asyncio.get_running_loop(), world.sessions, limits.database_ms)
    server = Server(bridge, PromptStore(Path("nowhere")), limits, KEY)
    port = server.bind(0)
    task = asyncio.ensure_future(server.serve())
    try:
        yield server, port
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await server.close()
        while _opened:
            _opened.pop().close()


async def connect(port: int, sent: str = "") -> socket.socket:
    """A connection that is closed at the end of the test at the latest."""
    connection = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port), 5)
    _opened.append(connection)
    if sent:
        await asyncio.to_thread(connection.sendall, sent.encode())
    return connection


def headers(line: str, call_id: object) -> str:
    return f"agi_network: yes\nagi_network_script: {line}/{call_id}\nagi_callerid: 1\n\n"


async def closed(connection: socket.socket, *, seconds: float = 5) -> bytes:
    """What came until the server closed the connection."""

    def read() -> bytes:
        connection.settimeout(seconds)
        came = b""
        try:
            while piece := connection.recv(4_096):
                came += piece
        except ConnectionResetError:
            pass
        return came

    return await asyncio.to_thread(read)


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (what is waited for tells nobody)
            await asyncio.sleep(0.02)


async def handed_over(world: World, kind: str = "account-line") -> UUID:
    """A call that the call application has just handed over to a line."""
    async with world.sessions.begin() as s:
        await catalogue.add_number(s, number=LINE, kind=kind, at=now())  # type: ignore[arg-type]
    call_id = await world.receive()
    await world.settle(call_id, None, EndReason.SELF_SERVICE)
    async with world.sessions.begin() as s:
        query = (
            "UPDATE calls SET ended_at = now(), number_id ="
            " (SELECT id FROM numbers WHERE e164 = :line) WHERE id = :id"
        )
        await s.execute(text(query), {"line": LINE, "id": call_id})
    return call_id


async def is_well(world: World, server: Server, port: int) -> None:
    """The server serves a real call to its first question."""
    call_id = await handed_over(world)
    await until(lambda: server.sessions < LIMITS.line_sessions)
    connection = await connect(port, headers("account-line", call_id))
    connection.settimeout(5)

    def first() -> bytes:
        return connection.recv(4_096)

    assert (await asyncio.to_thread(first)).startswith(b"ANSWER")
    connection.close()
    await until(lambda: server.sessions == 0)


GARBAGE = {
    "connect and close": "",
    "no headers": "\n",
    "http": "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "zeros": "\0" * 5_000,
    "an endless line": "agi_" + "x" * (3 * LINE_CHARACTERS),
    "endless headers": "agi_x: y\n" * (3 * HEADERS),
    "no line of ours": headers("shell", uuid4()),
    "no call": headers("account-line", uuid4()),
    "no id": headers("account-line", "../../etc/passwd"),
    "no parts": "agi_network_script: \n\n",
}


@pytest.mark.parametrize("sent", GARBAGE.values(), ids=GARBAGE.keys())
async def test_what_is_no_call_is_closed_and_harms_nobody(world: World, sent: str) -> None:
    async with serving(world) as (server, port):
        connections = [await connect(port, sent) for _ in range(2)]
        for connection in connections:
            if not sent:
                connection.shutdown(socket.SHUT_WR)
            assert await closed(connection) == b""
        await until(lambda: server.sessions == 0)
        await is_well(world, server, port)
    assert [one for one in threading.enumerate() if one.name == "line"] == []


async def test_slow_and_silent_connections_are_ended_in_time(world: World) -> None:
    async with serving(world) as (server, port):
        silent, slow = await connect(port), await connect(port)

        async def trickle() -> None:
            for letter in "agi_request: " + "x" * 500:
                try:
                    await asyncio.to_thread(slow.sendall, letter.encode())
                except OSError:
                    return
                await asyncio.sleep(0.05)

        dripping = asyncio.ensure_future(trickle())
        async with asyncio.timeout(4):
            assert await closed(silent) == b""
            assert await closed(slow) == b""
        await dripping
        await is_well(world, server, port)


async def test_past_the_most_sessions_a_connection_is_refused_at_once(world: World) -> None:
    patient = Limits(line_header_ms=60_000, line_sessions=2)
    async with serving(world, patient) as (server, port):
        kept = [await connect(port) for _ in range(patient.line_sessions)]
        await until(lambda: server.sessions == patient.line_sessions)
        for _ in range(5):
            assert await closed(await connect(port), seconds=2) == b""
        assert server.sessions == patient.line_sessions
        for connection in kept:
            connection.close()
        await until(lambda: server.sessions == 0)


async def test_an_asterisk_that_falls_silent_in_a_call_frees_its_session(world: World) -> None:
    async with serving(world) as (server, port):
        call_id = await handed_over(world)
        await connect(port, headers("account-line", call_id))
        await until(lambda: server.sessions == 1)
        await until(lambda: server.sessions == 0)
        assert await result_of(world, call_id) in {"hung-up", "lost"}


@pytest.mark.parametrize(
    "answers",
    ["HANGUP\n", "200 result=-1\n", "511 Command Not Permitted\n", "nonsense\n", "520-x\n" * 200],
)
async def test_whatever_asterisk_answers_the_session_ends_in_order(
    world: World, answers: str
) -> None:
    async with serving(world) as (server, port):
        call_id = await handed_over(world)
        connection = await connect(port, headers("account-line", call_id) + OK + answers)
        await closed(connection)
        await until(lambda: server.sessions == 0)
        assert await result_of(world, call_id) in {"hung-up", "lost"}


async def test_a_call_is_taken_once_and_only_for_its_own_line(world: World) -> None:
    async with serving(world) as (server, port):
        call_id = await handed_over(world)
        assert await closed(await connect(port, headers("expert-line", call_id))) == b""
        first = await connect(port, headers("account-line", call_id) + OK)
        await until(lambda: server.sessions == 1)
        assert b"ANSWER" in await asyncio.to_thread(first.recv, 100)
        assert await closed(await connect(port, headers("account-line", call_id))) == b""


async def test_a_call_that_was_handed_over_long_ago_is_not_served(world: World) -> None:
    async with serving(world) as (_, port):
        call_id = await handed_over(world)
        async with world.sessions.begin() as s:
            await s.execute(text("UPDATE calls SET ended_at = now() - interval '2 minutes'"))
        assert await closed(await connect(port, headers("account-line", call_id))) == b""


async def test_closing_ends_all_sessions_and_leaves_no_thread(world: World) -> None:
    async with serving(world) as (server, port):
        call_id = await handed_over(world)
        kept = [await connect(port), await connect(port, headers("account-line", call_id))]
        await until(lambda: server.sessions == len(kept))
    assert [one for one in threading.enumerate() if one.name == "line"] == []
    assert await result_of(world, call_id) in {"hung-up", "lost"}


async def result_of(world: World, call_id: UUID) -> str | None:
    async with world.sessions() as s:
        query = text("SELECT result FROM line_sessions WHERE call_id = :id")
        found: str | None = await s.scalar(query, {"id": call_id})
        return found
