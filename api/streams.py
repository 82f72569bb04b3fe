"""The stream of live calls, as server-sent events."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final
from uuid import UUID

import anyio
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.live import Hub, News, Reader
from api.schemas import calls as call_schema
from api.schemas import live as live_schema
from billing.calls import live, records
from billing.identity import service as identity
from billing.kit.clock import now
from billing.kit.database import Sessions

GATHER_SECONDS: Final = 0.1
"""What changes within so long is told together."""

PING_SECONDS: Final = 15
SEND_SECONDS: Final = 10
"""A reader who takes nothing for so long is dropped."""

SHUTDOWN_SECONDS: Final = 1
"""How long a stream may take to end when the process is told to."""

AGAIN_SECONDS: Final = 1
AWAY: Final = (DBAPIError, PoolTimeoutError, TimeoutError, OSError)

# At DEBUG it would write every event, callers' numbers too, into the log.
logging.getLogger("sse_starlette").setLevel(logging.INFO)


class _KeyGone(Exception):
    """The reader's key was revoked, or has expired."""


def stream(
    hub: Hub,
    sessions: Sessions,
    *,
    key_id: UUID,
    place: str | None,
    prices_every_seconds: int,
    whole: bool,
) -> EventSourceResponse:
    """Answer with the stream; it ends by itself, with its key or reader, and at shutdown."""
    shutdown = anyio.Event()
    events = _Events(hub, sessions, key_id, whole=whole, prices_every_seconds=prices_every_seconds)
    return EventSourceResponse(
        events.run(place, shutdown),
        ping=PING_SECONDS,
        send_timeout=SEND_SECONDS,
        sep="\n",
        shutdown_event=shutdown,
        shutdown_grace_period=SHUTDOWN_SECONDS,
    )


class _Events:
    """What one reader is told."""

    def __init__(
        self,
        hub: Hub,
        sessions: Sessions,
        key_id: UUID,
        *,
        whole: bool,
        prices_every_seconds: int,
    ) -> None:
        self._hub = hub
        self._sessions = sessions
        self._key_id = key_id
        self._whole = whole
        self._prices_every_seconds = prices_every_seconds

    async def run(self, place: str | None, shutdown: anyio.Event) -> AsyncIterator[ServerSentEvent]:
        """Tell until the time is over, or the process ends."""
        hub, time = self._hub, asyncio.get_running_loop().time
        reader = hub.enter(place)
        wake = asyncio.create_task(_wake(reader, shutdown))
        end = time() + hub.longest_seconds
        prices_at = time() + self._prices_every_seconds
        try:
            while time() < end and not shutdown.is_set():
                woken = await _woken(reader, min(end, prices_at) - time())
                try:
                    if woken:
                        for event in await self._tell(hub.news(reader), reader):
                            yield event
                    elif time() >= prices_at:
                        prices_at = time() + self._prices_every_seconds
                        for event in await self._prices():
                            yield event
                except AWAY:
                    reader.missed = reader.missed or "database-away"
                    reader.woken.set()
                    await asyncio.sleep(AGAIN_SECONDS)
        except _KeyGone:
            return
        finally:
            wake.cancel()
            hub.leave(reader)

    async def _tell(self, news: News, reader: Reader) -> Sequence[ServerSentEvent]:
        if news.missed is not None:
            return [_event("resync", {"reason": news.missed}, place=news.place)]
        try:
            told = await self._read(news.changed)
        except AWAY:
            reader.changed = dict.fromkeys(news.changed) | reader.changed
            raise
        # Only the last one says where the reader is: who loses the line before gets all again.
        events = [_event(name, body) for name, body in told]
        if events:
            events[-1].id = news.place
        return events

    async def _read(self, changed: Sequence[UUID]) -> list[tuple[str, BaseModel]]:
        async with self._sessions() as s:
            await self._check_key(s)
            open_ = await live.list_live(s, now(), call_ids=changed)
            gone = set(changed) - {call.call_id for call in open_}
            ended = await records.summaries(s, gone) if gone else []
        return [
            *(("call", live_schema.live(call, whole=self._whole)) for call in open_),
            *(("ended", call_schema.shown(call, whole=self._whole)) for call in ended),
        ]

    async def _check_key(self, s: AsyncSession) -> None:
        # Whoever loses his key hears nothing more, and within one round of prices isn't there.
        if not await identity.still_works(s, self._key_id, now()):
            raise _KeyGone

    async def _prices(self) -> Sequence[ServerSentEvent]:
        async with self._sessions() as s:
            await self._check_key(s)
            prices = live_schema.running_prices(await live.list_live(s, now()))
        items = [price.model_dump(mode="json") for price in prices]
        return [_event("prices", {"items": items})] if items else []


async def _wake(reader: Reader, shutdown: anyio.Event) -> None:
    await shutdown.wait()
    reader.woken.set()


async def _woken(reader: Reader, seconds: float) -> bool:
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await reader.woken.wait()
    except TimeoutError:
        return False
    await asyncio.sleep(GATHER_SECONDS)
    return True


def _event(
    name: str, body: BaseModel | dict[str, Any], place: str | None = None
) -> ServerSentEvent:
    data = body.model_dump_json() if isinstance(body, BaseModel) else json.dumps(body)
    return ServerSentEvent(data=data, event=name, id=place)
