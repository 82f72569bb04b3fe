"""Asterisk's own record (channel event logging): imported once, read as intervals and ends."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.models import CallRow, CelOffset, CelRecord, CelTrim, DialAttempt
from billing.calls.values import CelRow, Interval
from billing.kit.rows import RowsInsert, table_of

MICROSECONDS_PER_MS = 1_000
ROWS_PER_STATEMENT = 1_000
MARGIN_US = 300_000_000
"""A leg may be older than our row of its call by as much as a database was slow."""

_STARTED, _ANSWERED, _ENDED = "CHAN_START", "ANSWER", "CHAN_END"
_HUNG_UP = "HANGUP"
NO_SOUND = 44
"""The cause of hanging up a leg that sent no sound for long (Q.850: channel unavailable)."""
_ENTERED, _LEFT = "BRIDGE_ENTER", "BRIDGE_EXIT"
COMPARED = (_STARTED, _ANSWERED, _ENDED, _ENTERED, _LEFT)
"""The events that say who was in which bridge from when to when."""


class Line(Protocol):
    """A line of the record, as a row of the table or part of one."""

    @property
    def event(self) -> str:
        """Asterisk's word for what happened."""

    @property
    def at_us(self) -> int:
        """Microseconds since the epoch."""

    @property
    def channel_id(self) -> str:
        """The leg."""

    @property
    def bridge_id(self) -> str | None:
        """The bridge entered or left."""


_OFFSET = select(CelOffset.offset_bytes).where(CelOffset.file_key == bindparam("file"))
_OFFSETS = table_of(CelOffset)
_NEW_OFFSET = insert(_OFFSETS).values(file_key=bindparam("file"), offset_bytes=bindparam("bytes"))
_KEEP_OFFSET = _NEW_OFFSET.on_conflict_do_update(
    index_elements=[_OFFSETS.c.file_key],
    set_={"offset_bytes": _NEW_OFFSET.excluded.offset_bytes},
)
_KEPT_FROM = select(CelTrim.kept_from_us)
_RECORDS = RowsInsert(CelRecord, "event", "at_us", "channel_id", "linked_id", "bridge_id", "extra")
_NEW_RECORDS = _RECORDS.statement.on_conflict_do_nothing().returning(table_of(CelRecord).c.id)


async def import_cel(s: AsyncSession, rows: Sequence[CelRow]) -> int:
    """Add the lines that aren't there yet and say how many those were.

    Lines older than what is kept are left: a file that is read again brings nothing back.
    """
    kept_us = oldest_us(await kept_from_us(s))
    rows = [row for row in rows if row.at_us >= kept_us]
    added = 0
    for first in range(0, len(rows), ROWS_PER_STATEMENT):
        values = [
            {
                "event": row.event,
                "at_us": row.at_us,
                "channel_id": row.channel_id,
                "linked_id": row.linked_id,
                "bridge_id": row.extra.get("bridge_id"),
                "extra": row.extra,
            }
            for row in rows[first : first + ROWS_PER_STATEMENT]
        ]
        result = await s.execute(_NEW_RECORDS, _RECORDS.given(values))
        added += len(result.all())
    return added


async def kept_from_us(s: AsyncSession) -> int:
    """Give since when the record is kept (microseconds); 0 before anything was deleted."""
    return await s.scalar(_KEPT_FROM) or 0


def oldest_us(kept_us: int) -> int:
    """Give the time of the oldest line that may stay: legs are older than our rows of calls."""
    return kept_us - MARGIN_US


async def cel_media_lost(s: AsyncSession, channels: Sequence[str]) -> dict[str, int]:
    """Give when channels were hung up for sending no sound (ms); all others are left out."""
    rows = await s.execute(
        select(CelRecord.channel_id, func.min(CelRecord.at_us))
        .where(
            CelRecord.channel_id == func.any(list(channels)),
            CelRecord.event == _HUNG_UP,
            CelRecord.extra["hangupcause"].as_integer() == NO_SOUND,
        )
        .group_by(CelRecord.channel_id)
    )
    return {channel: at_us // MICROSECONDS_PER_MS for channel, at_us in rows}


async def cel_offset(s: AsyncSession, file_key: str) -> int:
    """Give how many bytes of a file were read; 0 for a new one."""
    offset: int | None = await s.scalar(_OFFSET, {"file": file_key})
    return offset or 0


async def save_cel_offset(s: AsyncSession, file_key: str, offset_bytes: int) -> None:
    """Keep how far a file was read, in the transaction that imported its lines."""
    await s.execute(_KEEP_OFFSET, {"file": file_key, "bytes": offset_bytes})


async def cel_intervals(s: AsyncSession, call_id: UUID) -> tuple[Interval, ...]:
    """Give the paid time by Asterisk's record: both legs in one of the call's paid bridges.

    A leg whose channel ended without a line for leaving has left then; `end_ms` None means that
    the record knows no end. Microseconds are cut to ms, as in Asterisk's other timestamps.
    """
    bridges = _paid_bridges(call_id)
    rows = (
        await s.scalars(
            select(CelRecord)
            .where(
                CelRecord.channel_id.in_(await channels_of(s, call_id)),
                CelRecord.bridge_id.startswith(bridges, autoescape=True),
                CelRecord.event.in_([_ENTERED, _LEFT]),
            )
            .order_by(CelRecord.at_us, CelRecord.id)
        )
    ).all()
    return overlap(rows, await _channel_ends(s, {row.channel_id for row in rows}))


def _paid_bridges(call_id: UUID) -> str:
    return f"{call_id}-paid-"


def paid_of(call_id: UUID, lines: Sequence[Line]) -> tuple[Interval, ...]:
    """Give what `cel_intervals` gives, from all lines of the call's channels in time's order."""
    bridges = _paid_bridges(call_id)
    inside = [
        line
        for line in lines
        if line.event in {_ENTERED, _LEFT} and (line.bridge_id or "").startswith(bridges)
    ]
    return overlap(inside, ends_of(lines))


def ends_of(lines: Iterable[Line]) -> dict[str, int]:
    """Give when each channel ended (microseconds), as far as the lines say it."""
    ends: dict[str, int] = {}
    for line in lines:
        if line.event == _ENDED:
            ends[line.channel_id] = min(line.at_us, ends.get(line.channel_id, line.at_us))
    return ends


def meter_of(caller_channel: str, lines: Sequence[Line]) -> Interval | None:
    """Give what `cel_meter` gives, from all lines of the call's channels."""
    answers = [
        line.at_us
        for line in lines
        if line.event == _ANSWERED and line.channel_id == caller_channel
    ]
    if not answers:
        return None
    return _interval(min(answers), ends_of(lines).get(caller_channel))


def overlap(rows: Sequence[Line], ends: Mapping[str, int]) -> tuple[Interval, ...]:
    """Cut the times in which two legs were in one bridge out of lines in their time's order."""
    channels = {row.channel_id for row in rows}
    intervals: list[Interval] = []
    for bridge in dict.fromkeys(row.bridge_id for row in rows):
        stays = [
            _stays([row for row in rows if row.bridge_id == bridge], channel, ends.get(channel))
            for channel in sorted(channels)
        ]
        intervals += _overlaps([stay for stay in stays if stay])
    return tuple(sorted(intervals, key=lambda interval: interval.start_ms))


def _stays(
    rows: Iterable[Line], channel: str, channel_end_us: int | None
) -> list[tuple[int, int | None]]:
    stays: list[tuple[int, int | None]] = []
    entered: int | None = None
    for row in rows:
        if row.channel_id != channel:
            continue
        if row.event == _ENTERED and entered is None:
            entered = row.at_us
        elif row.event == _LEFT and entered is not None:
            stays.append((entered, row.at_us))
            entered = None
    if entered is not None:
        stays.append((entered, channel_end_us))
    return stays


def _overlaps(stays: Sequence[Sequence[tuple[int, int | None]]]) -> list[Interval]:
    """Cut the times in which two legs were in the bridge together out of each one's stays."""
    overlaps = []
    for position, first in enumerate(stays):
        for second in stays[position + 1 :]:
            for start, end in first:
                for other_start, other_end in second:
                    begin = max(start, other_start)
                    ends = [moment for moment in (end, other_end) if moment is not None]
                    finish = min(ends) if ends else None
                    if finish is None or finish > begin:
                        overlaps.append(_interval(begin, finish))
    return overlaps


def _interval(start_us: int, end_us: int | None) -> Interval:
    return Interval(
        start_us // MICROSECONDS_PER_MS,
        None if end_us is None else end_us // MICROSECONDS_PER_MS,
    )


async def channels_of(s: AsyncSession, call_id: UUID) -> list[str]:
    """List the channels of a call, the caller's first; empty if there is no such call."""
    callers = await s.scalars(select(CallRow.caller_channel).where(CallRow.id == call_id))
    experts = await s.scalars(
        select(DialAttempt.channel_id)
        .where(DialAttempt.call_id == call_id)
        .order_by(DialAttempt.attempt)
    )
    return [*callers, *experts]


async def _channel_ends(s: AsyncSession, channels: Iterable[str]) -> dict[str, int]:
    rows = await s.execute(
        select(CelRecord.channel_id, func.min(CelRecord.at_us))
        .where(CelRecord.channel_id.in_(list(channels)), CelRecord.event == _ENDED)
        .group_by(CelRecord.channel_id)
    )
    return dict(rows.all())


async def cel_meter(s: AsyncSession, call_id: UUID) -> Interval | None:
    """Give the time from the caller's answer to his release (ms); None: the record has no answer.

    `end_ms` None: the record doesn't reach his release.
    """
    rows = await s.execute(
        select(CelRecord.event, func.min(CelRecord.at_us))
        .join(CallRow, CallRow.caller_channel == CelRecord.channel_id)
        .where(CallRow.id == call_id, CelRecord.event.in_([_ANSWERED, _ENDED]))
        .group_by(CelRecord.event)
    )
    moments: dict[str, int] = dict(rows.all())
    if _ANSWERED not in moments:
        return None
    return _interval(moments[_ANSWERED], moments.get(_ENDED))


async def cel_end(s: AsyncSession, call_id: UUID) -> int | None:
    """Give when a call was over (ms), if the record proves it: every leg it had has ended.

    None: a leg is still up, or the record doesn't reach that far.
    """
    caller_channel = await s.scalar(select(CallRow.caller_channel).where(CallRow.id == call_id))
    if caller_channel is None:
        return None
    expert_channels = await s.scalars(
        select(DialAttempt.channel_id).where(DialAttempt.call_id == call_id)
    )
    channels = [caller_channel, *expert_channels]
    started = set(
        await s.scalars(
            select(CelRecord.channel_id).where(
                CelRecord.channel_id.in_(channels), CelRecord.event == _STARTED
            )
        )
    )
    ends = await _channel_ends(s, channels)
    if channels[0] not in ends or started - set(ends):
        return None
    return max(ends.values()) // MICROSECONDS_PER_MS
