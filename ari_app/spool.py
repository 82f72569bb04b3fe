"""Ends of calls that the database could not take yet: on disk, fsynced, settled later, once.

`settle` may be repeated: the settlement of a call is written once, and a second try returns it.
"""

import asyncio
import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import structlog

from billing.calls import service as calls
from billing.calls.errors import CallUnknown
from billing.calls.values import EndReason, Interval, NoPayer, TimelineEntry
from billing.charging.values import Settlement
from billing.kit.database import Sessions

DRAIN_EVERY_MS = 5_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SpooledEnd:
    """All that settles a call.

    `by_cel`: the paid intervals are to be read from Asterisk's record; one that has no end there
    (Asterisk died) ends at `proved_until_ms`, the last moment the talk was seen.
    """

    call_id: UUID
    reason: EndReason
    intervals: tuple[Interval, ...]
    no_payer: NoPayer | None
    at: datetime
    timeline: tuple[TimelineEntry, ...]
    by_cel: bool = False
    proved_until_ms: int | None = None


class Spool:
    """A folder with one file a call."""

    def __init__(self, directory: Path, sessions: Sessions) -> None:
        self._directory = directory
        self._sessions = sessions

    async def settle(self, end: SpooledEnd) -> Settlement | None:
        """Settle in one transaction; None if the call was never written."""
        async with self._sessions.begin() as session:
            intervals = end.intervals
            if end.by_cel:
                recorded = await calls.cel_intervals(session, end.call_id)
                intervals = tuple(_closed(i, end.proved_until_ms) for i in recorded)
            try:
                return await calls.settle(
                    session,
                    end.call_id,
                    intervals=intervals,
                    reason=end.reason,
                    no_payer=end.no_payer,
                    at=end.at,
                    timeline=end.timeline,
                )
            except CallUnknown:
                # The database was away when the call came in, so nothing was held for it.
                return None

    def write(self, end: SpooledEnd) -> None:
        """Put the end on disk so that it survives a crash right after."""
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / f"{end.call_id}.json"
        temporary = path.with_suffix(".tmp")
        with temporary.open("w") as file:
            json.dump(asdict(end), file, default=str)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        folder = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    async def drain(self) -> int:
        """Settle what is on disk; how many were."""
        settled = 0
        for path in sorted(self._directory.glob("*.json")):
            await self.settle(_read(path))
            path.unlink()
            settled += 1
            log.info("spooled end settled", call_id=path.stem)
        return settled

    async def drain_for_ever(self) -> None:
        """Try every few seconds; a database that is away is tried again."""
        while True:
            try:
                await self.drain()
            except Exception as error:  # noqa: BLE001  (whatever it was, the file is still there)
                log.warning("spool not drained", error=type(error).__name__)
            await asyncio.sleep(DRAIN_EVERY_MS / 1000)


def _closed(interval: Interval, proved_until_ms: int | None) -> Interval:
    if interval.end_ms is not None:
        return interval
    return Interval(interval.start_ms, max(interval.start_ms, proved_until_ms or 0))


def _read(path: Path) -> SpooledEnd:
    raw = json.loads(path.read_text())
    return SpooledEnd(
        call_id=UUID(raw["call_id"]),
        reason=EndReason(raw["reason"]),
        intervals=tuple(Interval(i["start_ms"], i["end_ms"]) for i in raw["intervals"]),
        no_payer=NoPayer(raw["no_payer"]) if raw["no_payer"] else None,
        at=datetime.fromisoformat(raw["at"]),
        timeline=tuple(TimelineEntry(**entry) for entry in raw["timeline"]),
        by_cel=raw["by_cel"],
        proved_until_ms=raw["proved_until_ms"],
    )
