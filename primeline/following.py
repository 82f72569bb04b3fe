"""Keeps Asterisk at what the database says of trunks and phones."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from typing import Final

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from billing.endpoints.names import CHANNEL
from billing.kit.database import CONNECT_TIMEOUT_SECONDS, Sessions
from billing.kit.errors import PrimelineError
from primeline.asterisk_endpoints import Lines, endpoint_sections
from primeline.lines import changes, read_lines

POLL_SECONDS: Final = 5
"""How soon a changed trunk or phone counts at the latest; usually at once."""

UseLines = Callable[[Lines], Awaitable[bool]]
"""Makes Asterisk use other trunks and phones; gives whether they differ."""


class Follower:
    """Follows the trunks and phones of the database; `say` tells the operator."""

    def __init__(self, sessions: Sessions, key: str, say: Callable[[str], None]) -> None:
        self._sessions = sessions
        self._key = key
        self._say = say
        self._lines = Lines()
        self._told: list[str] = []

    async def first(self) -> Lines:
        """Give the lines to start with."""
        self._lines = await self._read()
        return self._lines

    async def follow(self, use: UseLines) -> None:
        """Look once for changes and make them count; what is wrong is told once."""
        try:
            lines = await self._read()
            if await use(lines):
                if changed := changes(self._lines, lines):
                    self._say(f"Trunks and phones: {changed}.")
                self._lines = lines
        except PrimelineError as error:
            self._tell([f"Trunks and phones stay as they were: {error.sentence}"])
        except (SQLAlchemyError, OSError, subprocess.SubprocessError):
            return  # the database or Asterisk is away; the watcher deals with it

    async def _read(self) -> Lines:
        async with self._sessions() as s:
            lines, problems = await read_lines(s, self._key)
        endpoint_sections(lines)
        self._tell(problems)
        return lines

    def _tell(self, problems: list[str]) -> None:
        for problem in problems:
            if problem not in self._told:
                self._say(problem)
        self._told = problems


class Bell:
    """Rings when a trunk or a phone was changed."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url.replace("postgresql+psycopg://", "postgresql://")
        self._connection: psycopg.AsyncConnection[tuple[object, ...]] | None = None

    async def wait(self, seconds: float) -> None:
        """Wait for a change, or so long; only so long while the database is away."""
        try:
            if self._connection is None:
                self._connection = await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS
                )
                await self._connection.execute(f"LISTEN {CHANNEL}".encode())
                return  # what was changed before we listened
            async for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                pass
        except (psycopg.Error, OSError):
            await self.close()
            await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
