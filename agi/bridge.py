"""From a script's thread into the one event loop, where the database is, with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from typing import Final, TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.database import Sessions

T = TypeVar("T")

AWAY: Final = (OperationalError, InterfaceError, PoolTimeout, TimeoutError, OSError)
_THREAD_GRACE_SECONDS: Final = 1


class DatabaseAway(Exception):
    """The database is away or too slow, or the process is about to end."""


class Bridge:
    """Takes work from any thread; each piece is one transaction."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sessions: Sessions, deadline_ms: int
    ) -> None:
        self._loop = loop
        self._sessions = sessions
        self._seconds = deadline_ms / 1_000

    def transact(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Do `work` in a transaction and wait for it; raises DatabaseAway."""
        if self._loop.is_closed():
            raise DatabaseAway
        future = asyncio.run_coroutine_threadsafe(self._run(work), self._loop)
        try:
            return future.result(self._seconds + _THREAD_GRACE_SECONDS)
        except (*AWAY, CancelledError) as error:
            future.cancel()
            raise DatabaseAway from error

    async def _run(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        async with asyncio.timeout(self._seconds), self._sessions.begin() as s:
            return await work(s)
