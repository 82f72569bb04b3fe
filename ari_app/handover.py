"""Calls from one process to the next, over a local socket, while both run: nothing is lost.

The new process asks; the old one ends the turns it was in, gives each call as it stands and, from
then on, each event that Asterisk still tells it. Once the new one has connected to Asterisk, the
old one is told that it was replaced: that was the last event. If the new one goes away before,
the old one goes on as if nothing had been asked. Nothing of this touches a disk: a call may hold
the digits of a PIN.
"""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import structlog

from ari_app.ari.events import AriEvent
from ari_app.calls.carried import Carried
from ari_app.calls.carrying import HOLD_MS, Held
from ari_app.calls.recovery import Recovery
from ari_app.calls.registry import Registry
from ari_app.packing import Unpackable, pack, unpack

SOCKET: Final = "ari_app.sock"
ANSWER_MS: Final = 2_000
"""Who does not answer in this time is asleep or gone: then it is as after a crash."""

LAST_MS: Final = 3_000
"""From our connecting to Asterisk to the old one's last word."""

_LENGTH_BYTES: Final = 4

log = structlog.get_logger(__name__)


@asynccontextmanager
async def _path(directory: Path) -> AsyncIterator[str]:
    """The socket's path by way of its folder: a path may be longer than a socket's may."""
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET}"
    finally:
        os.close(folder)


async def _send(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode()
    writer.write(len(data).to_bytes(_LENGTH_BYTES, "big") + data)
    await writer.drain()


async def _receive(reader: asyncio.StreamReader) -> dict[str, Any]:
    length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
    message = json.loads(await reader.readexactly(length))
    if not isinstance(message, dict):
        raise ValueError("no message")  # noqa: TRY004  (of the other process, not of a caller)
    return message


BROKEN: Final = (OSError, EOFError, ValueError, TimeoutError)


class Giver:
    """The side that has the calls."""

    def __init__(self, registry: Registry, recovery: Recovery) -> None:
        self._registry = registry
        self._recovery = recovery
        self._writer: asyncio.StreamWriter | None = None
        self._held: Held | None = None
        self._kept: list[AriEvent] = []
        self._given = False
        self._gone = False

    def on_event(self, event: AriEvent) -> None:
        """Hand an event to its call, here or where the calls are going."""
        if self._held is None:
            self._registry.on_event(event)
            return
        self._kept.append(event)
        if self._given and self._writer is not None:
            data = json.dumps({"event": pack(event)}).encode()
            self._writer.write(len(data).to_bytes(_LENGTH_BYTES, "big") + data)

    async def serve(self, directory: Path) -> None:
        """Answer who asks for the calls, for ever."""
        async with _path(directory) as path:
            bound = _bind(path)
            server = await asyncio.start_unix_server(self._asked, sock=bound)
            async with server:
                await server.serve_forever()

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._held is not None:
            writer.close()
            return
        try:
            if (await _receive(reader)).get("ask") == "calls":
                await self._give(reader, writer)
        except BROKEN as error:
            log.warning("calls not handed over", error=type(error).__name__)
        finally:
            self._go_on()
            writer.close()

    async def _give(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._held, self._writer = Held(self._registry), writer
        await _send(writer, {"holding": True})
        await self._recovery.pause()
        await self._held.hold()
        calls = [pack(carried) for carried in self._held.carried()]
        self._given = True
        before = list(self._kept)
        await _send(writer, {"calls": calls, "events": [pack(event) for event in before]})
        log.info("calls given", calls=len(calls))
        # Until the new one goes away; or until we are replaced, which ends this process.
        await reader.read()

    def _go_on(self) -> None:
        """The new process went away: the calls are ours as before."""
        if self._gone or self._held is None:
            return
        held, self._held = self._held, None
        self._writer, self._given = None, False
        log.warning("calls not taken; they go on here")
        held.go_on()
        kept, self._kept = self._kept, []
        for event in kept:
            self._registry.on_event(event)
        self._recovery.go_on()

    async def replaced(self) -> None:
        """Another process is connected: say that there will be no further event, if it asked."""
        self._gone = True
        if self._held is None or self._writer is None or not self._given:
            return
        self._held.give_up()
        with suppress(*BROKEN):
            await _send(self._writer, {"last": True})
            self._writer.close()
            await self._writer.wait_closed()

    def reconnected(self) -> None:
        """Asterisk was lost meanwhile: what was given is not to be relied upon."""
        if self._writer is not None:
            self._writer.transport.abort()


class Taker:
    """The side that wants the calls, and the calls it was given."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.calls: list[Carried] = []
        self.events: list[AriEvent] = []

    @classmethod
    async def ask(cls, directory: Path) -> "Taker | None":
        """Ask the process that has the calls; None: there is none, or it does not answer."""
        try:
            async with asyncio.timeout(ANSWER_MS / 1000), _path(directory) as path:
                reader, writer = await asyncio.open_unix_connection(path)
        except BROKEN:
            return None
        taker = cls(reader, writer)
        try:
            async with asyncio.timeout(ANSWER_MS / 1000):
                await _send(writer, {"ask": "calls"})
                await _receive(reader)
            async with asyncio.timeout((HOLD_MS + ANSWER_MS) / 1000):
                given = await _receive(reader)
            taker.calls = [one for raw in given["calls"] if (one := _unpacked(raw)) is not None]
            taker.events = [unpack(raw) for raw in given["events"]]
        except (*BROKEN, KeyError, Unpackable) as error:
            log.warning("calls not given", error=type(error).__name__)
            taker.close()
            return None
        log.info("calls taken over", calls=len(taker.calls))
        return taker

    async def last(self) -> bool:
        """Wait, once we are connected, for the events up to the last; False: some may lack."""
        try:
            async with asyncio.timeout(LAST_MS / 1000):
                while "last" not in (message := await _receive(self._reader)):
                    self.events.append(unpack(message["event"]))
        except (*BROKEN, KeyError, Unpackable) as error:
            log.warning("no last word", error=type(error).__name__)
            return False
        finally:
            self.close()
        return True

    def close(self) -> None:
        """Ask no more."""
        self._writer.close()

    def hand_to(self, registry: Registry) -> None:
        """Let the calls go on, with what happened since they were held."""
        for carried in self.calls:
            registry.take_over(carried)
        _each(registry.on_event, self.events)


def _each(take: Callable[[AriEvent], None], events: list[AriEvent]) -> None:
    for event in events:
        try:
            take(event)
        except Exception:
            # One call's fault must not end all others.
            log.exception("event not taken", kind=type(event).__name__)


def _unpacked(raw: Any) -> Carried | None:
    """A call, or None for one that this version can't read: it is recovered as after a crash."""
    try:
        carried = unpack(raw)
    except Unpackable as error:
        log.error("call not readable", error=str(error))  # noqa: TRY400
        return None
    return carried if isinstance(carried, Carried) else None


def _bind(path: str) -> socket.socket:
    """A socket that only we may connect to, in place of one that another process left."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    part = Path(f"{path}.{os.getpid()}")
    part.unlink(missing_ok=True)
    before = os.umask(0o177)
    try:
        bound.bind(str(part))
    finally:
        os.umask(before)
    part.rename(path)
    return bound
