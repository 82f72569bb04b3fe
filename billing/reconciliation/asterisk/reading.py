"""What we wrote of some settled calls, and what Asterisk recorded of them, read in one go each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls import cel
from billing.calls.books import settled
from billing.calls.models import (
    CallRow,
    CelRecord,
    DialAttempt,
    PaidInterval,
    TalkStretch,
    TimelineRow,
)
from billing.calls.values import MEDIA_LOST, NO_SOUND, Interval
from billing.charging.premium.models import PremiumSettlement
from billing.kit.clock import to_ms
from billing.ledger.models import SettlementRow, Transfer
from billing.reconciliation.asterisk.values import Recorded, Span, Written

CLOCKS_DIFFER = "clocks differ"

Found = tuple[CallRow, SettlementRow, PremiumSettlement | None]


async def written(s: AsyncSession, found: Sequence[Found]) -> list[Written]:
    """Read what we wrote of settled calls, in their order."""
    ids = [call.id for call, _, _ in found]
    spans = await _spans(s, ids)
    begun = await _begun(s, ids)
    stepped = await _stepped(s, ids)
    silent = await _silent(s, ids)
    posted = await _posted(s, ids)
    soundless = await _soundless(s, ids)
    ratings = await settled.rated_of(s, ids)
    return [
        Written(
            call_id=call.id,
            received_ms=to_ms(call.received_at),
            ended_ms=to_ms(call.ended_at or settlement.settled_at),
            last_seen_ms=to_ms(call.last_seen_at),
            spans=tuple(spans[call.id]),
            begun=tuple(begun[call.id]),
            stepped_ms=stepped.get(call.id, 0),
            overrun_ms=settlement.overrun_ms,
            premium=premium is not None,
            meter=_meter(premium),
            charge=settlement.charge,
            posted=posted.get(call.id, 0),
            rating=ratings.get(call.id),
            silent_seconds=silent.get(call.id, 0),
            no_sound=call.id in soundless,
        )
        for call, settlement, premium in found
    ]


def _meter(premium: PremiumSettlement | None) -> Span | None:
    if premium is None or premium.answered_ms is None or premium.released_ms is None:
        return None
    return premium.answered_ms, premium.released_ms


async def _spans(s: AsyncSession, ids: list[UUID]) -> dict[UUID, list[Span]]:
    rows = await s.execute(
        select(PaidInterval.call_id, PaidInterval.start_ms, PaidInterval.end_ms)
        .where(PaidInterval.call_id == func.any(ids))
        .order_by(PaidInterval.call_id, PaidInterval.position)
    )
    spans: dict[UUID, list[Span]] = defaultdict(list)
    for call_id, start_ms, end_ms in rows:
        spans[call_id].append((start_ms, end_ms))
    return spans


async def _begun(s: AsyncSession, ids: list[UUID]) -> dict[UUID, list[Interval]]:
    rows = await s.execute(
        select(TalkStretch.call_id, TalkStretch.start_ms, TalkStretch.end_ms)
        .where(
            TalkStretch.call_id == func.any(ids),
            TalkStretch.paid,
            TalkStretch.start_ms.is_not(None),
        )
        .order_by(TalkStretch.call_id, TalkStretch.position)
    )
    begun: dict[UUID, list[Interval]] = defaultdict(list)
    for call_id, start_ms, end_ms in rows:
        if start_ms is not None:
            begun[call_id].append(Interval(start_ms, end_ms))
    return begun


async def _stepped(s: AsyncSession, ids: list[UUID]) -> dict[UUID, int]:
    """How far the clock ran ahead in the talks of a call, as the call noted it (ms)."""
    rows = await s.execute(
        select(TimelineRow.call_id, TimelineRow.detail).where(
            TimelineRow.call_id == func.any(ids), TimelineRow.what == CLOCKS_DIFFER
        )
    )
    stepped: dict[UUID, int] = defaultdict(int)
    for call_id, detail in rows:
        stepped[call_id] += max(0, int(detail["milliseconds"]))
    return stepped


async def _silent(s: AsyncSession, ids: list[UUID]) -> dict[UUID, int]:
    """After how many seconds of silence a leg was hung up, of the calls that noted it."""
    rows = await s.execute(
        select(TimelineRow.call_id, TimelineRow.detail).where(
            TimelineRow.call_id == func.any(ids), TimelineRow.what == MEDIA_LOST
        )
    )
    return {call_id: int(detail["silent_seconds"]) for call_id, detail in rows}


async def _soundless(s: AsyncSession, ids: list[UUID]) -> set[UUID]:
    """The calls that noted paid talk in which a leg sent nothing."""
    noted = select(TimelineRow.call_id).where(
        TimelineRow.call_id == func.any(ids), TimelineRow.what == NO_SOUND
    )
    return set(await s.scalars(noted))


async def _posted(s: AsyncSession, ids: list[UUID]) -> dict[UUID, int]:
    rows = await s.execute(
        select(Transfer.call_id, func.sum(Transfer.amount))
        .where(Transfer.call_id == func.any(ids), Transfer.kind == "post")
        .group_by(Transfer.call_id)
    )
    return {call_id: int(amount) for call_id, amount in rows if call_id is not None}


async def recorded(s: AsyncSession, found: Sequence[Found]) -> dict[UUID, Recorded]:
    """Read what Asterisk recorded of calls: their legs together in their paid bridges."""
    ids = [call.id for call, _, _ in found]
    legs: dict[UUID, set[str]] = {call.id: {call.caller_channel} for call, _, _ in found}
    for call_id, channel in await s.execute(
        select(DialAttempt.call_id, DialAttempt.channel_id).where(
            DialAttempt.call_id == func.any(ids)
        )
    ):
        legs[call_id].add(channel)
    lines = await _lines(s, legs)
    lost = await cel.cel_media_lost(s, sorted(set().union(*legs.values())))
    return {
        call.id: _of(call, [line for leg in legs[call.id] for line in lines[leg]], lost)
        for call, _, _ in found
    }


async def _lines(s: AsyncSession, legs: dict[UUID, set[str]]) -> dict[str, list[cel.Line]]:
    """The lines of all legs by channel, in the order of their times."""
    channels = sorted({leg for several in legs.values() for leg in several})
    rows: Iterable[Any] = await s.execute(
        select(CelRecord.event, CelRecord.at_us, CelRecord.channel_id, CelRecord.bridge_id)
        .where(CelRecord.channel_id == func.any(channels), CelRecord.event.in_(cel.COMPARED))
        .order_by(CelRecord.at_us, CelRecord.id)
    )
    lines: dict[str, list[cel.Line]] = defaultdict(list)
    for row in rows:
        lines[row.channel_id].append(row)
    return lines


def _of(call: CallRow, lines: Sequence[cel.Line], lost: Mapping[str, int]) -> Recorded:
    lines = sorted(lines, key=lambda line: line.at_us)
    ends = cel.ends_of(lines)
    paid = cel.paid_of(call.id, lines)
    talking = {line.channel_id for line in lines}
    return Recorded(
        intervals=paid,
        media_lost_ms=min(
            (at for leg, at in lost.items() if leg in talking and paid and at >= paid[-1].start_ms),
            default=None,
        ),
        known=any(line.channel_id == call.caller_channel for line in lines),
        ended=bool(ends),
        meter=cel.meter_of(call.caller_channel, lines),
    )
