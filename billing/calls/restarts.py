"""The restart report: the calls that a process found, what became of them, what nothing proves.

A call found in its talk loses nothing: Asterisk carried it on, and its beginning is written. One
that ended meanwhile is charged by Asterisk's own record, to the millisecond. Only where Asterisk
died with its record is a call charged up to its last sign of life; then it may have talked on
unpaid, until it was found at the latest, and for no more than was held: Asterisk itself would have
cut it there. That is the most that can be lost, and the operator loses it, never the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.models import RestartCallRow, RestartRow
from billing.calls.values import OpenCall
from billing.kit.clock import to_ms
from billing.kit.pages import After, Slice, take
from billing.ledger.models import SettlementRow
from billing.money.values import Money


class RestartCause(StrEnum):
    """Why there were calls that nobody carried; the words are stable."""

    STARTED = "started"
    RECONNECTED = "reconnected"
    SWEPT = "swept"


class Outcome(StrEnum):
    """What was done with a call that was found; the words are stable.

    `FOUND`: nothing that is known of, since the process that found it ended meanwhile.
    """

    FOUND = "found"
    WENT_ON = "went-on"
    BROUGHT_BACK = "brought-back"
    LET_GO = "let-go"
    RELEASED = "released"
    SETTLED = "settled"
    SETTLED_UNPROVED = "settled-unproved"


@dataclass(frozen=True, slots=True)
class FoundCall:
    """A call as it was found. `most_lost` None: nothing was held for it."""

    call_id: UUID
    state: str
    outcome: Outcome
    last_seen_at: datetime
    most_lost_ms: int = 0
    most_lost: Money | None = None


@dataclass(frozen=True, slots=True)
class ReportedCall:
    """A call of a report as it stands by now; `charge` None: it goes on, or nobody paid."""

    call_id: UUID
    state: str
    outcome: Outcome
    ended: bool
    charge: Money | None
    most_lost_ms: int
    most_lost: Money | None


@dataclass(frozen=True, slots=True)
class RestartReport:
    """What one process found at one moment."""

    restart_id: UUID
    asterisk_id: str
    cause: RestartCause
    last_seen_at: datetime
    found_at: datetime
    calls: tuple[ReportedCall, ...]

    @property
    def most_lost_ms(self) -> int:
        """Give the most talk that may be unpaid, all calls together."""
        return sum(one.most_lost_ms for one in self.calls)

    @property
    def open_calls(self) -> int:
        """Count the calls that go on: what they come to is not known yet."""
        return sum(not one.ended for one in self.calls)


def found_call(call: OpenCall, outcome: Outcome, found_at: datetime) -> FoundCall:
    """Give a call with the most that can be lost of it, which is nothing once it is proved."""
    if outcome not in {Outcome.FOUND, Outcome.SETTLED_UNPROVED} or call.grant is None:
        return FoundCall(call.call_id, call.state, outcome, call.last_seen_at)
    # Premium-rate talks hold nothing; a grant bounds every other one.
    open_ms = max(0, to_ms(found_at) - to_ms(call.last_seen_at))
    return FoundCall(
        call.call_id,
        call.state,
        outcome,
        call.last_seen_at,
        min(open_ms, 1_000 * call.grant.granted_seconds),
        call.grant.held,
    )


async def record(
    s: AsyncSession,
    restart_id: UUID,
    *,
    asterisk_id: str,
    cause: RestartCause,
    found_at: datetime,
    calls: Sequence[FoundCall],
) -> None:
    """Write a report of at least one call; what each is charged is read when it is shown.

    `restart_id` is a new one that sorts by time, as reports are listed.
    """
    s.add(
        RestartRow(
            id=restart_id,
            asterisk_id=asterisk_id,
            cause=cause,
            found_at=found_at,
            last_seen_at=max(call.last_seen_at for call in calls),
        )
    )
    await s.flush()
    rows = [
        {
            "restart_id": restart_id,
            "call_id": call.call_id,
            "state": call.state,
            "outcome": call.outcome,
            "most_lost_ms": call.most_lost_ms,
            **_most(call),
        }
        for call in calls
    ]
    await s.execute(insert(RestartCallRow), rows)


async def conclude(s: AsyncSession, restart_id: UUID, call: FoundCall) -> None:
    """Write what became of a call that a report has as `FOUND`."""
    await s.execute(
        update(RestartCallRow)
        .where(RestartCallRow.restart_id == restart_id, RestartCallRow.call_id == call.call_id)
        .values(outcome=call.outcome, most_lost_ms=call.most_lost_ms, **_most(call))
        .execution_options(synchronize_session=False)
    )


def _most(call: FoundCall) -> dict[str, Any]:
    if call.most_lost is None:
        return {"most_lost": 0, "currency": None}
    return {"most_lost": call.most_lost.amount, "currency": call.most_lost.currency}


async def page_restarts(
    s: AsyncSession, *, limit: int, after: After | None = None
) -> Slice[RestartReport]:
    """List reports page by page, newest first, each with its calls."""
    page = await take(
        s, select(RestartRow), (RestartRow.id,), limit=limit, after=after, descending=True
    )
    calls = await _calls(s, [row.id for row in page.items])
    return Slice(tuple(_report(row, calls.get(row.id, ())) for row in page.items), page.after)


async def _calls(s: AsyncSession, ids: list[UUID]) -> dict[UUID, tuple[ReportedCall, ...]]:
    rows = await s.execute(
        select(RestartCallRow, SettlementRow)
        .outerjoin(SettlementRow, SettlementRow.call_id == RestartCallRow.call_id)
        .where(RestartCallRow.restart_id.in_(ids))
        .order_by(RestartCallRow.call_id)
    )
    found: dict[UUID, tuple[ReportedCall, ...]] = {}
    for row, settled in rows:
        found[row.restart_id] = (*found.get(row.restart_id, ()), _call(row, settled))
    return found


def _call(row: RestartCallRow, settled: SettlementRow | None) -> ReportedCall:
    charge = None
    if settled is not None and settled.currency is not None:
        charge = Money(settled.charge, settled.currency)
    return ReportedCall(
        call_id=row.call_id,
        state=row.state,
        outcome=Outcome(row.outcome),
        ended=settled is not None,
        charge=charge,
        most_lost_ms=row.most_lost_ms,
        most_lost=None if row.currency is None else Money(row.most_lost, row.currency),
    )


def _report(row: RestartRow, calls: tuple[ReportedCall, ...]) -> RestartReport:
    return RestartReport(
        restart_id=row.id,
        asterisk_id=row.asterisk_id,
        cause=RestartCause(row.cause),
        last_seen_at=row.last_seen_at,
        found_at=row.found_at,
        calls=calls,
    )
