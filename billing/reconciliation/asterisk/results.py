"""What comparisons came to, kept: one row each, and one for each difference."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.clock import from_ms, to_ms
from billing.kit.ids import new_call_id
from billing.kit.pages import After, Slice, take
from billing.reconciliation.asterisk.errors import ReconciliationUnknown
from billing.reconciliation.asterisk.models import DifferenceRow, ReconciliationRow
from billing.reconciliation.asterisk.service import Scope
from billing.reconciliation.asterisk.values import EXPLAINED, Cause, Difference, Kept, Report

KEPT: Final = timedelta(days=400)
NIGHTLY: Final = "worker"
"""Who compared, of those of each night."""

_BATCH: Final = 1_000
"""Rows of one statement: PostgreSQL takes 65 535 values at most."""


async def keep(s: AsyncSession, scope: Scope, report: Report, *, by: str, at: datetime) -> UUID:
    """Write down what a comparison came to; gives its id."""
    row = ReconciliationRow(
        id=new_call_id(),
        first_at=scope.first,
        until=scope.last,
        call_id=scope.call_id,
        compared_at=at,
        compared_by=by,
        calls=report.compared,
        unexplained=report.wrong,
        causes={str(cause): times for cause, times in report.causes.items()},
        kept_from=from_ms(report.kept_from_ms) if report.kept_from_ms else None,
    )
    s.add(row)
    await s.flush()
    rows = [
        _values(row.id, position, one) for position, one in enumerate(report.differences, start=1)
    ]
    for start in range(0, len(rows), _BATCH):
        await s.execute(insert(DifferenceRow), rows[start : start + _BATCH])
    return row.id


def _values(kept_id: UUID, position: int, one: Difference) -> dict[str, Any]:
    return {
        "reconciliation_id": kept_id,
        "position": position,
        "call_id": one.call_id,
        "received_at": from_ms(one.received_ms),
        "what": one.what,
        "ours": one.ours,
        "asterisks": one.asterisks,
        "off_ms": one.off_ms,
        "cause": str(one.cause),
        "sentence": one.sentence,
    }


async def has_news(s: AsyncSession, scope: Scope, report: Report) -> bool:
    """Whether something is wrong that the last night's comparison of the same period didn't know.

    A difference whose figures changed is another one. Ask before `keep`.
    """
    last = await s.scalar(
        select(ReconciliationRow)
        .where(
            ReconciliationRow.first_at == scope.first,
            ReconciliationRow.until == scope.last,
            ReconciliationRow.compared_by == NIGHTLY,
            ReconciliationRow.call_id.is_(None),
        )
        .order_by(ReconciliationRow.compared_at.desc(), ReconciliationRow.id.desc())
        .limit(1)
    )
    if last is None or report.wrong > last.unexplained:
        return report.wrong > 0
    known = await s.scalars(
        select(DifferenceRow).where(
            DifferenceRow.reconciliation_id == last.id,
            DifferenceRow.cause.not_in(sorted(EXPLAINED)),
        )
    )
    seen = {(row.call_id, row.what, row.ours, row.asterisks, row.cause) for row in known}
    return any(
        (one.call_id, one.what, one.ours, one.asterisks, str(one.cause)) not in seen
        for one in report.differences
        if not one.explained
    )


async def page(
    s: AsyncSession, *, limit: int, after: After | None = None, wrong_only: bool = False
) -> Slice[Kept]:
    """List the comparisons that are kept, the latest first."""
    query = select(ReconciliationRow)
    if wrong_only:
        query = query.where(ReconciliationRow.unexplained > 0)
    keys = (ReconciliationRow.compared_at, ReconciliationRow.id)
    found = await take(s, query, keys, limit=limit, after=after, descending=True)
    return Slice(tuple(_kept(row) for row in found.items), found.after)


async def get(s: AsyncSession, kept_id: UUID) -> Kept:
    """Give one comparison; raises ReconciliationUnknown."""
    row = await s.get(ReconciliationRow, kept_id, populate_existing=True)
    if row is None:
        raise ReconciliationUnknown(kept_id)
    return _kept(row)


async def page_differences(
    s: AsyncSession, kept_id: UUID, *, limit: int, after: After | None = None
) -> Slice[Difference]:
    """List what a comparison found, in the order it was found; raises ReconciliationUnknown."""
    await get(s, kept_id)
    query = select(DifferenceRow).where(DifferenceRow.reconciliation_id == kept_id)
    found = await take(s, query, (DifferenceRow.position,), limit=limit, after=after)
    return Slice(tuple(_difference(row) for row in found.items), found.after)


async def trim(s: AsyncSession, at: datetime) -> None:
    """Drop comparisons that are too old, with what they found."""
    await s.execute(delete(ReconciliationRow).where(ReconciliationRow.compared_at < at - KEPT))


def _kept(row: ReconciliationRow) -> Kept:
    return Kept(
        kept_id=row.id,
        first_at=row.first_at,
        until=row.until,
        call_id=row.call_id,
        compared_at=row.compared_at,
        compared_by=row.compared_by,
        calls=row.calls,
        differences=sum(row.causes.values()),
        unexplained=row.unexplained,
        causes=row.causes,
        kept_from=row.kept_from,
    )


def _difference(row: DifferenceRow) -> Difference:
    return Difference(
        row.call_id,
        to_ms(row.received_at),
        row.what,
        row.ours,
        row.asterisks,
        row.off_ms,
        Cause(row.cause),
        row.sentence,
    )
