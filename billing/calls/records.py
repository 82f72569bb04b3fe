"""Calls as people look at them afterwards: listed, and each in full."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.errors import CallUnknown
from billing.calls.models import CallRow, DialAttempt, PaidInterval, TimelineRow
from billing.calls.settling import settlement_value
from billing.calls.values import Interval, TimelineEntry
from billing.catalogue.models import Expert, ExpertPhone
from billing.charging import sessions
from billing.charging.models import GrantRow
from billing.charging.premium import service as premium_service
from billing.charging.premium.models import PremiumSettlement
from billing.charging.premium.rules import due_of
from billing.charging.premium.service import outcome_value
from billing.charging.premium.values import PremiumDue, PremiumPlan
from billing.charging.values import Grant, Settlement
from billing.ledger import service as ledger
from billing.ledger.models import SettlementRow
from billing.ledger.values import LedgerLine
from billing.tariffs.values import Tariff


@dataclass(frozen=True, slots=True)
class CallSummary:
    """A call as one line. `settlement` None: still open."""

    call_id: UUID
    state: str
    dialled: str
    caller_number: str | None
    expert_name: str | None
    received_at: datetime
    ended_at: datetime | None
    reason: str | None
    settlement: Settlement | None


@dataclass(frozen=True, slots=True)
class DialRecord:
    """One ringing of one phone; `result` None: still ringing, or never known."""

    attempt: int
    endpoint: str
    channel_id: str
    began_at: datetime
    ended_at: datetime | None
    result: str | None


@dataclass(frozen=True, slots=True)
class CallRecord:
    """All that is known of a call. `intervals` are what was billed; `tariff` what was quoted.

    `premium_due`: where the outpayment stands, once a premium-rate call is settled.
    """

    summary: CallSummary
    language: str
    answered_at: datetime | None
    accepted_at: datetime | None
    consented_at_ms: int | None
    no_payer: str | None
    account_id: UUID | None
    expert_id: UUID | None
    tariff: Tariff | None
    premium: PremiumPlan | None
    premium_due: PremiumDue | None
    dials: tuple[DialRecord, ...]
    grants: tuple[Grant, ...]
    intervals: tuple[Interval, ...]
    timeline: tuple[TimelineEntry, ...]
    ledger: tuple[LedgerLine, ...]


async def list_calls(
    s: AsyncSession, *, limit: int = 50, open_only: bool = False
) -> list[CallSummary]:
    """List the latest calls, newest first."""
    query = (
        select(CallRow, Expert.name, SettlementRow, PremiumSettlement)
        .outerjoin(Expert, Expert.id == CallRow.expert_id)
        .outerjoin(SettlementRow, SettlementRow.call_id == CallRow.id)
        .outerjoin(PremiumSettlement, PremiumSettlement.call_id == CallRow.id)
        .order_by(CallRow.received_at.desc(), CallRow.id.desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    if open_only:
        query = query.where(CallRow.ended_at.is_(None))
    return [summary(*row) for row in (await s.execute(query))]


async def summaries(s: AsyncSession, call_ids: Collection[UUID]) -> list[CallSummary]:
    """List these calls, those of them that there are, oldest first."""
    rows = await s.execute(
        select(CallRow, Expert.name, SettlementRow, PremiumSettlement)
        .outerjoin(Expert, Expert.id == CallRow.expert_id)
        .outerjoin(SettlementRow, SettlementRow.call_id == CallRow.id)
        .outerjoin(PremiumSettlement, PremiumSettlement.call_id == CallRow.id)
        .where(CallRow.id.in_(list(call_ids)))
        .order_by(CallRow.received_at, CallRow.id)
        .execution_options(populate_existing=True)
    )
    return [summary(*row) for row in rows]


async def get_call(s: AsyncSession, call_id: UUID) -> CallRecord:
    """Give all that is known of a call; raises CallUnknown."""
    found = (
        await s.execute(
            select(CallRow, Expert.name, SettlementRow, PremiumSettlement)
            .outerjoin(Expert, Expert.id == CallRow.expert_id)
            .outerjoin(SettlementRow, SettlementRow.call_id == CallRow.id)
            .outerjoin(PremiumSettlement, PremiumSettlement.call_id == CallRow.id)
            .where(CallRow.id == call_id)
            .execution_options(populate_existing=True)
        )
    ).first()
    if found is None:
        raise CallUnknown(call_id)
    row, expert_name, settlement, outcome = found
    session = await sessions.find(s, call_id)
    tariff = sessions.tariff_of(session) if session and session.tariff else None
    carried = None if session else await premium_service.find(s, call_id)
    entries = tuple(await ledger.lines(s, call_id))
    return CallRecord(
        summary=summary(row, expert_name, settlement, outcome),
        language=row.language,
        answered_at=row.answered_at,
        accepted_at=row.accepted_at,
        consented_at_ms=row.consented_at_ms,
        no_payer=settlement.no_payer if settlement else None,
        account_id=session.account_id if session else row.account_id,
        expert_id=row.expert_id,
        tariff=tariff,
        premium=premium_service.plan_of(carried) if carried else None,
        premium_due=due_of(entries, outcome.currency) if outcome else None,
        dials=await _dials(s, call_id),
        grants=await _grants(s, call_id, tariff),
        intervals=await _intervals(s, call_id),
        timeline=await _timeline(s, call_id),
        ledger=entries,
    )


def summary(
    row: CallRow,
    expert_name: str | None,
    settlement: SettlementRow | None,
    outcome: PremiumSettlement | None = None,
) -> CallSummary:
    """Give a call as one line."""
    premium = outcome_value(outcome) if outcome else None
    return CallSummary(
        call_id=row.id,
        state=row.state,
        dialled=row.dialled,
        caller_number=row.caller_number,
        expert_name=expert_name,
        received_at=row.received_at,
        ended_at=row.ended_at,
        reason=row.reason,
        settlement=settlement_value(settlement, premium) if settlement else None,
    )


async def _dials(s: AsyncSession, call_id: UUID) -> tuple[DialRecord, ...]:
    rows = await s.execute(
        select(DialAttempt, func.coalesce(ExpertPhone.endpoint, ExpertPhone.number))
        .join(ExpertPhone, ExpertPhone.id == DialAttempt.phone_id)
        .where(DialAttempt.call_id == call_id)
        .order_by(DialAttempt.attempt)
        .execution_options(populate_existing=True)
    )
    return tuple(
        DialRecord(row.attempt, endpoint, row.channel_id, row.began_at, row.ended_at, row.result)
        for row, endpoint in rows
    )


async def _grants(s: AsyncSession, call_id: UUID, tariff: Tariff | None) -> tuple[Grant, ...]:
    if tariff is None:
        return ()
    rows = await s.scalars(
        select(GrantRow).where(GrantRow.session_id == call_id).order_by(GrantRow.request_number)
    )
    return tuple(sessions.grant_value(row, tariff.currency) for row in rows)


async def _intervals(s: AsyncSession, call_id: UUID) -> tuple[Interval, ...]:
    rows = await s.scalars(
        select(PaidInterval).where(PaidInterval.call_id == call_id).order_by(PaidInterval.position)
    )
    return tuple(Interval(row.start_ms, row.end_ms) for row in rows)


async def _timeline(s: AsyncSession, call_id: UUID) -> tuple[TimelineEntry, ...]:
    rows = await s.scalars(
        select(TimelineRow)
        .where(TimelineRow.call_id == call_id)
        .order_by(TimelineRow.at_ms, TimelineRow.id)
    )
    return tuple(TimelineEntry(row.at_ms, row.what, row.detail) for row in rows)
