"""Keeps the database's trunks, and Asterisk, at what the operator's file and the phones say."""

import getpass
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.models import Trunk
from billing.catalogue.service import keep_trunks, set_trunk
from billing.endpoints.service import list_phones
from billing.kit import audit
from billing.kit.clock import now
from billing.kit.database import Sessions
from billing.kit.errors import PrimelineError
from primeline.asterisk_conf import Lines
from primeline.asterisk_endpoints import endpoint_sections
from primeline.lines import (
    LINES_FILE,
    OwnLines,
    OwnTrunk,
    Passwords,
    all_lines,
    changes,
    read_own_lines,
)

UseLines = Callable[[Lines], Awaitable[bool]]
"""Makes Asterisk use other trunks and phones; gives whether they differ."""


class Follower:
    """Follows `lines.toml` and the phones of the database; `say` tells the operator."""

    def __init__(self, directory: Path, sessions: Sessions, say: Callable[[str], None]) -> None:
        self._directory = directory
        self._sessions = sessions
        self._say = say
        self._own = OwnLines()
        self._lines = Lines()
        self._told: tuple[str, str] | None = None

    async def first(self) -> Lines:
        """Give the lines to start with. Raises LinesInvalid or UnsafeSetting."""
        self._own = read_own_lines(self._directory, Passwords(self._directory))
        self._lines = await self._all()
        return self._lines

    async def follow(self, use: UseLines) -> None:
        """Look once for changes and make them count; a mistake is told once for each text."""
        try:
            mistake = None
            own = self._own
            try:
                self._own = read_own_lines(self._directory, Passwords(self._directory))
            except PrimelineError as error:
                mistake = error
            try:
                lines = await self._all()
            except PrimelineError as error:
                self._own, mistake = own, error
                lines = await self._all()
            self._tell(mistake)
            if await use(lines):
                if changed := changes(self._lines, lines):
                    self._say(f"Trunks and phones: {changed}.")
                self._lines = lines
        except PrimelineError as error:
            self._tell(error)
        except (SQLAlchemyError, OSError, subprocess.SubprocessError):
            return  # the database or Asterisk is away; the watcher deals with it

    async def _all(self) -> Lines:
        """Write the trunks into the database and give all lines; nothing is changed on an error."""
        passwords = Passwords(self._directory)
        async with self._sessions.begin() as s:
            lines = all_lines(self._own, passwords, await list_phones(s))
            endpoint_sections(lines)
            rows = await s.execute(select(Trunk.name, Trunk.trusted, Trunk.region))
            before = {name: (trusted, region) for name, trusted, region in rows}
            for one in self._own.trunks:
                name, values = one.trunk.name, (one.trunk.trusted, one.region)
                if before.pop(name, None) != values:
                    await set_trunk(s, name=name, trusted=one.trunk.trusted, region=one.region)
                    await _note(s, "set", name, one)
            if before:
                await keep_trunks(s, [one.trunk.name for one in self._own.trunks])
                for name in before:
                    await _note(s, "removed", name)
        return lines

    def _tell(self, error: PrimelineError | None) -> None:
        if error is None:
            self._told = None
            return
        path = self._directory / LINES_FILE
        told = (path.read_text() if path.exists() else "", error.sentence)
        if told != self._told:
            self._say(f"Trunks and phones stay as they were: {error.sentence}")
        self._told = told


async def _note(s: AsyncSession, action: str, name: str, own: OwnTrunk | None = None) -> None:
    await audit.record(
        s,
        actor=getpass.getuser(),
        action=action,
        subject="trunk",
        subject_id=name,
        detail={"trusted": own.trunk.trusted, "region": own.region} if own else {},
        at=now(),
    )
