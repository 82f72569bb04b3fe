"""Segments of a session that ended in mid-call: paid for, shared, and what they leave to the rest.

A segment is all paid time under one accepted price. The last one ends with the call and stands in
its settlement; one that ends before it has a row here.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.charging.closed import ClosedSegment
from billing.charging.models import ChargingSession, ClosedSegmentRow
from billing.charging.rules import Bill
from billing.money.values import Money
from billing.shares import snapshot as share_snapshot
from billing.shares.values import Split
from billing.tariffs import snapshot as tariff_snapshot


async def closed_segments(s: AsyncSession, session: ChargingSession) -> tuple[ClosedSegment, ...]:
    """List a session's closed segments in order; nothing is asked for where there can't be any."""
    if not session.segment:
        return ()
    return await closed_of(s, session.session_id)


async def closed_of(s: AsyncSession, call_id: UUID) -> tuple[ClosedSegment, ...]:
    """List the closed segments of a call in order."""
    rows = await s.scalars(
        select(ClosedSegmentRow)
        .where(ClosedSegmentRow.session_id == call_id)
        .order_by(ClosedSegmentRow.segment)
    )
    return tuple(_value(row) for row in rows)


def _value(row: ClosedSegmentRow) -> ClosedSegment:
    tariff = tariff_snapshot.from_json(row.tariff)
    currency = tariff.currency
    return ClosedSegment(
        segment=row.segment,
        tariff=tariff,
        share_rule=share_snapshot.from_json(row.share),
        consented_at_ms=row.consented_at_ms,
        until_ms=row.until_ms,
        last_interval=row.last_interval,
        granted_seconds=row.granted_seconds,
        bill=Bill(row.used_seconds, row.billed_seconds, row.overrun_ms),
        split=Split(
            charge=Money(row.charge, currency),
            tax=Money(row.tax, currency),
            expert=Money(row.expert, currency),
            platform=Money(row.platform, currency),
        ),
    )
