"""Asterisk's events over a websocket that comes back by itself.

The reader never waits: Asterisk closes a socket it can't write to. While `on_connect` compares
what is known with what Asterisk shows, events are kept and handed over afterwards.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import structlog

from ari_app.ari.client import APPLICATION, AriClient, AriError
from ari_app.ari.events import ApplicationReplaced, AriEvent, parse
from ari_app.ari.websocket import RESPONSE

FIRST_DELAY_MS, LONGEST_DELAY_MS = 100, 5_000
HEARTBEAT_SECONDS = 10

log = structlog.get_logger(__name__)


class Replaced(Exception):
    """Another process has taken over the application; this one must stop."""


async def events(
    ari: AriClient, on_connect: Callable[[], Awaitable[None]], on_event: Callable[[AriEvent], None]
) -> None:
    """Connect, resync by `on_connect`, then hand over each event; for ever.

    Raises:
        Replaced: another process took over.

    """
    async for socket in _connections(ari):
        mailbox = _Mailbox(on_event)
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(_read(socket, ari, mailbox.take))
            try:
                await ari.filter_events()
                await on_connect()
            except AriError as error:
                log.warning("asterisk not ready", error=str(error))
                await socket.close()
            mailbox.open()
            await reader


class _Mailbox:
    """Keeps events until it is opened, then hands them on."""

    def __init__(self, on_event: Callable[[AriEvent], None]) -> None:
        self._on_event = on_event
        self._kept: list[AriEvent] = []
        self._open = False

    def take(self, event: AriEvent) -> None:
        if self._open:
            self._on_event(event)
        else:
            self._kept.append(event)

    def open(self) -> None:
        self._open = True
        for event in self._kept:
            try:
                self._on_event(event)
            except Exception:
                log.exception("event not taken", kind=type(event).__name__)
        self._kept.clear()


async def _connections(ari: AriClient) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    delay_ms = FIRST_DELAY_MS
    while True:
        try:
            socket = await ari.open_events(HEARTBEAT_SECONDS)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.warning("no connection to asterisk", error=str(error), again_in_ms=delay_ms)
            await asyncio.sleep(delay_ms * random.uniform(0.5, 1) / 1000)  # noqa: S311
            delay_ms = min(delay_ms * 2, LONGEST_DELAY_MS)
            continue
        delay_ms = FIRST_DELAY_MS
        log.info("connected to asterisk", application=APPLICATION, requests=ari.transport)
        yield socket
        await socket.close()
        log.warning("connection to asterisk lost")
        await asyncio.sleep(FIRST_DELAY_MS / 1000)


async def _read(
    socket: aiohttp.ClientWebSocketResponse, ari: AriClient, take: Callable[[AriEvent], None]
) -> None:
    try:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                _take_one(message.data, ari, take)
    finally:
        ari.events_ended()


def _take_one(text: str, ari: AriClient, take: Callable[[AriEvent], None]) -> None:
    try:
        told = json.loads(text)
        if told["type"] == RESPONSE:
            ari.answered(told)
            return
        event = parse(told)
    except (KeyError, ValueError, TypeError):
        # Never the text itself: it may hold a digit.
        log.exception("unreadable event", length=len(text))
        return
    if isinstance(event, ApplicationReplaced):
        raise Replaced
    if event is None:
        return
    try:
        take(event)
    except Exception:
        # One call's fault must not end all others.
        log.exception("event not taken", kind=type(event).__name__)
