"""The stream of live calls, read from a real server over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import text

from api.live import Hub
from billing.calls import service as calls
from billing.calls.values import EndReason
from billing.identity import service as identity
from billing.identity.values import Scope
from billing.kit.clock import now, to_ms
from tests.database.world import World
from tests.web.client import Client, code_of, key_for, ok


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    data: Any
    id: str | None


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    token: str
    server: uvicorn.Server


class Reading:
    """One open stream."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self, *names: str, seconds: float = 5) -> Event:
        """The next event, or the next of these names."""
        async with asyncio.timeout(seconds):
            while True:
                event = await self._event()
                if not names or event.name in names:
                    return event

    async def ended(self) -> None:
        async with asyncio.timeout(5):
            async for _ in self._lines:
                pass

    async def rest(self) -> AsyncIterator[Event]:
        """All events up to the stream's end."""
        try:
            while True:
                yield await self.next()
        except EOFError:
            return

    async def _event(self) -> Event:
        fields: dict[str, str] = {}
        async for line in self._lines:
            if line.startswith(":"):
                continue
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif fields:
                return Event(fields["event"], json.loads(fields["data"]), fields.get("id"))
        raise EOFError


@asynccontextmanager
async def reading(
    server: Server, place: str | None = None, query: str = ""
) -> AsyncIterator[Reading]:
    headers = {"Authorization": f"Bearer {server.token}"}
    if place is not None:
        headers["Last-Event-ID"] = place
    async with (
        httpx.AsyncClient(timeout=10) as client,
        client.stream("GET", f"{server.url}/live/calls/stream{query}", headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Reading(answer.aiter_lines())


@pytest.fixture
async def server(app: FastAPI, unused_tcp_port: int) -> AsyncIterator[Server]:
    config = uvicorn.Config(
        app, port=unused_tcp_port, log_config=None, lifespan="off", timeout_graceful_shutdown=3
    )
    one = uvicorn.Server(config)
    task = asyncio.create_task(one.serve())
    while not one.started:  # noqa: ASYNC110  (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    yield Server(f"http://127.0.0.1:{unused_tcp_port}/v1", await key_for(app, "desk"), one)
    one.should_exit = True
    await task


async def talk(world: World, call_id: UUID) -> None:
    for start_ms in (None, to_ms(now())):
        async with world.sessions.begin() as s:
            await calls.talk_started(
                s,
                call_id,
                bridge=f"{call_id}-paid-1",
                paid=True,
                start_ms=start_ms,
                at=now(),
            )


async def test_a_call_is_told_from_its_beginning_to_its_end(world: World, server: Server) -> None:
    await world.top_up("10.00")
    async with reading(server, query="?prices_every_seconds=1") as stream:
        assert (await stream.next()).data == {"reason": "begin"}
        call_id = await world.receive()
        born = await stream.next()
        assert (born.name, born.data["id"]) == ("call", str(call_id))
        assert born.data["state"] == "received"
        assert born.data["caller_number"] == "+33639980001"
        await world.quote(call_id)
        await world.initial(call_id)
        await talk(world, call_id)
        talking = await stream.next("call")
        assert talking.data["talk"]["granted_seconds"] == 300
        first, second = [await stream.next("prices") for _ in range(2)]
        (one,), (two,) = first.data["items"], second.data["items"]
        assert one["id"] == two["id"] == str(call_id)
        assert two["used_seconds"] > one["used_seconds"]
        assert float(two["charge"]["amount"]) > float(one["charge"]["amount"])
        await world.settle(call_id, 7, EndReason.OPERATOR_ENDED)
        ended = await stream.next("ended")
        assert (ended.data["id"], ended.data["reason"]) == (str(call_id), "operator-ended")
        assert ended.data["charge"] == {"amount": "0.14", "currency": "EUR"}


async def test_whose_key_is_revoked_hears_nothing_more(world: World, server: Server) -> None:
    async with reading(server) as stream:
        await stream.next("resync")
        async with world.sessions.begin() as s:
            key = await identity.key_by_name(s, "desk")
            await identity.revoke_key(s, key.key_id, at=now(), expected=None, last_admin_too=True)
        await world.receive()
        assert [event async for event in stream.rest()] == []


async def test_who_comes_back_is_told_what_he_missed(world: World, server: Server) -> None:
    async with reading(server) as stream:
        await stream.next("resync")
        await world.receive()
        place = (await stream.next("call")).id
    assert place is not None
    missed = [await world.receive() for _ in range(2)]
    async with reading(server, place) as stream:
        told = [await stream.next() for _ in range(2)]
    assert [(one.name, one.data["id"]) for one in told] == [("call", str(id_)) for id_ in missed]
    assert told[0].id is None
    assert told[1].id is not None


@pytest.mark.parametrize("place", ["0-0", "abcdef01-7", "ffffffff-999999999999999999"])
async def test_who_was_away_too_long_is_told_to_read_anew(
    world: World, server: Server, place: str
) -> None:
    async with reading(server, place) as stream:
        assert (await stream.next()).data == {"reason": "too-long-away"}
        await world.receive()
        assert (await stream.next()).name == "call"


async def test_numbers_are_whole_only_for_who_may_see_them(
    world: World, app: FastAPI, server: Server
) -> None:
    token = await key_for(app, "reader", [Scope.READ])
    async with reading(Server(server.url, token, server.server)) as stream:
        await stream.next("resync")
        await world.receive()
        assert (await stream.next("call")).data["caller_number"] == "…01"


async def test_a_lost_connection_to_the_database_is_told_and_made_anew(
    world: World, server: Server
) -> None:
    async with reading(server) as stream:
        await stream.next("resync")
        async with world.sessions.begin() as s:
            await s.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'primeline listening'"
                )
            )
        assert (await stream.next("resync")).data == {"reason": "listening-anew"}
        call_id = await world.receive()
        assert (await stream.next("call")).data["id"] == str(call_id)


async def test_only_so_many_may_read_at_once(app: FastAPI, server: Server) -> None:
    app.state.live.most = 1
    headers = {"Authorization": f"Bearer {server.token}"}
    async with reading(server) as stream, httpx.AsyncClient(headers=headers) as client:
        await stream.next("resync")
        answer = await client.get(f"{server.url}/live/calls/stream")
        assert code_of(answer, 503) == "too-many-streams"
        assert answer.headers["retry-after"]
    for _ in range(50):
        if not app.state.live.full:
            break
        await asyncio.sleep(0.1)
    async with reading(server) as stream:
        await stream.next("resync")


async def test_a_reader_who_takes_nothing_is_dropped(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.streams.SEND_SECONDS", 0.2)
    token = await key_for(app, "desk")
    messages: list[str] = []

    async def receive() -> dict[str, Any]:
        if messages:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b""}

    async def send(message: MutableMapping[str, Any]) -> None:
        messages.append(message["type"])
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/live/calls/stream",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())],
    }
    app.state.live.most = 1
    async with asyncio.timeout(5):
        await app(scope, receive, send)
    assert messages == ["http.response.start", "http.response.body"]
    assert not app.state.live.full


async def test_a_stream_ends_by_itself_and_at_shutdown(app: FastAPI, server: Server) -> None:
    app.state.live.longest_seconds = 0.3
    async with reading(server) as stream:
        await stream.ended()
    app.state.live.longest_seconds = 900
    async with reading(server) as stream:
        await stream.next("resync")
        server.server.should_exit = True
        await stream.ended()


@pytest.mark.parametrize(
    ("query", "place"), [("?prices_every_seconds=0", None), ("", "x"), ("", "0-" + "1" * 60)]
)
async def test_a_stream_that_cant_be_asked_for_is_refused(
    api: Client, query: str, place: str | None
) -> None:
    headers = {} if place is None else {"Last-Event-ID": place}
    answer = await api.get(f"/live/calls/stream{query}", headers=headers)
    assert code_of(answer, 422) == "request-invalid"


async def test_live_calls_are_listed_with_their_price_by_now(api: Client, world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    await talk(world, call_id)
    (first,) = ok(await api.get("/live/calls"))["items"]
    await asyncio.sleep(1.1)
    (second,) = ok(await api.get("/live/calls"))["items"]
    assert first["id"] == str(call_id)
    assert (first["caller"], first["expert"]) == ("Cleo", None)
    assert second["talk"]["used_seconds"] > first["talk"]["used_seconds"]
    assert float(second["talk"]["charge"]["amount"]) > float(first["talk"]["charge"]["amount"])
    await world.settle(call_id, 1)
    assert ok(await api.get("/live/calls"))["items"] == []


# The hub alone.


def woken(hub: Hub, places: Sequence[str | None]) -> list[str | None]:
    readers = [hub.enter(place) for place in places]
    return [hub.news(reader).missed for reader in readers]


async def test_a_reader_who_is_slow_has_each_call_once(world: World, fresh_database: str) -> None:
    hub = Hub(fresh_database)
    reader = hub.enter(None)
    async with asyncio.timeout(5):
        await reader.woken.wait()
    hub.news(reader)
    call_id = await world.receive()
    for state in ("choosing", "quoting", "choosing"):
        async with world.sessions.begin() as s:
            await calls.write_step(s, call_id, state)
    async with asyncio.timeout(5):
        while len(hub._past) < 4:  # noqa: ASYNC110, SLF001
            await asyncio.sleep(0.01)
    news = hub.news(reader)
    assert (news.changed, news.missed) == ((call_id,), None)
    hub.leave(reader)
    hub.close()


async def test_a_place_beyond_what_is_remembered_is_too_long_away(
    world: World, fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.live.REMEMBERED", 2)
    hub = Hub(fresh_database)
    reader = hub.enter(None)
    async with asyncio.timeout(5):
        await reader.woken.wait()
    places = [hub.news(reader).place]
    for _ in range(3):
        await world.receive()
        async with asyncio.timeout(5):
            await reader.woken.wait()
        places.append(hub.news(reader).place)
    assert woken(hub, places) == ["too-long-away", None, None, None]
    hub.close()
