"""An alarm while ends of calls wait on disk for longer than a database is ever away."""

import asyncio
import time
from pathlib import Path
from typing import Final

import structlog

from billing.kit.clock import now
from billing.kit.database import Sessions
from billing.monitoring.alarms import clear_alarm, raise_alarm
from billing.monitoring.values import AlarmKind

LOOK_EVERY_SECONDS: Final = 60

log = structlog.get_logger(__name__)


def lasting(directory: Path, at: float, minutes: int) -> list[str]:
    """Name the calls whose ends wait for over `minutes` at `at` (seconds since the epoch), sorted.

    One that could not be read, and was put aside, is among them at once.
    """
    found = set()
    for path in directory.glob("*.*"):
        try:
            waited = at - path.stat().st_mtime
        except FileNotFoundError:
            continue  # settled just now
        if path.suffix == ".unreadable" or (path.suffix == ".json" and waited > 60 * minutes):
            found.add(path.stem)
    return sorted(found)


async def tell(sessions: Sessions, asterisk_id: str, waiting: list[str], minutes: int) -> None:
    """Raise the alarm for the calls in `waiting`, or clear it where there are none."""
    async with sessions.begin() as s:
        if not waiting:
            await clear_alarm(s, AlarmKind.ENDS_UNSETTLED, asterisk_id, at=now())
            return
        detail = (
            f"Ended but not settled for {minutes} minute{'' if minutes == 1 else 's'}"
            f" or not to be read: {len(waiting)} in all, the first is call {waiting[0]};"
            " the log says why."
        )
        await raise_alarm(s, AlarmKind.ENDS_UNSETTLED, asterisk_id, detail, at=now())


async def watch(directory: Path, sessions: Sessions, asterisk_id: str, minutes: int) -> None:
    """Look every minute, for ever; without a database there is the log alone."""
    while True:
        waiting = await asyncio.to_thread(lasting, directory, time.time(), minutes)
        if waiting:
            log.error("ends not settled", calls=len(waiting), first=waiting[0])
        try:
            await tell(sessions, asterisk_id, waiting, minutes)
        except Exception as error:  # noqa: BLE001  (the next look tries again)
            log.warning("alarm of ends not written", error=type(error).__name__)
        await asyncio.sleep(LOOK_EVERY_SECONDS)
