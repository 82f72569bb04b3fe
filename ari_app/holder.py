"""This process as the one that acts on an Asterisk: its claim in the database.

Calls are kept by the name of their Asterisk. So a name must mean one Asterisk, and one process.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from ari_app.deadline import within
from ari_app.fence import HOLDER_VARIABLE, Fence, FencedAri
from billing.kit import claims
from billing.kit.database import Sessions
from billing.kit.errors import PrimelineError

ASTERISK_VARIABLE: Final = "PRIMELINE_ASTERISK"
"""A global variable of Asterisk's: made up when it is first seen, and gone when it ends."""

RENEW_MS: Final = 2_000
TRY_AGAIN_MS: Final = 500
DATABASE_MS: Final = 5_000

AWAY: Final = (SQLAlchemyError, OSError, TimeoutError)

log = structlog.get_logger(__name__)


class AsteriskIdTaken(PrimelineError):
    """Another Asterisk goes by the same name on this database."""

    code = "asterisk-id-taken"

    def __init__(self, asterisk_id: str) -> None:
        super().__init__(
            f"Another Asterisk is called {asterisk_id!r} on this database, and its call application"
            " lives: each would settle the other's calls. Give this one a name of its own by"
            " PRIMELINE_ASTERISK_ID."
        )


class NotOurs(OSError):
    """The database is not for us to write to: not yet, or not any more."""


class Holder:
    """Takes the claim, keeps it, and lets no connection be made without it."""

    def __init__(self, ari: FencedAri, fence: Fence, sessions: Sessions, asterisk_id: str) -> None:
        self.claimed = asyncio.Event()
        self._ari = ari
        self._fence = fence
        self._sessions = sessions
        self._asterisk_id = asterisk_id
        self._asterisk = uuid4()
        self._before: UUID | None = None

    @property
    def id(self) -> UUID:
        """This process."""
        return self._fence.holder

    # In Asterisk.

    async def recognise(self) -> None:
        """Learn which Asterisk this is; raises AriError."""
        found = await self._ari.global_variable(ASTERISK_VARIABLE)
        if not found:
            await self._ari.set_global_variable(ASTERISK_VARIABLE, str(self._asterisk))
            found = await self._ari.global_variable(ASTERISK_VARIABLE)
        self._asterisk = UUID(found)

    async def show(self) -> None:
        """Let Asterisk know that it is we who act on it; raises AriError."""
        await self._ari.set_global_variable(HOLDER_VARIABLE, str(self.id))
        self._fence.shown()

    # In the database.

    async def take(self) -> None:
        """Claim our Asterisk's name; a database that is away is left to `keep`.

        Who holds the name for another Asterisk is watched for as long as a lease lasts: a claim
        that is never renewed is a dead one's. Raises AsteriskIdTaken.
        """
        seen: tuple[UUID, int] | None = None
        while not self.claimed.is_set():
            try:
                found = await within(DATABASE_MS, self._take())
            except AWAY as error:
                log.warning("claim not taken", error=type(error).__name__)
                return
            if isinstance(found, claims.Claimed):
                self._before = found.before
                self.claimed.set()
                return
            if seen is not None and seen != (found.holder, found.renewals):
                raise AsteriskIdTaken(self._asterisk_id)
            seen = (found.holder, found.renewals)
            await asyncio.sleep(TRY_AGAIN_MS / 1000)

    async def _take(self) -> claims.Claimed | claims.Standing:
        async with self._sessions.begin() as s:
            return await claims.take(s, self._asterisk_id, asterisk=self._asterisk, holder=self.id)

    async def keep(self) -> None:
        """Renew the claim for ever, or take it as soon as it can be taken.

        Raises AsteriskIdTaken.
        """
        while True:
            await asyncio.sleep(RENEW_MS / 1000)
            if not self.claimed.is_set():
                await self.take()
                await self.end_the_one_before()
                continue
            try:
                kept = await within(DATABASE_MS, self._renew())
            except AWAY as error:
                log.warning("claim not renewed", error=type(error).__name__)
            else:
                if not kept:
                    self._fence.lose("another process has the claim")

    async def _renew(self) -> bool:
        async with self._sessions.begin() as s:
            return await claims.renew(s, self._asterisk_id, asterisk=self._asterisk, holder=self.id)

    async def end_the_one_before(self) -> None:
        """Whoever had the claim writes nothing any more, were it only asleep until now."""
        before, self._before = self._before, None
        if before is None:
            return
        try:
            async with self._sessions.begin() as s:
                await claims.end_sessions(s, before)
        except AWAY as error:
            # Its connections are refused all the same once they are made anew.
            log.warning("connections of the one before not ended", error=type(error).__name__)

    async def release(self) -> None:
        """Let go, in good order."""
        if not self.claimed.is_set():
            return
        try:
            await within(DATABASE_MS, self._release())
        except AWAY as error:
            log.warning("claim not let go", error=type(error).__name__)

    async def _release(self) -> None:
        async with self._sessions.begin() as s:
            await claims.release(s, self._asterisk_id, holder=self.id)

    def guard(self, engine: AsyncEngine) -> None:
        """Let no connection of `engine` be made but while the claim is ours."""

        @event.listens_for(engine.sync_engine, "connect")
        def check(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            try:
                cursor.execute(claims.HOLDER, (self._asterisk_id,))
                row = cursor.fetchone()
            finally:
                cursor.close()
            connection.rollback()
            if not self.claimed.is_set():
                raise NotOurs("the claim is not taken yet")
            if row is None or row[0] != self.id:
                self._fence.lose("another process has the claim")
                raise NotOurs("another process has the claim")

    # For those that need it.

    async def once_claimed(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do what needs the database from when the claim is ours."""
        await self.claimed.wait()
        await work()
