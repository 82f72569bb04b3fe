"""A call with all that explains it: its record, its arithmetic, Asterisk's own lines."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.cel import channels_of
from billing.calls.explaining import Step, explain, explain_premium
from billing.calls.models import CelRecord
from billing.calls.receipts import receipts_of
from billing.calls.records import CallRecord, get_call
from billing.calls.rules import Arithmetic, arithmetic
from billing.charging import sessions
from billing.notifications.models import Notification

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

    `receipts`: what the caller was told of it by SMS.
    """

    record: CallRecord
    arithmetic: Arithmetic | None
    cel: tuple[CelLine, ...]
    receipts: tuple[Notification, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """How everybody's part came about; none: no price was quoted, or it goes on."""
        if self.arithmetic is not None:
            return explain(self.arithmetic)
        settlement = self.record.summary.settlement
        if settlement is None or settlement.premium is None or self.record.premium is None:
            return ()
        return explain_premium(self.record.premium.terms, settlement.premium)


async def tell(s: AsyncSession, call_id: UUID) -> Story:
    """Give a call in full; raises CallUnknown."""
    record = await get_call(s, call_id)
    return Story(
        record,
        await _arithmetic(s, record),
        await _cel(s, call_id),
        tuple(await receipts_of(s, call_id)),
    )


async def _arithmetic(s: AsyncSession, record: CallRecord) -> Arithmetic | None:
    settlement = record.summary.settlement
    if settlement is None or record.tariff is None or settlement.split is None:
        return None
    session = await sessions.find(s, record.summary.call_id)
    assert session is not None  # a price was quoted in it
    grants = await sessions.grants_of(s, session)
    return arithmetic(
        record.tariff,
        sessions.share_of(session),
        [(one.start_ms, one.end_ms or one.start_ms) for one in record.intervals],
        grants[-1].granted_seconds if grants else 0,
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
