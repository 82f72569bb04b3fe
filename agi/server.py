"""The FastAGI server: takes connections on loopback, each served by a thread, never too many."""

import asyncio
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from agi import metrics
from agi.bridge import Bridge
from agi.session import Session
from billing.kit.limits import Limits
from dialplan.prompts.store import PromptStore

HOST: Final = "127.0.0.1"
BACKLOG: Final = 64
AGAIN_SECONDS: Final = 0.1
STOP_SECONDS: Final = 3

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Open:
    """A connection, its thread, and what ends it if it doesn't end by itself."""

    connection: socket.socket
    thread: threading.Thread | None = None
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class Server:
    """Serves until it is closed. All but `Session` itself runs in the event loop."""

    def __init__(
        self, bridge: Bridge, prompts: PromptStore, limits: Limits, secret_key: str
    ) -> None:
        self._bridge = bridge
        self._prompts = prompts
        self._limits = limits
        self._secret_key = secret_key
        self._open: set[_Open] = set()
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    @property
    def sessions(self) -> int:
        """How many connections are served now."""
        return len(self._open)

    def bind(self, port: int) -> int:
        """Listen; 0 is any free port. Gives the port."""
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((HOST, port))
        self._listener.listen(BACKLOG)
        self._listener.setblocking(False)
        bound: int = self._listener.getsockname()[1]
        return bound

    async def serve(self) -> None:
        """Take connections for ever."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listener)
            except OSError as error:
                # Too many files are open, or the other side is gone already.
                log.warning("not accepted", error=type(error).__name__)
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            if len(self._open) >= self._limits.line_sessions:
                # Closed before it was served: the dialplan apologises at once.
                log.warning("too many sessions", sessions=len(self._open))
                connection.close()
                metrics.over("none", "too-many")
                continue
            self._start(connection)

    def _start(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        limits = self._limits
        one = _Open(connection)
        headers = loop.call_later(limits.line_header_ms / 1_000, _end, one, "no headers")
        # The session ends itself in time; this ends one that can't.
        longest_ms = limits.line_ms + limits.line_step_ms + 2 * limits.grace_ms
        whole = loop.call_later(longest_ms / 1_000, _end, one, "too long")
        one.timers += [headers, whole]
        session = Session(
            connection,
            self._bridge,
            self._prompts,
            limits,
            self._secret_key,
            on_headers=lambda: _from_thread(loop, headers.cancel),
        )

        def work() -> None:
            try:
                session.run()
            finally:
                _from_thread(loop, lambda: self._over(one))

        one.thread = threading.Thread(target=work, name="line", daemon=True)
        self._open.add(one)
        connection.setblocking(True)
        one.thread.start()

    def _over(self, one: _Open) -> None:
        for timer in one.timers:
            timer.cancel()
        one.connection.close()
        self._open.discard(one)

    async def close(self) -> None:
        """Take no more connections, end those there are, and wait for their threads."""
        self._listener.close()
        threads = [one.thread for one in self._open if one.thread is not None]
        for one in self._open:
            _end(one, "stopping")
        # Waited for in another thread: what they write last needs this loop.
        for thread in threads:
            await asyncio.to_thread(thread.join, STOP_SECONDS)


def _end(one: _Open, why: str) -> None:
    """End a connection from outside its thread: its reads and writes fail at once."""
    log.info("connection ended", why=why)
    with suppress(OSError):
        one.connection.shutdown(socket.SHUT_RDWR)


def _from_thread(loop: asyncio.AbstractEventLoop, work: object) -> None:
    with suppress(RuntimeError):  # the loop is closed: the process ends
        loop.call_soon_threadsafe(work)  # type: ignore[arg-type]
