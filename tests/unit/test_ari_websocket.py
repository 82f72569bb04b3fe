"""Requests over the events' socket: each gets its own answer, and none waits for a dead one."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from ari_app.ari import client, stream
from ari_app.ari.client import AriClient, AriError, AriUnreachable
from ari_app.ari.events import AriEvent, StasisEnd
from ari_app.ari.websocket import done_at_once

Message = dict[str, Any]
Answering = Callable[["Asterisk", Message], Awaitable[None]]

EVENT = {
    "type": "StasisEnd",
    "timestamp": "2026-11-23T18:00:00.000+0000",
    "channel": {"id": "1.1"},
}


def answer_to(asked: Message, body: str = '{"value": "x"}', status: int = 200) -> Message:
    return {
        "type": "RESTResponse",
        "transaction_id": "",
        "request_id": asked["request_id"],
        "status_code": status,
        "reason_phrase": "",
        "uri": asked["uri"],
        "message_body": body,
    }


async def answers_all(asterisk: "Asterisk", asked: Message) -> None:
    await asterisk.tell(answer_to(asked, json.dumps({"value": asked["uri"]})))


@dataclass
class Asterisk:
    """Both its ways in: what was asked by socket, and by HTTP."""

    answering: Answering = answers_all
    by_socket: list[Message] = field(default_factory=list)
    by_http: list[str] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    events: list[AriEvent] = field(default_factory=list)
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False

    async def tell(self, message: Message) -> None:
        await self.sockets[-1].send_json(message)

    async def events_socket(self, request: web.Request) -> web.WebSocketResponse:
        if self.over:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                asked = json.loads(message.data)
                self.by_socket.append(asked)
                await self.answering(self, asked)
        return socket

    async def http(self, request: web.Request) -> web.Response:
        self.by_http.append(f"{request.method} {request.path}")
        return web.json_response({"value": "by HTTP"})

    async def resynced(self) -> None:
        self.connected.set()


@asynccontextmanager
async def connected(
    answering: Answering = answers_all,
) -> AsyncIterator[tuple[Asterisk, AriClient]]:
    asterisk = Asterisk(answering)
    app = web.Application()
    app.router.add_get("/ari/events", asterisk.events_socket)
    app.router.add_route("*", "/ari/{path:.*}", asterisk.http)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with AriClient(f"http://127.0.0.1:{port}", "u", "p", by_websocket=True) as ari:
            reading = asyncio.create_task(
                stream.events(ari, asterisk.resynced, asterisk.events.append)
            )
            await asyncio.wait_for(asterisk.connected.wait(), 10)
            asterisk.by_http.clear()
            try:
                yield asterisk, ari
            finally:
                asterisk.over = True
                await asyncio.gather(*(socket.close() for socket in asterisk.sockets))
                reading.cancel()
                await asyncio.wait({reading})
    finally:
        await runner.cleanup()


async def test_each_request_gets_its_own_answer_in_whatever_order_they_come() -> None:
    kept: list[Message] = []

    async def backwards(asterisk: Asterisk, asked: Message) -> None:
        kept.append(asked)
        if len(kept) == 5:
            await asterisk.tell(EVENT)
            for one in reversed(kept):
                await answers_all(asterisk, one)

    async with connected(backwards) as (asterisk, ari):
        asking = (ari.variable("1.1", f"v{number}") for number in range(5))
        answers = await asyncio.gather(*asking)
        assert answers == [f"channels/1.1/variable?variable=v{number}" for number in range(5)]
        assert asterisk.by_http == []
        assert [type(event) for event in asterisk.events] == [StasisEnd]


async def test_what_may_wait_behind_a_prompt_goes_over_http() -> None:
    async with connected() as (asterisk, ari):
        await ari.answer("1.1")
        await ari.set_variables("1.1", {"A": "b"})
        await ari.join("b", ["1.1"])
        assert asterisk.by_socket == []
        await ari.play("1.1", "p", ["/a"])
        assert [one["uri"] for one in asterisk.by_socket] == ["channels/1.1/play/p?media=sound:/a"]
    assert asterisk.by_http == [
        "POST /ari/channels/1.1/answer",
        "POST /ari/channels/1.1/variables",
        "POST /ari/bridges/b/addChannel",
    ]


@pytest.mark.parametrize(
    ("request_", "at_once"),
    [
        ("POST channels/1.1/answer", False),
        ("POST channels/1.1/variable?variable=A&value=b", False),
        ("POST channels/1.1/variables", False),
        ("POST bridges/b/addChannel?channel=1.1", False),
        ("POST bridges/b/removeChannel?channel=1.1", False),
        ("GET channels", False),
        ("GET bridges", False),
        ("PUT applications/primeline/eventFilter", False),
        ("POST channels/1.1/play/p?media=sound:/channels/x", True),
        ("POST channels/1.1/ring", True),
        ("DELETE channels/1.1/ring", True),
        ("DELETE channels/1.1?reason_code=17", True),
        ("POST channels/1.1/dial?timeout=3", True),
        ("POST channels/1.1/dtmf?dtmf=1", True),
        ("POST channels/create?endpoint=PJSIP/x", True),
        ("GET channels/1.1/variable?variable=TIMEOUT(absolute)", True),
        ("DELETE playbacks/p", True),
        ("POST bridges/b?type=mixing", True),
        ("DELETE bridges/b", True),
        ("POST bridges/b/play/p", True),
    ],
)
def test_only_what_asterisk_does_at_once_may_go_over_the_socket(
    request_: str, at_once: bool
) -> None:
    method, _, target = request_.partition(" ")
    assert done_at_once(method, target) is at_once


@pytest.mark.parametrize("play", [True, False])
async def test_a_lost_socket_fails_who_waits_at_once_and_only_what_may_be_is_repeated_by_http(
    play: bool,
) -> None:
    async def breaks(asterisk: Asterisk, _asked: Message) -> None:
        await asterisk.sockets[-1].close()

    async with connected(breaks) as (asterisk, ari), asyncio.timeout(2):
        if play:
            with pytest.raises(AriUnreachable, match="websocket was lost"):
                await ari.play("1.1", "p", ["/a"])
        else:
            assert await ari.variable("1.1", "A") == "by HTTP"
        assert len(asterisk.by_socket) == 1
        assert "POST /ari/channels/1.1/play/p" not in asterisk.by_http


async def test_after_the_socket_came_back_requests_go_over_it_again() -> None:
    async with connected() as (asterisk, ari):
        asterisk.connected.clear()
        await asterisk.sockets[0].close()
        await asyncio.wait_for(asterisk.connected.wait(), 10)
        await ari.stop_playback("p")
        assert [one["uri"] for one in asterisk.by_socket] == ["playbacks/p"]


async def test_a_socket_that_is_held_up_is_gone_around_until_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def says_nothing(_asterisk: Asterisk, _asked: Message) -> None:
        pass

    async with connected(says_nothing) as (asterisk, ari):
        monkeypatch.setattr(client, "DEADLINE_MS", 100)
        with pytest.raises(AriUnreachable, match="no answer in time"):
            await ari.variable("1.1", "A")
        monkeypatch.setattr(client, "DEADLINE_MS", 5_000)
        assert await ari.variable("1.1", "B") == "by HTTP"
        # The answer that was too late is nobody's, and says that the socket goes on.
        asterisk.answering = answers_all
        await asterisk.tell(answer_to(asterisk.by_socket[0], '{"value": "too late"}'))
        await asterisk.tell(EVENT)
        async with asyncio.timeout(5):
            while not asterisk.events:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await ari.variable("1.1", "C") == "channels/1.1/variable?variable=C"
        assert len(asterisk.by_socket) == 2


async def test_a_refusal_and_a_body_that_is_no_json_are_told_as_over_http() -> None:
    async def refuses(asterisk: Asterisk, asked: Message) -> None:
        if "DELETE" in asked["method"]:
            await asterisk.tell(answer_to(asked, '{"message": "Channel not found"}', 404))
        else:
            await asterisk.tell(answer_to(asked, "no JSON"))

    async with connected(refuses) as (_, ari):
        with pytest.raises(AriError, match="Channel not found") as refused:
            await ari.hang_up("1.1")
        assert refused.value.gone
        with pytest.raises(AriUnreachable, match="no JSON"):
            await ari.variable("1.1", "A")


async def test_an_answer_without_number_ends_nothing() -> None:
    async def first_nonsense(asterisk: Asterisk, asked: Message) -> None:
        await asterisk.tell({"type": "RESTResponse", "status_code": 400})
        await asterisk.tell({"type": "RESTResponse", "request_id": "", "status_code": 400})
        await answers_all(asterisk, asked)

    async with connected(first_nonsense) as (_, ari):
        assert await ari.variable("1.1", "A") == "channels/1.1/variable?variable=A"


async def test_before_there_is_a_socket_all_goes_over_http() -> None:
    async with AriClient("http://127.0.0.1:9", "u", "p", by_websocket=True) as ari:
        with pytest.raises(AriUnreachable):
            await ari.variable("1.1", "A")
