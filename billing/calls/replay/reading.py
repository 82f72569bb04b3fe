"""The records of settled calls, read a page at a time: some queries for all calls of a page."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, and_, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.models import CallRow, PaidInterval
from billing.calls.replay.values import PastCall, PastMeter, PastSegment
from billing.catalogue import snapshot as terms_snapshot
from billing.catalogue.models import Expert, Number
from billing.charging.models import ChargingSession, ClosedSegmentRow, GrantRow
from billing.charging.premium.models import PremiumSession, PremiumSettlement
from billing.kit.clock import from_ms
from billing.kit.errors import PrimelineError
from billing.ledger.models import SettlementRow
from billing.money.values import MINOR_PER_MAJOR, Money
from billing.shares import snapshot as share_snapshot
from billing.tariffs import snapshot as tariff_snapshot
from billing.tariffs.models import TariffRow, TariffVersion

UNKNOWN: Final = "?"

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Page:
    """What belongs to the calls of a page, by call."""

    sessions: Mapping[UUID, ChargingSession]
    closed: Mapping[UUID, Sequence[ClosedSegmentRow]]
    granted: Mapping[UUID, int]
    intervals: Mapping[UUID, Sequence[tuple[int, int]]]
    premium: Mapping[UUID, tuple[PremiumSession, PremiumSettlement]]
    names: Mapping[UUID, str]


def settled_calls() -> Select[*tuple[Any, ...]]:
    """Select calls that are settled, with what shows them to people."""
    return (
        select(CallRow, SettlementRow, Number.e164, Expert.name)
        .join(SettlementRow, SettlementRow.call_id == CallRow.id)
        .outerjoin(Number, Number.id == CallRow.number_id)
        .outerjoin(Expert, Expert.id == CallRow.expert_id)
        .execution_options(populate_existing=True)
    )


async def past_calls(s: AsyncSession, rows: Sequence[Any]) -> list[PastCall]:
    """Give the rows of `settled_calls` as they can be rated again, in their order."""
    ids = [row[0].id for row in rows]
    page = await _page(s, ids)
    return [_past(page, *row) for row in rows]


async def _page(s: AsyncSession, ids: list[UUID]) -> _Page:
    sessions = await s.scalars(
        select(ChargingSession).where(ChargingSession.session_id == func.any(ids))
    )
    closed: dict[UUID, list[ClosedSegmentRow]] = defaultdict(list)
    for segment in await s.scalars(
        select(ClosedSegmentRow)
        .where(ClosedSegmentRow.session_id == func.any(ids))
        .order_by(ClosedSegmentRow.session_id, ClosedSegmentRow.segment)
    ):
        closed[segment.session_id].append(segment)
    granted = await s.execute(
        select(GrantRow.session_id, GrantRow.granted_seconds)
        .join(
            ChargingSession,
            and_(
                ChargingSession.session_id == GrantRow.session_id,
                ChargingSession.segment == GrantRow.segment,
            ),
        )
        .where(GrantRow.session_id == func.any(ids))
        .ext(distinct_on(GrantRow.session_id))
        .order_by(GrantRow.session_id, GrantRow.request_number.desc())
    )
    intervals: dict[UUID, list[tuple[int, int]]] = defaultdict(list)
    for call_id, start_ms, end_ms in await s.execute(
        select(PaidInterval.call_id, PaidInterval.start_ms, PaidInterval.end_ms)
        .where(PaidInterval.call_id == func.any(ids))
        .order_by(PaidInterval.call_id, PaidInterval.position)
    ):
        intervals[call_id].append((start_ms, end_ms))
    premium = await s.execute(
        select(PremiumSession, PremiumSettlement)
        .join(PremiumSettlement, PremiumSettlement.call_id == PremiumSession.session_id)
        .where(PremiumSession.session_id == func.any(ids))
    )
    kept = {session.session_id: session for session in sessions}
    versions = {one.tariff_version_id for one in kept.values()}
    versions |= {one.tariff_version_id for some in closed.values() for one in some}
    return _Page(
        kept,
        closed,
        {row.session_id: row.granted_seconds for row in granted},
        intervals,
        {session.session_id: (session, outcome) for session, outcome in premium},
        await _names(s, [one for one in versions if one is not None]),
    )


async def _names(s: AsyncSession, versions: list[UUID]) -> dict[UUID, str]:
    rows = await s.execute(
        select(TariffVersion.id, TariffRow.name)
        .join(TariffRow, TariffRow.id == TariffVersion.tariff_id)
        .where(TariffVersion.id == func.any(versions))
    )
    return {row.id: row.name for row in rows}


def _past(
    page: _Page, row: CallRow, settled: SettlementRow, number: str | None, expert: str | None
) -> PastCall:
    intervals = tuple(page.intervals.get(row.id, ()))
    call = PastCall(
        call_id=row.id,
        received_at=row.received_at,
        number=number or row.dialled,
        expert=expert,
        recorded=_figures(settled, settled.currency) | {"currency": settled.currency},
        intervals=intervals,
    )
    try:
        if row.id in page.premium:
            return replace(call, premium=_metered(*page.premium[row.id], talked=bool(intervals)))
        return replace(call, segments=_segments(page, row.id, intervals))
    except PrimelineError as error:
        return replace(call, unreadable=error.sentence)


def _segments(page: _Page, call_id: UUID, intervals: Spans) -> tuple[PastSegment, ...]:
    session = page.sessions.get(call_id)
    if session is None or session.tariff is None or session.quoted_at is None:
        return ()
    found, first = [], 0
    for closed in page.closed.get(call_id, ()):
        own = intervals[first : closed.last_interval]
        found.append(_closed(closed, page.names, own, session.quoted_at))
        first = closed.last_interval
    last = PastSegment(
        tariff_name=_name(page.names, session.tariff_version_id),
        tariff=tariff_snapshot.from_json(session.tariff),
        share_rule=share_snapshot.from_json(session.share),
        announced_at=session.quoted_at,
        granted_seconds=page.granted.get(call_id, 0),
        intervals=intervals[first:],
        recorded=None,
    )
    return (*found, last)


def _closed(
    row: ClosedSegmentRow, names: Mapping[UUID, str], own: Spans, quoted_at: datetime
) -> PastSegment:
    # When its price was announced is kept of the last segment only; its key came right after.
    began_ms = row.consented_at_ms or (own[0][0] if own else None)
    tariff = tariff_snapshot.from_json(row.tariff)
    return PastSegment(
        tariff_name=_name(names, row.tariff_version_id),
        tariff=tariff,
        share_rule=share_snapshot.from_json(row.share),
        announced_at=quoted_at if began_ms is None else from_ms(began_ms),
        granted_seconds=row.granted_seconds,
        intervals=own,
        recorded=_figures(row, tariff.currency),
    )


def _name(names: Mapping[UUID, str], version_id: UUID | None) -> str:
    return UNKNOWN if version_id is None else names.get(version_id, UNKNOWN)


def _metered(session: PremiumSession, settled: PremiumSettlement, *, talked: bool) -> PastMeter:
    answered, released = settled.answered_ms, settled.released_ms
    return PastMeter(
        terms=terms_snapshot.from_json(session.terms),
        share_rule=share_snapshot.from_json(session.share) if session.share and talked else None,
        meter=None if answered is None or released is None else (answered, released),
        recorded={
            "carrier": settled.carrier,
            "metered_seconds": settled.metered_seconds,
            **{
                part: Money(getattr(settled, part), settled.currency)
                for part in ("retail", "outpayment", "expert", "platform")
            },
        },
    )


def _figures(row: SettlementRow | ClosedSegmentRow, currency: str | None) -> dict[str, Any]:
    def amount(units: int) -> int | Money:
        # A currency that nobody knows is for the rules to find, not to stumble over here.
        return Money(units, currency) if currency in MINOR_PER_MAJOR else units

    return {
        "used_seconds": row.used_seconds,
        "billed_seconds": row.billed_seconds,
        "overrun_ms": row.overrun_ms,
        "charge": amount(row.charge),
        "tax": amount(row.tax),
        "expert": amount(row.expert),
        "platform": amount(row.platform),
    }
