"""Disputes from claim to outcome. Opening, keeping and closing one costs nothing (rule R21)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.service import time_zone_of
from billing.calls.models import CallRow
from billing.calls.settling import lock_call
from billing.charging.premium import service as premium_service
from billing.disputes.errors import (
    CallDisputed,
    CallNotEnded,
    ClaimLate,
    DisputeOver,
    DisputeUnknown,
)
from billing.disputes.models import DisputeRow
from billing.disputes.returning import give_back
from billing.disputes.values import Dispute, DisputeState, Outcome
from billing.kit.ids import new_call_id
from billing.kit.pages import After, Slice, take
from billing.kit.phones import country_of
from billing.kit.versions import Expected, change, require
from billing.money.values import Money
from billing.rulesets import rules
from billing.rulesets.service import sets_in_force


@dataclass(frozen=True, slots=True)
class DisputeFilter:
    """What is looked for; None: anything. `overdue_on`: open, its day to answer before that one."""

    state: DisputeState | None = None
    call_id: UUID | None = None
    overdue_on: date | None = None


async def open_dispute(
    s: AsyncSession, call_id: UUID, *, reason: str, by: str, at: datetime, late: bool = False
) -> Dispute:
    """Contest an ended call; from now on its money stays where it is.

    The days to claim and to answer are those of the rules under which the call came in: at premium
    rate by the clock of the number's time zone, else of the caller's. `late`: a claim after its
    last day is accepted all the same. Raises CallUnknown, CallNotEnded, CallDisputed or ClaimLate.
    """
    call = await lock_call(s, call_id)
    if call.ended_at is None:
        raise CallNotEnded(call_id)
    before = await of_call(s, call_id)
    if before is not None and before.state != DisputeState.REJECTED:
        raise CallDisputed(call_id, before.state)
    country, zone = await _place(s, call)
    sets = await sets_in_force(s, country, call.received_at) if country else ()
    today = at.astimezone(zone).date()
    call_on = call.received_at.astimezone(zone).date()
    dates = rules.dispute_dates(sets, call_on=call_on, disputed_on=today)
    claim_by = dates.get("claim")
    if claim_by is not None and today > claim_by and not late:
        raise ClaimLate(call_id, claim_by)
    row = DisputeRow(
        id=new_call_id(),
        call_id=call_id,
        state=DisputeState.OPEN,
        reason=reason,
        country=country,
        claim_by=claim_by,
        answer_by=dates.get("answer"),
        opened_at=at,
        opened_by=by,
        returned=0,
        version=1,
    )
    s.add(row)
    await s.flush()
    return _value(row)


async def close_dispute(
    s: AsyncSession,
    dispute_id: UUID,
    *,
    outcome: Outcome,
    note: str,
    by: str,
    at: datetime,
    expected: Expected = None,
) -> dict[str, Any]:
    """Uphold or reject a dispute; gives what changed. Upheld: all that the call moved goes back.

    Raises DisputeUnknown, VersionConflict or DisputeOver.
    """
    row = await _require(s, dispute_id)
    # In the order in which all else locks: the call, then what hangs on it.
    await lock_call(s, row.call_id)
    await s.refresh(row, with_for_update=True)
    require(row, expected, subject="dispute", subject_id=dispute_id)
    if row.state != DisputeState.OPEN:
        raise DisputeOver(dispute_id, row.state)
    values: dict[str, Any] = {"state": str(outcome), "note": note, "closed_at": at}
    back = None
    if outcome == Outcome.UPHELD:
        back = await give_back(s, row.call_id, note=note, by=by, at=at)
    if back is not None:
        values |= {"returned": back.amount, "currency": back.currency}
    changed = change(row, values)
    await s.flush()
    return changed


async def get_dispute(s: AsyncSession, dispute_id: UUID) -> Dispute:
    """Give a dispute; raises DisputeUnknown."""
    return _value(await _require(s, dispute_id))


async def of_call(s: AsyncSession, call_id: UUID) -> Dispute | None:
    """Give a call's latest dispute, if it ever had one."""
    row = await s.scalar(
        select(DisputeRow)
        .where(DisputeRow.call_id == call_id)
        .order_by(DisputeRow.id.desc())
        .limit(1)
    )
    return None if row is None else _value(row)


async def page_disputes(
    s: AsyncSession,
    *,
    wanted: DisputeFilter | None = None,
    limit: int,
    after: After | None = None,
) -> Slice[Dispute]:
    """List disputes, newest first, page by page."""
    query = select(DisputeRow)
    wanted = wanted or DisputeFilter()
    if wanted.state is not None:
        query = query.where(DisputeRow.state == wanted.state)
    if wanted.call_id is not None:
        query = query.where(DisputeRow.call_id == wanted.call_id)
    if wanted.overdue_on is not None:
        query = query.where(
            DisputeRow.state == DisputeState.OPEN, DisputeRow.answer_by < wanted.overdue_on
        )
    found = await take(s, query, (DisputeRow.id,), limit=limit, after=after, descending=True)
    return Slice(tuple(_value(row) for row in found.items), found.after)


async def _place(s: AsyncSession, call: CallRow) -> tuple[str | None, ZoneInfo]:
    """Give the country of a call's rules and whose clock its days are by.

    As its premium terms say; else its number's own country, and the clock that the caller's limits
    count by. Of a caller without an account nobody knows a clock: UTC.
    """
    carried = await premium_service.find(s, call.id)
    if carried is None:
        zone = "UTC" if call.account_id is None else await time_zone_of(s, call.account_id)
        return country_of(call.dialled), ZoneInfo(zone)
    terms = premium_service.terms_of(carried)
    return terms.country, ZoneInfo(terms.time_zone)


async def _require(s: AsyncSession, dispute_id: UUID) -> DisputeRow:
    row = await s.get(DisputeRow, dispute_id)
    if row is None:
        raise DisputeUnknown(dispute_id)
    return row


def _value(row: DisputeRow) -> Dispute:
    return Dispute(
        dispute_id=row.id,
        call_id=row.call_id,
        state=DisputeState(row.state),
        reason=row.reason,
        country=row.country,
        claim_by=row.claim_by,
        answer_by=row.answer_by,
        opened_at=row.opened_at,
        opened_by=row.opened_by,
        closed_at=row.closed_at,
        note=row.note,
        returned=Money(row.returned, row.currency) if row.currency else None,
        version=row.version,
    )
