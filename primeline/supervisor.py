"""Keeps named processes running: starts them again when they die, later each time they die soon."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

import psycopg
import structlog

from billing.kit.errors import PrimelineError
from primeline.processes import Child

GRACE_SECONDS: Final = 10
"""What a process may take to end in good order."""

BACKOFF_SECONDS: Final = (0.2, 0.5, 1, 2, 5, 10, 30)
STEADY_SECONDS: Final = 60
"""A process that ran this long before it died is started again without delay."""

log = structlog.get_logger()

Launch = Callable[[str], Awaitable[Child]]
"""Starts the process of that name and waits until it is ready."""


class Supervisor:
    """The processes of one system, by name.

    `pauses`: seconds before a start, the longer the more often a process died soon.
    """

    def __init__(
        self, launch: Launch, *, restart: bool, pauses: Sequence[float] = BACKOFF_SECONDS
    ) -> None:
        self._launch = launch
        self._restart = restart
        self._pauses = pauses
        self._children: dict[str, Child] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}

    @property
    def pids(self) -> dict[str, int]:
        """The processes that run now."""
        return {name: child.pid for name, child in self._children.items() if child.running}

    async def start(self, name: str) -> None:
        """Start a process unless it runs, and watch it from then on."""
        child = self._children.get(name)
        if child is None or not child.running:
            self._children[name] = await self._launch(name)
        if self._restart and name not in self._watchers:
            self._watchers[name] = asyncio.create_task(self._watch(name), name=f"watch {name}")

    def send(self, name: str, number: signal.Signals) -> int:
        """Send a signal to one process alone; gives its pid."""
        child = self._children[name]
        child.send(number)
        return child.pid

    async def stop(self, name: str) -> None:
        """End a process in good order and leave it so."""
        watcher = self._watchers.pop(name, None)
        if watcher is not None:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher
        child = self._children.pop(name, None)
        if child is not None and child.running:
            await child.stop(seconds=GRACE_SECONDS)

    async def ended(self, name: str) -> int:
        """Wait until a process has ended; gives its exit status."""
        return await self._children[name].wait()

    async def _watch(self, name: str) -> None:
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            began = loop.time()
            status = await self._children[name].wait()
            failures = 0 if loop.time() - began > STEADY_SECONDS else failures + 1
            pause = self._pauses[min(failures, len(self._pauses) - 1)]
            log.warning("process died", process=name, exit_status=status, again_in_seconds=pause)
            await asyncio.sleep(pause)
            try:
                await self.start(name)
            except (PrimelineError, OSError, psycopg.Error):
                log.exception("process not started", process=name)
