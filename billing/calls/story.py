"""A call with all that explains it: its record, its arithmetic, Asterisk's own lines."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.cel import channels_of
from billing.calls.explaining import Step, explain, explain_premium, explain_segments
from billing.calls.models import CelRecord
from billing.calls.receipts import receipts_of
from billing.calls.records import CallRecord, get_call
from billing.calls.rules import Arithmetic, arithmetic, of_closed
from billing.charging import sessions
from billing.charging.closed import earlier_of
from billing.charging.models import ChargingSession
from billing.charging.segments import closed_segments
from billing.notifications.models import Notification
from billing.tariffs.listing import announced_by

CEL_LINES: Final = 500
"""A call has some thirty; one with very many phones a few more."""


@dataclass(frozen=True, slots=True)
class CelLine:
    """A line of Asterisk's record. `leg` is `caller` or `expert`."""

    event: str
    at_us: int
    leg: str
    bridge: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """A call in full. `arithmetic` None: nobody was to pay us, or it isn't settled yet.

    It is of the last paid segment; `closed` are those before it. `receipts`: what the caller was
    told of it by SMS. `priced_by`: the tariff and its window, if one held as the price was last
    announced; None: no price was, or today's calendar of holidays doesn't give it.
    """

    record: CallRecord
    closed: tuple[Arithmetic, ...]
    arithmetic: Arithmetic | None
    cel: tuple[CelLine, ...]
    receipts: tuple[Notification, ...]
    priced_by: tuple[str, str | None] | None

    @property
    def steps(self) -> tuple[Step, ...]:
        """How everybody's part came about; none: no price was quoted, or it goes on."""
        if self.closed:
            last = (self.arithmetic,) if self.arithmetic else ()
            return explain_segments((*self.closed, *last))
        if self.arithmetic is not None:
            return explain(self.arithmetic)
        settlement = self.record.summary.settlement
        if settlement is None or settlement.premium is None or self.record.premium is None:
            return ()
        return explain_premium(self.record.premium.terms, settlement.premium)


async def tell(s: AsyncSession, call_id: UUID) -> Story:
    """Give a call in full; raises CallUnknown."""
    record = await get_call(s, call_id)
    session = await sessions.find(s, call_id)
    closed, last = await _arithmetic(s, record, session)
    return Story(
        record,
        closed,
        last,
        await _cel(s, call_id),
        tuple(await receipts_of(s, call_id)),
        await _priced_by(s, session),
    )


async def _priced_by(
    s: AsyncSession, session: ChargingSession | None
) -> tuple[str, str | None] | None:
    if session is None or session.tariff_version_id is None or session.quoted_at is None:
        return None
    return await announced_by(
        s, session.tariff_version_id, sessions.tariff_of(session), session.quoted_at
    )


async def _arithmetic(
    s: AsyncSession, record: CallRecord, session: ChargingSession | None
) -> tuple[tuple[Arithmetic, ...], Arithmetic | None]:
    """Give that of the closed segments and, of a settled call, that of the last one."""
    if session is None or record.tariff is None:
        return (), None
    closed = await closed_segments(s, session)
    intervals = [(one.start_ms, one.end_ms or one.start_ms) for one in record.intervals]
    before = of_closed(closed, intervals)
    settlement = record.summary.settlement
    own = intervals[closed[-1].last_interval if closed else 0 :]
    if settlement is None or settlement.split is None or (closed and not own):
        return before, None
    grants = await sessions.grants_of(s, session)
    return before, arithmetic(
        record.tariff,
        sessions.share_of(session),
        own,
        grants[-1].granted_seconds if grants else 0,
        earlier_of(closed),
    )


async def _cel(s: AsyncSession, call_id: UUID) -> tuple[CelLine, ...]:
    caller, *_ = channels = await channels_of(s, call_id)
    rows = await s.scalars(
        select(CelRecord)
        .where(CelRecord.channel_id.in_(channels))
        .order_by(CelRecord.at_us, CelRecord.id)
        .limit(CEL_LINES)
    )
    return tuple(
        CelLine(
            row.event,
            row.at_us,
            "caller" if row.channel_id == caller else "expert",
            row.bridge_id,
        )
        for row in rows
    )
