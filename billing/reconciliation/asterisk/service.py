"""Comparing settled calls with Asterisk's record, page by page: any period fits into memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.cel import kept_from_us
from billing.calls.errors import CallUnknown
from billing.calls.models import CallRow, CelRecord
from billing.charging.premium.models import PremiumSettlement
from billing.kit.clock import to_ms
from billing.kit.pages import After, take
from billing.ledger.models import SettlementRow
from billing.reconciliation.asterisk import rules
from billing.reconciliation.asterisk.reading import Found, recorded, written
from billing.reconciliation.asterisk.values import (
    Cause,
    Difference,
    Reach,
    Recorded,
    Report,
    Written,
)

PAGE: Final = 500
MOST_DIFFERENCES: Final = 10_000
"""Kept and listed; all are counted."""

SLICE: Final = timedelta(hours=6)
MARGIN: Final = timedelta(minutes=5)
"""A leg may be older than our row of its call by as much as a database was slow."""

Progress = Callable[[int, int], None]
"""Told how many calls are compared, and of how many."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which calls are compared: received from `first` to before `last`, or one.

    `late_too`: also those received before `first` that were settled since.
    """

    first: datetime
    last: datetime
    call_id: UUID | None = None
    late_too: bool = False


async def reconcile(
    s: AsyncSession, scope: Scope, *, at: datetime, progress: Progress = lambda *_: None
) -> Report:
    """Compare our paid time and charges with Asterisk's record; reads only.

    Calls that are still open are counted and left. Raises CallUnknown for a single one.
    """
    report = Report()
    report.kept_from_ms = await kept_from_us(s) // 1_000
    reach = Reach(report.kept_from_ms, to_ms(at))
    settled, report.open_calls = await _counts(s, scope)
    if scope.call_id is not None and not settled and not report.open_calls:
        raise CallUnknown(scope.call_id)
    queries = [_chosen(_calls(), scope)]
    if scope.late_too:
        late = select(func.count()).select_from(CallRow).join(SettlementRow, _OF_CALL)
        settled += await s.scalar(_settled_late(late, scope)) or 0
        queries.append(_settled_late(_calls(), scope))
    for query in queries:
        await _compare_all(s, query, reach, report, lambda done: progress(done, settled))
    if scope.call_id is None:
        await _strangers(s, scope, report)
    return report


async def _compare_all(
    s: AsyncSession,
    query: Select[*tuple[Any, ...]],
    reach: Reach,
    report: Report,
    progress: Callable[[int], None],
) -> None:
    after: After | None = None
    while True:
        page = await take(
            s,
            query,
            (CallRow.received_at, CallRow.id),
            limit=PAGE,
            after=after,
        )
        await _compare(s, page.items, reach, report)
        progress(report.compared)
        # What was compared needs no memory any more.
        s.expunge_all()
        after = page.after
        if after is None:
            return


_OF_CALL: Final = SettlementRow.call_id == CallRow.id


def _calls() -> Select[*tuple[Any, ...]]:
    return (
        select(CallRow, SettlementRow, PremiumSettlement)
        .join(SettlementRow, SettlementRow.call_id == CallRow.id)
        .outerjoin(PremiumSettlement, PremiumSettlement.call_id == CallRow.id)
        .execution_options(populate_existing=True)
    )


def _chosen(query: Select[*tuple[Any, ...]], scope: Scope) -> Select[*tuple[Any, ...]]:
    if scope.call_id is not None:
        return query.where(CallRow.id == scope.call_id)
    return query.where(CallRow.received_at >= scope.first, CallRow.received_at < scope.last)


def _settled_late(query: Select[*tuple[Any, ...]], scope: Scope) -> Select[*tuple[Any, ...]]:
    return query.where(CallRow.received_at < scope.first, SettlementRow.settled_at >= scope.first)


async def _counts(s: AsyncSession, scope: Scope) -> tuple[int, int]:
    """How many calls are settled, and how many aren't."""
    query = select(func.count(SettlementRow.call_id), func.count()).select_from(CallRow)
    query = query.outerjoin(SettlementRow, SettlementRow.call_id == CallRow.id)
    settled, every = (await s.execute(_chosen(query, scope))).one()
    return settled, every - settled


async def _compare(s: AsyncSession, found: Sequence[Found], reach: Reach, report: Report) -> None:
    if not found:
        return
    theirs = await recorded(s, found)
    for ours in await written(s, found):
        _count(report, ours, theirs[ours.call_id])
        report.add(rules.compare(ours, theirs[ours.call_id], reach), MOST_DIFFERENCES)


def _count(report: Report, ours: Written, theirs: Recorded) -> None:
    mine, his = list(ours.spans), list(rules.closed(theirs.intervals))
    report.ours_ms += rules.total_ms(mine)
    report.asterisks_ms += rules.total_ms(his)
    report.overrun_ms += ours.overrun_ms
    report.compared += 1
    if ours.premium and ours.meter is not None:
        mine.append(ours.meter)
        his += rules.closed([theirs.meter]) if theirs.meter else []
    if not mine and not his:
        report.free += 1
    elif rules.is_exact(mine, his):
        report.exact += 1
    elif rules.off_ms(mine, his) <= rules.TOLERANCE_MS:
        report.within += 1


async def _strangers(s: AsyncSession, scope: Scope, report: Report) -> None:
    """Look for calls in Asterisk's record that we don't know."""
    start = scope.first
    while start < scope.last:
        end = min(start + SLICE, scope.last)
        report.add(await _unknown(s, start, end), MOST_DIFFERENCES)
        report.strangers += await _refused(s, start, end)
        start = end


async def _unknown(s: AsyncSession, start: datetime, end: datetime) -> list[Difference]:
    """Find paid talk of calls that we don't have."""
    name = func.split_part(CelRecord.bridge_id, "-paid-", 1).label("name")
    rows = await s.execute(
        select(name, func.min(CelRecord.at_us))
        .where(
            CelRecord.at_us >= to_ms(start) * 1_000,
            CelRecord.at_us < to_ms(end) * 1_000,
            CelRecord.event == "BRIDGE_ENTER",
            CelRecord.bridge_id.contains("-paid-", autoescape=True),
        )
        .group_by(name)
    )
    seen = {call_id: at_us for one, at_us in rows if (call_id := _uuid(one)) is not None}
    known = await s.scalars(select(CallRow.id).where(CallRow.id == func.any(list(seen))))
    for call_id in known:
        del seen[call_id]
    return [
        Difference(
            call_id,
            at_us // 1_000,
            "call",
            None,
            None,
            0,
            Cause.CALL_UNKNOWN,
            "Asterisk's record has paid talk of a call that we don't know.",
        )
        for call_id, at_us in seen.items()
    ]


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


async def _refused(s: AsyncSession, start: datetime, end: datetime) -> int:
    """Count callers who were gone, or told that we are out of order, before they were written."""
    known = exists().where(
        CallRow.caller_channel == CelRecord.channel_id,
        CallRow.received_at >= start - MARGIN,
        CallRow.received_at < end + MARGIN,
    )
    count = await s.scalar(
        select(func.count())
        .select_from(CelRecord)
        .where(
            CelRecord.at_us >= to_ms(start) * 1_000,
            CelRecord.at_us < to_ms(end) * 1_000,
            CelRecord.event == "CHAN_START",
            CelRecord.channel_id == CelRecord.linked_id,
            ~known,
        )
    )
    return count or 0
