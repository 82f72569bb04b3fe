"""The sweeper: settles calls that nobody carries any more, but only those proven over.

It is the last resort. The application that carries calls settles its own each minute, by the same
record; this works also where that application doesn't come back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.cel import cel_end, cel_intervals
from billing.calls.models import CallRow, TalkStretch
from billing.calls.recovery import MEDIA_SECONDS, stretches_of, without_silence
from billing.calls.settling import settle
from billing.calls.values import EndReason, Interval, NoPayer, TimelineEntry
from billing.kit.clock import to_ms

SILENT: Final = timedelta(minutes=5)
"""Without a heartbeat for so long, a call is looked at; a talk has one every few seconds."""

OVERDUE: Final = timedelta(minutes=20)
"""No call goes on for so long without a talk."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What became of a call without a heartbeat. `alarm`: unknown, so left as it is."""

    call_id: UUID
    settled: bool
    alarm: bool
    sentence: str


async def silent(s: AsyncSession, at: datetime) -> list[UUID]:
    """List the open calls without a sign of life for some minutes, oldest first."""
    rows = await s.scalars(
        select(CallRow.id)
        .where(CallRow.ended_at.is_(None), CallRow.last_seen_at < at - SILENT)
        .order_by(CallRow.received_at, CallRow.id)
    )
    return list(rows)


async def sweep(
    s: AsyncSession, call_id: UUID, at: datetime, *, media_seconds: int = MEDIA_SECONDS
) -> Swept:
    """Settle one silent call if Asterisk's record proves it over; else leave it and say so.

    Paid time is what the record says, or up to the last heartbeat where the record lacks it; the
    silence for which Asterisk hung a leg up is taken off, as it is by who carries calls.
    Without paid time all holds are voided. A call not proven over keeps its holds: money of a
    talk is never freed by the clock.
    """
    call = (await s.scalars(select(CallRow).where(CallRow.id == call_id))).one()
    ended_ms = await cel_end(s, call_id)
    if ended_ms is None:
        overdue = call.talk_bridge is not None or call.last_seen_at < at - OVERDUE
        sentence = f"Call {call_id} has no heartbeat, and Asterisk's record has no end of it."
        return Swept(call_id, settled=False, alarm=overdue, sentence=sentence)
    recorded = _closed(await cel_intervals(s, call_id), ended_ms)
    written = _by_heartbeat(await stretches_of(s, call_id), min(to_ms(call.last_seen_at), ended_ms))
    # A stretch that the record does not know begins later than all that it knows.
    intervals = (*recorded, *written[len(recorded) :])
    paid, media_lost = await without_silence(s, call_id, intervals, media_seconds=media_seconds)
    settlement = await settle(
        s,
        call_id,
        intervals=paid,
        reason=EndReason.MEDIA_LOST if media_lost else EndReason.SERVICE_DOWN,
        no_payer=None if call.account_id else NoPayer.CALLER_UNKNOWN,
        at=at,
        timeline=[TimelineEntry(to_ms(at), "swept", {"ended_ms": ended_ms})],
    )
    sentence = f"Call {call_id} was settled late, for {settlement.billed_seconds} s."
    return Swept(call_id, settled=True, alarm=False, sentence=sentence)


def _closed(intervals: Sequence[Interval], ended_ms: int) -> list[Interval]:
    return [
        Interval(interval.start_ms, ended_ms if interval.end_ms is None else interval.end_ms)
        for interval in intervals
    ]


def _by_heartbeat(stretches: Sequence[TalkStretch], last_ms: int) -> list[Interval]:
    """Give paid time as we wrote it, with an end no later than the last sign of life."""
    return [
        Interval(stretch.start_ms, max(stretch.start_ms, stretch.end_ms or last_ms))
        for stretch in stretches
        if stretch.paid and stretch.start_ms is not None
    ]
