"""One Asterisk serves one installation: a claim, kept in Asterisk itself.

Two databases can't see each other, but both would speak to the same Asterisk. So that is where the
claim stands: as a global variable with the installation's name and the time of its last renewal.
It ends with Asterisk, and runs out when nobody renews it.
"""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from ari_app.ari.client import AriClient, AriError
from billing.kit import installation
from billing.kit.clock import now, to_ms
from billing.kit.database import Sessions
from billing.kit.errors import PrimelineError

VARIABLE: Final = "PRIMELINE_INSTALLATION"
RENEW_MS: Final = 5_000
VALID_MS: Final = 30_000
TRY_AGAIN_SECONDS: Final = 0.2

log = structlog.get_logger(__name__)


class AsteriskTaken(PrimelineError):
    """Another installation serves this Asterisk."""

    code = "asterisk-taken"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"Another installation served this Asterisk {seconds} s ago. If this one is a restored"
            f" copy, stop the original first; a dead one's claim ends after {VALID_MS // 1000} s."
        )


def held_by_another(value: str, name: str, at: datetime) -> int | None:
    """Give for how many seconds another installation's claim has stood; None: it is free or ours.

    A claim is `<name>|<milliseconds since the epoch>`; anything else is no claim.
    """
    other, bar, written = value.rpartition("|")
    if not bar or other == name or not (written.isascii() and written.isdecimal()):
        return None
    age_ms = to_ms(at) - int(written)
    # A claim from the future is one by a clock that was set back since: it counts as new.
    return None if age_ms >= VALID_MS else max(age_ms, 0) // 1_000


async def name_of(sessions: Sessions, kept: Path) -> str:
    """Give our installation's name, from the file `kept` while the database is away.

    With neither it waits: nothing can be adopted, and no call taken, without a database.
    """
    while True:
        try:
            async with sessions() as s:
                found = await installation.name(s)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            if known := _read(kept):
                return known
            log.warning("installation unknown", error=type(error).__name__)
            await asyncio.sleep(1)
        else:
            _write(kept, found)
            return found


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _write(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text)
    part.rename(path)


class Claim:
    """Our claim on one Asterisk."""

    def __init__(self, ari: AriClient, name: str) -> None:
        self._ari = ari
        self._name = name

    async def take(self) -> None:
        """Wait for Asterisk and claim it, before anything else is asked of it.

        Raises AsteriskTaken.
        """
        while True:
            try:
                await self.renew()
            except AriError:
                await asyncio.sleep(TRY_AGAIN_SECONDS)
            else:
                return

    async def keep(self) -> None:
        """Renew it for ever; raises AsteriskTaken."""
        while True:
            await asyncio.sleep(RENEW_MS / 1000)
            try:
                await self.renew()
            except AriError as error:
                log.warning("claim on asterisk not renewed", error=type(error).__name__)

    async def renew(self) -> None:
        """Claim it, or go on claiming it; raises AsteriskTaken or AriError."""
        at = now()
        found = await self._ari.global_variable(VARIABLE)
        seconds = held_by_another(found, self._name, at)
        if seconds is not None:
            raise AsteriskTaken(seconds)
        await self._ari.set_global_variable(VARIABLE, f"{self._name}|{to_ms(at)}")
