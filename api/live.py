"""Live changes of calls, for many readers: hints of PostgreSQL in, rows' present state out.

A hint is only a call's id. Each reader has the set of calls that changed since he was last told,
so one who is slow gets fewer, later states, and never makes anything grow.
"""

import asyncio
import secrets
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from billing.calls import live
from billing.kit.listening import Connected, Lost, Told, listen

REMEMBERED: Final = 2_000
"""Changes that a reader who was away may still be told of."""

LINGER_SECONDS: Final = 60
"""So long it is listened on without a reader, so that one who comes back has missed nothing."""

log = structlog.get_logger("api")


@dataclass(frozen=True, slots=True)
class News:
    """What a reader has to be told. `missed`: why he must read the whole list anew, if he must.

    `place` is where he is after it: sent back as Last-Event-ID it leads on from there.
    """

    changed: tuple[UUID, ...]
    missed: str | None
    place: str


@dataclass(eq=False)
class Reader:
    """Somebody who is told."""

    changed: dict[UUID, None] = field(default_factory=dict)
    missed: str | None = None
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Hub:
    """Listens while anybody reads, and shortly after.

    `most` readers may read at once, each for `longest_seconds`; then he comes again, with a key
    that is looked at anew.
    """

    def __init__(self, database_url: str, *, most: int = 50, longest_seconds: float = 900) -> None:
        self.most = most
        self.longest_seconds = longest_seconds
        self._database_url = database_url
        self._readers: set[Reader] = set()
        self._task: asyncio.Task[None] | None = None
        self._end: asyncio.TimerHandle | None = None
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Places given out before mean nothing any more."""
        self._listening = False
        self._epoch = secrets.token_hex(4)
        self._number = 0
        self._past: deque[tuple[int, UUID]] = deque(maxlen=REMEMBERED)

    @property
    def full(self) -> bool:
        """Whether nobody more may read now."""
        return len(self._readers) >= self.most

    def enter(self, place: str | None) -> Reader:
        """Begin to read, from a place on if it is still known."""
        if self._end is not None:
            self._end.cancel()
            self._end = None
        if self._task is None:
            self._task = asyncio.create_task(self._listen())
        reader = Reader()
        self._catch_up(reader, place)
        # Before it is listened on, nothing that a reader does about what he missed would last.
        if self._listening and (reader.changed or reader.missed):
            reader.woken.set()
        self._readers.add(reader)
        return reader

    def _catch_up(self, reader: Reader, place: str | None) -> None:
        if place is None:
            reader.missed = "begin"
            return
        epoch, _, number = place.partition("-")
        seen = int(number) if number.isdecimal() else -1
        oldest = self._past[0][0] if self._past else self._number + 1
        if epoch != self._epoch or not oldest - 1 <= seen <= self._number:
            reader.missed = "too-long-away"
            return
        reader.changed = {call_id: None for at, call_id in self._past if at > seen}

    def leave(self, reader: Reader) -> None:
        """Read no more."""
        self._readers.discard(reader)
        if not self._readers and self._task is not None and self._end is None:
            loop = asyncio.get_running_loop()
            self._end = loop.call_later(LINGER_SECONDS, self.close)

    def news(self, reader: Reader) -> News:
        """Take what the reader has to be told, which is then his to tell."""
        news = News(tuple(reader.changed), reader.missed, f"{self._epoch}-{self._number}")
        reader.changed = {}
        reader.missed = None
        reader.woken.clear()
        return news

    def close(self) -> None:
        """Listen no more."""
        if self._end is not None:
            self._end.cancel()
        if self._task is not None:
            self._task.cancel()
        self._task = self._end = None
        self._begin_anew()

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except Exception:
                log.exception("listening failed")
                self._begin_anew()
                await asyncio.sleep(1)

    async def _hear(self) -> None:
        async with aclosing(listen(self._database_url, live.CHANNEL)) as heard:
            async for one in heard:
                match one:
                    case Told(_, payload):
                        self._tell(UUID(payload))
                    case Connected():
                        self._listening = True
                        self._all_missed("listening-anew")
                    case Lost():
                        self._begin_anew()

    def _tell(self, call_id: UUID) -> None:
        self._number += 1
        self._past.append((self._number, call_id))
        for reader in self._readers:
            reader.changed[call_id] = None
            reader.woken.set()

    def _all_missed(self, why: str) -> None:
        for reader in self._readers:
            reader.changed = {}
            reader.missed = reader.missed or why
            reader.woken.set()
