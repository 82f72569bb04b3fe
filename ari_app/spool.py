"""Ends of calls that the database could not take yet: on disk, fsynced, settled later, once.

`settle` may be repeated: the settlement of a call is written once, and a second try returns it.
"""

import asyncio
import json
import os
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from ari_app.cel import CelReader
from ari_app.deadline import within
from billing.calls import service as calls
from billing.calls.errors import CallUnknown
from billing.calls.followup import UNKNOWING, FollowUp
from billing.calls.recovery import ProvedTime
from billing.calls.values import MEDIA_LOST, EndReason, Interval, NoPayer, TimelineEntry
from billing.charging.values import Settlement
from billing.kit.clock import to_ms
from billing.kit.database import Sessions
from billing.kit.errors import PrimelineError
from billing.kit.limits import Limits
from billing.refunds import service as refunds
from billing.refunds.asked import Asked
from billing.refunds.values import RefundReason
from billing.shares.values import Split

DRAIN_EVERY_MS = 2_000
DRAIN_MS = 10_000
"""The longest that one settlement may take here; a database that hangs is tried again."""

LONGEST_PAUSE_MS = 600_000
"""An end that can't be settled for a reason that stays is tried again after twice as long as
before, up to this."""

PASSING = (SQLAlchemyTimeout, OperationalError, InterfaceError, TimeoutError, OSError)
"""The database is away or too slow: an end is settled as soon as it is back."""

RECORD_WAIT = timedelta(seconds=5)
"""Asterisk writes the end of a talk within milliseconds. If it is missing for so long, Asterisk
died, and the last sign of life counts."""

OURSELVES = "call-application"
SILENCE_NOTE = "Nothing was heard of a phone any more as this was charged."

log = structlog.get_logger(__name__)


class RecordIncomplete(Exception):
    """Asterisk's record does not hold the end of the talk (yet)."""


@dataclass(frozen=True, slots=True)
class SpooledEnd:
    """All that settles a call.

    `by_cel`: events may have been missed, so the paid intervals are read from Asterisk's record.
    `meter`: at premium rate, from the caller's answer to his release. `silent_seconds` of what was
    paid in mid-call go back.
    """

    call_id: UUID
    reason: EndReason
    intervals: tuple[Interval, ...]
    no_payer: NoPayer | None
    at: datetime
    timeline: tuple[TimelineEntry, ...]
    by_cel: bool = False
    meter: Interval | None = None
    silent_seconds: int = 0


class Spool:
    """A folder with one file a call."""

    def __init__(
        self,
        directory: Path,
        sessions: Sessions,
        cel: CelReader,
        follow_up: FollowUp = UNKNOWING,
        limits: Limits | None = None,
    ) -> None:
        self._directory = directory
        self._sessions = sessions
        self._cel = cel
        self._follow_up = follow_up
        self._media_seconds = (limits or Limits()).media_seconds
        # By call: how often in a row it failed for a reason that stays, and when it is due again.
        self._failed: dict[str, tuple[int, float]] = {}

    async def settle(self, end: SpooledEnd, *, patient: bool = True) -> Settlement | None:
        """Settle, at once or not at all; None if the call was never written.

        Raises:
            RecordIncomplete: `patient`, and Asterisk's record may still get what is missing.

        """
        if end.by_cel:
            await self._cel.catch_up()
        async with self._sessions.begin() as session:
            if end.by_cel:
                proved = await calls.proved_time(
                    session, end.call_id, media_seconds=self._media_seconds
                )
                if patient and not proved.complete:
                    raise RecordIncomplete
                end = self._as_proved(end, proved)
            try:
                settlement = await calls.settle(
                    session,
                    end.call_id,
                    intervals=end.intervals,
                    reason=end.reason,
                    no_payer=end.no_payer,
                    at=end.at,
                    timeline=end.timeline,
                    meter=None if end.by_cel else end.meter,
                    follow_up=self._follow_up,
                )
            except CallUnknown:
                # The database was away when the call came in, so nothing was held for it.
                return None
            if end.silent_seconds and not end.by_cel:
                return await self._give_back(session, end, settlement)
            return settlement

    def _as_proved(self, end: SpooledEnd, proved: ProvedTime) -> SpooledEnd:
        """Take what the record proves, and its reason where a leg was hung up for its silence."""
        if end.no_payer in {NoPayer.CALLER_SILENT, NoPayer.EXPERT_SILENT}:
            # The record counts no packets.
            end = replace(end, no_payer=None)
        if not proved.media_lost:
            return replace(end, intervals=proved.intervals)
        detail = {"silent_seconds": self._media_seconds}
        noted = TimelineEntry(to_ms(end.at), MEDIA_LOST, detail)
        return replace(
            end,
            intervals=proved.intervals,
            reason=EndReason.MEDIA_LOST,
            timeline=(*end.timeline, noted),
        )

    async def _give_back(
        self, session: AsyncSession, end: SpooledEnd, settled: Settlement
    ) -> Settlement:
        """Refund silence that was paid in mid-call, once; gives what the call cost after that."""
        if settled.split is None:
            return settled
        try:
            async with session.begin_nested():
                made = await refunds.refund(
                    session,
                    end.call_id,
                    Asked(seconds=end.silent_seconds),
                    reason=RefundReason.WRONG_CHARGE,
                    note=SILENCE_NOTE,
                    by=OURSELVES,
                    idempotency_key=str(end.call_id),
                    keys_of="silence",
                    at=end.at,
                )
        except PrimelineError as error:
            # The seconds may be worth nothing, as in a service at one price.
            log.info("silence not given back", call_id=str(end.call_id), code=error.code)
            return settled
        split, parts = settled.split, made.refund.parts
        return replace(
            settled,
            split=Split(
                charge=split.charge - parts.charge,
                tax=split.tax - parts.tax,
                expert=split.expert - parts.expert,
                platform=split.platform - parts.platform,
            ),
            wallet_available=made.available,
        )

    def waiting(self) -> frozenset[str]:
        """The ids of the calls whose ends are here."""
        return frozenset(path.stem for path in self._directory.glob("*.json"))

    def write(self, end: SpooledEnd) -> None:
        """Put the end on disk so that it survives a crash right after."""
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._path(end.call_id)
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

    def _path(self, call_id: UUID) -> Path:
        return self._directory / f"{call_id}.json"

    async def drain(self) -> int:
        """Settle what is on disk and due; how many were.

        One that can't be settled keeps no other back, and is tried again ever later.
        """
        settled = 0
        for path in sorted(self._directory.glob("*.json")):
            if time.monotonic() < self._failed.get(path.stem, (0, 0))[1]:
                continue
            try:
                end = _read(path)
            except FileNotFoundError:
                # Another process, which takes our calls over, has settled it.
                continue
            except (ValueError, KeyError, TypeError):
                log.exception("unreadable spooled end put aside", call_id=path.stem)
                path.rename(path.with_suffix(".unreadable"))
                continue
            if await self._drain_one(path, end):
                settled += 1
        return settled

    async def _drain_one(self, path: Path, end: SpooledEnd) -> bool:
        patient = datetime.now(UTC) - end.at < RECORD_WAIT
        try:
            await within(DRAIN_MS, self.settle(end, patient=patient))
        except (RecordIncomplete, *PASSING) as error:
            log.warning("not settled yet", call_id=path.stem, error=type(error).__name__)
            return False
        except Exception:
            pause_ms = self._pause(path.stem)
            log.exception("can't be settled", call_id=path.stem, again_in_ms=pause_ms)
            return False
        await asyncio.to_thread(path.unlink, missing_ok=True)
        self._failed.pop(path.stem, None)
        log.info("spooled end settled", call_id=path.stem)
        return True

    def _pause(self, call_id: str) -> int:
        """Leave an end alone for a while; gives for how long, in milliseconds."""
        times, _ = self._failed.get(call_id, (0, 0))
        pause_ms: int = min(DRAIN_EVERY_MS * 2**times, LONGEST_PAUSE_MS)
        self._failed[call_id] = (times + 1, time.monotonic() + pause_ms / 1000)
        return pause_ms

    async def drain_for_ever(self) -> None:
        """Try every few seconds; a database that is away is tried again."""
        while True:
            try:
                await self.drain()
            except OSError:
                log.exception("spool not read")
            await asyncio.sleep(DRAIN_EVERY_MS / 1000)


def _read(path: Path) -> SpooledEnd:
    raw = json.loads(path.read_text())
    # A file of the version before knows no meter.
    meter = raw.get("meter")
    return SpooledEnd(
        call_id=UUID(raw["call_id"]),
        reason=EndReason(raw["reason"]),
        intervals=tuple(Interval(i["start_ms"], i["end_ms"]) for i in raw["intervals"]),
        no_payer=NoPayer(raw["no_payer"]) if raw["no_payer"] else None,
        at=datetime.fromisoformat(raw["at"]),
        timeline=tuple(TimelineEntry(**entry) for entry in raw["timeline"]),
        by_cel=raw["by_cel"],
        meter=Interval(meter["start_ms"], meter["end_ms"]) if meter else None,
        silent_seconds=raw.get("silent_seconds", 0),
    )
