"""Our own HTTP: connections are used again, and what may not be done twice isn't asked twice."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ari_app.ari import client, http
from ari_app.ari.client import AriClient, AriError, AriUnreachable
from ari_app.ari.http import HttpTransport
from ari_app.ari.transport import TransportBroken
from tests.unit.ari_server import Answering, AriServer, Asked, ari_server, whole

GARBAGE = b"\x00\xff\x16\x03" * 300


def sends(answer: bytes, *, then_closes: bool = False) -> Answering:
    async def answering(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        if then_closes:
            writer.close()

    return answering


def ari_of(server: AriServer) -> AriClient:
    return AriClient(server.url, "user", "password")


async def test_requests_one_after_the_other_use_one_connection() -> None:
    async with ari_server() as server, ari_of(server) as ari:
        for _ in range(5):
            assert await ari.channels() == []
    assert server.lines == ["GET /ari/channels HTTP/1.1"] * 5
    assert {one.connection for one in server.asked} == {0}
    assert "Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n" in server.asked[0].headers


async def test_requests_at_once_have_a_connection_each_and_get_their_own_answers() -> None:
    release = asyncio.Event()

    async def echoes(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if len(server.asked) == 8:
            release.set()
        await release.wait()
        name = asked.line.partition("variable=")[2].partition(" ")[0]
        writer.write(whole(f'{{"value": "{name}"}}'.encode()))

    async with ari_server(echoes) as server, ari_of(server) as ari:
        names = [f"name-{number}" for number in range(8)]
        assert await asyncio.gather(*(ari.variable("1.1", name) for name in names)) == names
        assert len(server.writers) == 8
        # They are kept, and the one used last is used first.
        await ari.variable("1.1", "again")
    assert len(server.writers) == 8


async def test_one_request_that_waits_holds_up_no_other() -> None:
    released = asyncio.Event()

    async def waits(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if "/answer" in asked.line:
            await released.wait()
        writer.write(whole())

    async with ari_server(waits) as server, ari_of(server) as ari:
        waiting = asyncio.create_task(ari.answer("1.1"))
        assert await ari.channels() == []
        await ari.stop_playback("p")
        assert not waiting.done()
        released.set()
        await waiting


async def test_a_connection_idle_for_long_is_not_used_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ari_server() as server, ari_of(server) as ari:
        await ari.channels()
        monkeypatch.setattr(http, "KEEP_ALIVE_SECONDS", -1)
        await ari.channels()
    assert [one.connection for one in server.asked] == [0, 1]


def test_connections_are_given_up_before_asterisk_does_so() -> None:
    asterisk_drops_idle_ones_after_seconds = 15
    assert (
        asterisk_drops_idle_ones_after_seconds
    ) > http.KEEP_ALIVE_SECONDS + client.DEADLINE_MS / 1000


async def test_connections_left_over_are_closed_as_they_grow_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ari_server() as server, ari_of(server) as ari:
        await asyncio.gather(*(ari.channels() for _ in range(3)))
        opened = len(server.writers)
        monkeypatch.setattr(http, "KEEP_ALIVE_SECONDS", -1)
        await ari.channels()
        # All old ones were closed on our side, so their readers at the server end.
        async with asyncio.timeout(5):
            for writer in server.writers[:opened]:
                await writer.wait_closed()
        assert not server.writers[-1].is_closing()


@pytest.mark.parametrize("what", ["play", "addChannel"])
async def test_a_connection_closed_between_requests_does_not_fail_what_may_not_be_repeated(
    what: str,
) -> None:
    async with ari_server() as server, ari_of(server) as ari:
        await ari.channels()
        server.writers[0].close()
        await server.writers[0].wait_closed()
        for _turn_of_the_loop in range(10):
            await asyncio.sleep(0)
        await (ari.play("1.1", "p", ["/a"]) if what == "play" else ari.join("b", ["1.1"]))
    assert [one.connection for one in server.asked] == [0, 1]


async def test_an_answer_that_says_close_is_the_connections_last() -> None:
    closing = whole(more="Connection: close\r\n")
    async with ari_server(sends(closing)) as server, ari_of(server) as ari:
        await ari.channels()
        await ari.channels()
    assert [one.connection for one in server.asked] == [0, 1]


async def test_an_answer_in_pieces_is_put_together() -> None:
    async def slowly(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        for byte in whole(b'[{"id": "1.1"}]'):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)

    async with ari_server(slowly) as server, ari_of(server) as ari:
        assert await ari.channels() == [{"id": "1.1"}]


async def test_a_list_of_thousands_of_channels_is_read() -> None:
    one = b'{"id": "1700000000.1", "name": "' + b"x" * 400 + b'"}'
    many = b"[" + b",".join([one] * 5_000) + b"]"
    async with ari_server(sends(whole(many))) as server, ari_of(server) as ari:
        assert len(await ari.channels()) == 5_000


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(whole(b"[1, 2, 3]")[:-3], id="half"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Len", id="half a head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", id="less than nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n", id="no number"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n[", id="huge by its own word"
        ),
        pytest.param(b"HTTP/1.1 ok\r\n\r\n", id="no status"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n[]", id="another version"),
        pytest.param(GARBAGE, id="garbage"),
        pytest.param(GARBAGE + b"\r\n\r\n", id="garbage with an end"),
    ],
)
async def test_what_is_no_whole_answer_is_none_and_its_connection_is_given_up(
    answer: bytes,
) -> None:
    async with ari_server(sends(answer, then_closes=True)) as server:
        async with HttpTransport(server.url, "user", "password") as transport:
            with pytest.raises(TransportBroken):
                await transport.send("GET", "channels")
            server.answering = sends(whole())
            assert (await transport.send("GET", "channels")).body == b"[]"
        assert [one.connection for one in server.asked] == [0, 1]


async def test_a_head_without_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_BYTES", 10_000)
    endless = b"HTTP/1.1 200 OK\r\n" + b"X-More: yes\r\n" * 2_000
    async with (
        ari_server(sends(endless)) as server,
        HttpTransport(server.url, "user", "password") as transport,
    ):
        with pytest.raises(TransportBroken):
            await transport.send("GET", "channels")


async def test_bytes_nobody_asked_for_are_never_the_next_answer() -> None:
    twice = whole(b'{"value": "first"}') + whole(b'{"value": "of nobody"}')
    async with ari_server(sends(twice)) as server, ari_of(server) as ari:
        assert await ari.variable("1.1", "a") == "first"
        server.answering = sends(whole(b'{"value": "second"}'))
        assert await ari.variable("1.1", "b") == "second"


async def test_an_answer_after_the_deadline_is_never_the_next_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "DEADLINE_MS", 50)
    late = asyncio.Event()

    async def too_late(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        await late.wait()
        writer.write(whole(b'{"value": "of the first"}'))

    async with ari_server(too_late) as server, ari_of(server) as ari:
        with pytest.raises(AriUnreachable, match="no answer in time"):
            await ari.variable("1.1", "a")
        monkeypatch.setattr(client, "DEADLINE_MS", 5_000)
        server.answering = sends(whole(b'{"value": "of the second"}'))
        late.set()
        assert await ari.variable("1.1", "b") == "of the second"
    # What was too late is not repeated: Asterisk may be doing it.
    assert [one.connection for one in server.asked] == [0, 1]


Request = Callable[[AriClient], Coroutine[Any, Any, Any]]

ONCE: list[tuple[str, Request]] = [
    ("play", lambda ari: ari.play("1.1", "p", ["/a"])),
    ("play in a bridge", lambda ari: ari.announce("b", "p", ["/a"])),
    ("addChannel", lambda ari: ari.join("b", ["1.1", "1.2"])),
    ("dial", lambda ari: ari.dial("1.1", 30)),
    ("dtmf", lambda ari: ari.press("1.1", "5")),
]
TWICE: list[tuple[str, Request]] = [
    ("answer", lambda ari: ari.answer("1.1")),
    ("ring", lambda ari: ari.ring("1.1", on=True)),
    ("variables", lambda ari: ari.set_variables("1.1", {"A": "b"})),
    ("create", lambda ari: ari.create("1.2", "PJSIP/x", "", "1.1", {})),
    ("hang up", lambda ari: ari.hang_up("1.1")),
    ("bridge", lambda ari: ari.make_bridge("b")),
    ("drop", lambda ari: ari.drop_bridge("b")),
    ("stop", lambda ari: ari.stop_playback("p")),
]


@pytest.mark.parametrize(
    ("request_", "times"),
    [
        *(pytest.param(one, 1, id=f"{name} once") for name, one in ONCE),
        *(pytest.param(one, 2, id=f"{name} twice") for name, one in TWICE),
    ],
)
async def test_what_would_be_done_twice_is_asked_once_when_the_connection_breaks(
    request_: Request, times: int
) -> None:
    async with ari_server(sends(b"", then_closes=True)) as server, ari_of(server) as ari:
        with pytest.raises(AriUnreachable):
            await request_(ari)
    assert len(server.asked) == times


async def test_the_second_try_counts() -> None:
    async def breaks_once(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        if len(server.asked) == 1:
            writer.close()
        else:
            writer.write(whole(status="204 No Content", body=b""))

    async with ari_server(breaks_once) as server, ari_of(server) as ari:
        await ari.answer("1.1")
    assert server.lines == ["POST /ari/channels/1.1/answer HTTP/1.1"] * 2


async def test_a_refusal_is_told_as_such_and_not_repeated() -> None:
    refusal = whole(b'{"message": "Channel not found"}', status="404 Not Found")
    async with ari_server(sends(refusal)) as server, ari_of(server) as ari:
        with pytest.raises(AriError, match="Channel not found") as refused:
            await ari.answer("1.1")
        assert refused.value.gone
        assert not isinstance(refused.value, AriUnreachable)
    assert len(server.asked) == 1


async def test_after_a_conflict_asterisk_is_asked_whether_the_channel_is_there() -> None:
    async def conflict(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(whole(status="200 OK" if "GET" in asked.line else "409 Conflict"))

    async with ari_server(conflict) as server, ari_of(server) as ari:
        await ari.create("1.2", "PJSIP/x", "", "1.1", {})
    assert server.lines[1] == "GET /ari/channels/1.2 HTTP/1.1"


async def test_a_cancelled_request_leaves_no_connection_whose_answer_could_go_astray() -> None:
    began = asyncio.Event()

    async def waits(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
        began.set()
        await asyncio.Event().wait()

    async with ari_server(waits) as server, ari_of(server) as ari:
        waiting = asyncio.create_task(ari.channels())
        await began.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        server.answering = sends(whole())
        assert await ari.channels() == []
        assert [one.connection for one in server.asked] == [0, 1]
        server.writers[0].transport.abort()


async def test_no_server_is_told_at_once() -> None:
    async with ari_server() as server:
        url = server.url
    async with AriClient(url, "user", "password") as ari:
        with pytest.raises(AriUnreachable):
            await ari.channels()
