"""Watching one Asterisk: connected, alive, and what it says of trunks, phones and strangers."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from ari_app.ari.client import AriClient, AriError
from ari_app.monitor.board import Board
from ari_app.monitor.connection import Connection, LoginRefused, NotAsterisk
from ari_app.monitor.lines import KnownLines, known_lines
from ari_app.monitor.messages import (
    Booted,
    ContactChanged,
    Refused,
    RegistrationChanged,
    ShuttingDown,
    parse,
)
from billing.kit.clock import now
from billing.kit.database import Sessions
from billing.monitoring import states
from billing.monitoring.values import (
    AlarmKind,
    AsteriskCondition,
    EndpointCondition,
    EndpointKind,
)

WRITE_EVERY_SECONDS: Final = 1
SAME_START: Final = timedelta(seconds=5)
"""Asterisk tells its age in whole seconds."""

FRESH: Final = timedelta(seconds=10)
"""An Asterisk this young has not asked its trunks yet; what it finds out comes as an event."""

RESTART_SHOWN: Final = timedelta(minutes=10)
_NOT_UP: Final = (
    AlarmKind.ASTERISK_GONE,
    AlarmKind.ASTERISK_SILENT,
    AlarmKind.AMI_LOGIN_FAILED,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often Asterisk is asked, and how long it may take; all in milliseconds.

    A frozen Asterisk is noticed within `ping_every_ms` + `deadline_ms`.
    """

    ping_every_ms: int = 10_000
    deadline_ms: int = 5_000
    look_every_ms: int = 60_000
    first_delay_ms: int = 200
    longest_delay_ms: int = 10_000


@dataclass(frozen=True, slots=True)
class Door:
    """Where the manager interface is, and who we are there."""

    host: str
    port: int
    user: str
    secret: str


class Watch:
    """The state of one Asterisk, followed for ever by `run`."""

    def __init__(
        self, asterisk_id: str, door: Door, ari: AriClient, sessions: Sessions, pace: Pace
    ) -> None:
        self._asterisk_id = asterisk_id
        self._door = door
        self._ari = ari
        self._sessions = sessions
        self._pace = pace
        self._board = Board(asterisk_id)
        self._condition: AsteriskCondition | None = None
        self._started_at: datetime | None = None
        self._restart_seen: datetime | None = None
        self._lines = KnownLines()
        self._contacts: dict[str, dict[str, EndpointCondition]] = {}
        self._told: dict[tuple[EndpointKind, str], EndpointCondition] = {}

    async def run(self) -> None:
        """Watch, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write_for_ever())
            group.create_task(self._connect_for_ever())

    async def _write_for_ever(self) -> None:
        while True:
            try:
                await self._board.write(self._sessions)
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("nothing written", error=type(error).__name__)
            await asyncio.sleep(WRITE_EVERY_SECONDS)

    async def _connect_for_ever(self) -> None:
        delay_ms = self._pace.first_delay_ms
        while True:
            connection = Connection(self._on_event)
            try:
                await self._open(connection)
                delay_ms = self._pace.first_delay_ms
                await self._attend(connection)
            except LoginRefused:
                self._not_up(AlarmKind.AMI_LOGIN_FAILED, "does not take our name and password")
            except TimeoutError:
                self._not_up(AlarmKind.ASTERISK_SILENT, "does not answer in time")
            except (OSError, NotAsterisk):
                self._not_up(AlarmKind.ASTERISK_GONE, "is not there")
            finally:
                connection.close()
            # Many monitors of one host must not come back in step.
            await asyncio.sleep(delay_ms * random.uniform(0.5, 1) / 1000)  # noqa: S311
            delay_ms = min(delay_ms * 2, self._pace.longest_delay_ms)

    async def _open(self, connection: Connection) -> None:
        door = self._door
        async with asyncio.timeout(self._pace.deadline_ms / 1000):
            await connection.open(door.host, door.port, door.user, door.secret)
            # Being let in isn't enough: one that is silent afterwards must not clear its alarm.
            await connection.ping()
        log.info("watching asterisk")
        at = now()
        for kind in _NOT_UP:
            self._board.clear_alarm(kind, self._asterisk_id, at)
        self._condition = AsteriskCondition.UP
        self._board.asterisk(AsteriskCondition.UP, at)

    async def _attend(self, connection: Connection) -> None:
        """Ping, and look at everything now and then; ends by an exception alone."""
        loop = asyncio.get_running_loop()
        look_at = loop.time()
        while True:
            if loop.time() >= look_at:
                await self._look()
                again = FRESH / timedelta(seconds=1) if self._fresh(now()) else None
                look_at = loop.time() + (again or self._pace.look_every_ms / 1000)
            await asyncio.wait({connection.lost}, timeout=self._pace.ping_every_ms / 1000)
            async with asyncio.timeout(self._pace.deadline_ms / 1000):
                await connection.ping()
            at = now()
            self._board.asterisk(AsteriskCondition.UP, at)
            self._board.calm(at)
            if self._restart_seen is not None and at - self._restart_seen > RESTART_SHOWN:
                self._restart_seen = None
                self._board.clear_alarm(AlarmKind.ASTERISK_RESTARTED, self._asterisk_id, at)

    def _not_up(self, kind: AlarmKind, what: str) -> None:
        at = now()
        condition = {
            AlarmKind.ASTERISK_GONE: AsteriskCondition.GONE,
            AlarmKind.ASTERISK_SILENT: AsteriskCondition.SILENT,
            AlarmKind.AMI_LOGIN_FAILED: AsteriskCondition.UP,
        }[kind]
        log.warning("asterisk not watched", why=what)
        detail = f"Asterisk {self._asterisk_id} {what} (AMI, {self._door.host}:{self._door.port})."
        self._board.asterisk(condition, at)
        self._board.raise_alarm(kind, self._asterisk_id, detail, at)
        for other in _NOT_UP:
            if other is not kind:
                self._board.clear_alarm(other, self._asterisk_id, at)
        if self._condition is not condition:
            self._contacts.clear()
            self._told.clear()
        self._condition = condition

    async def _look(self) -> None:
        """Read the names of trunks and phones, and ask ARI how they are: events tell the rest."""
        with suppress(SQLAlchemyError, OSError, TimeoutError):
            async with self._sessions() as s:
                self._lines = await known_lines(s)
                if self._started_at is None:
                    for one in await states.list_asterisks(s):
                        if one.asterisk_id == self._asterisk_id:
                            self._started_at = one.started_at
        try:
            online = await self._ari.online_endpoints()
        except AriError as error:
            log.warning("endpoints not listed", error=type(error).__name__)
            return
        at = now()
        fresh = self._fresh(at)
        for name in self._lines.phones & online.keys():
            condition = EndpointCondition.REACHABLE
            if not online[name]:
                # What was heard of a contact is newer than what ARI answered.
                condition = self._told.get(
                    (EndpointKind.PHONE, name), EndpointCondition.UNREGISTERED
                )
            self._tell(EndpointKind.PHONE, name, condition, at)
        for name in self._lines.trunks & online.keys():
            condition = (
                EndpointCondition.REACHABLE if online[name] else EndpointCondition.UNREACHABLE
            )
            if online[name] or not fresh:
                self._tell(EndpointKind.TRUNK, name, condition, at)
        self._board.known(self._lines.states, at)

    def _fresh(self, at: datetime) -> bool:
        return self._started_at is not None and at - self._started_at < FRESH

    def _on_event(self, message: Mapping[str, object]) -> None:
        at = now()
        match parse(message):
            case Refused() as refused:
                self._board.refused(refused, at)
            case Booted(uptime_seconds):
                self._booted(at - timedelta(seconds=uptime_seconds), at)
            case ShuttingDown():
                log.warning("asterisk shuts down")
            case ContactChanged() as contact:
                self._contact(contact, at)
            case RegistrationChanged(client_uri, condition):
                name = self._lines.registrations.get(client_uri)
                if name is not None:
                    self._tell(EndpointKind.REGISTRATION, name, condition, at)
            case None:
                pass

    def _booted(self, started_at: datetime, at: datetime) -> None:
        before, self._started_at = self._started_at, started_at
        self._board.asterisk(AsteriskCondition.UP, at, started_at)
        if before is not None and abs(started_at - before) > SAME_START:
            self._restart_seen = at
            detail = f"Asterisk {self._asterisk_id} was started anew; calls of before are lost."
            self._board.raise_alarm(AlarmKind.ASTERISK_RESTARTED, self._asterisk_id, detail, at)

    def _contact(self, contact: ContactChanged, at: datetime) -> None:
        name = contact.endpoint
        mine = self._contacts.setdefault(name, {})
        if contact.condition is None:
            mine.pop(contact.uri, None)
        elif contact.condition is EndpointCondition.REGISTERED and contact.uri in mine:
            return
        else:
            mine[contact.uri] = contact.condition
        kind = EndpointKind.TRUNK if name in self._lines.trunks else EndpointKind.PHONE
        best = (
            EndpointCondition.REACHABLE,
            EndpointCondition.REGISTERED,
            EndpointCondition.UNREACHABLE,
        )
        condition = next(
            (one for one in best if one in mine.values()), EndpointCondition.UNREGISTERED
        )
        if not mine:
            del self._contacts[name]
        self._tell(kind, name, condition, at)

    def _tell(
        self, kind: EndpointKind, name: str, condition: EndpointCondition, at: datetime
    ) -> None:
        if self._told.get((kind, name)) is not condition:
            self._told[kind, name] = condition
            self._board.endpoint(kind, name, condition, at)
