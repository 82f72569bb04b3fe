"""Replaying settled calls from their records: streamed page by page, never anything written."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.errors import CallUnknown
from billing.calls.models import CallRow
from billing.calls.replay.choosing import Substitution
from billing.calls.replay.errors import CallUnsettled
from billing.calls.replay.reading import past_calls, settled_calls
from billing.calls.replay.reports import ReplayReport, RepriceReport
from billing.calls.replay.rules import replay, reprice
from billing.calls.replay.values import PastCall
from billing.kit.pages import After, take
from billing.ledger.models import SettlementRow

PAGE: Final = 500

Progress = Callable[[int, int], None]
"""Told how many calls are replayed, and of how many."""

Period = tuple[datetime, datetime]
"""Calls received from the first moment to before the second."""


async def begin_reading(s: AsyncSession) -> None:
    """Make the transaction one snapshot that PostgreSQL refuses to write in.

    Needs a session that has no transaction yet.
    """
    await s.connection(
        execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    )


async def past_call(s: AsyncSession, call_id: UUID) -> PastCall:
    """Give one settled call from its records; raises CallUnknown or CallUnsettled."""
    rows = (await s.execute(settled_calls().where(CallRow.id == call_id))).all()
    if not rows:
        if await s.scalar(select(CallRow.id).where(CallRow.id == call_id)) is None:
            raise CallUnknown(call_id)
        raise CallUnsettled(call_id)
    (call,) = await past_calls(s, rows)
    return call


async def replay_period(
    s: AsyncSession, period: Period, *, progress: Progress = lambda *_: None
) -> ReplayReport:
    """Rate all settled calls of a period again, and compare each with its record."""
    report = ReplayReport()
    settled, report.open_calls = await _counts(s, period)
    async for call in _stream(s, period):
        report.add(replay(call))
        progress(report.calls, settled)
    return report


async def reprice_period(
    s: AsyncSession,
    period: Period,
    prices: Substitution,
    *,
    most_listed: int = 20,
    progress: Progress = lambda *_: None,
) -> RepriceReport:
    """Rate all settled calls of a period under other prices, with the seconds that they had."""
    report = RepriceReport(most_listed)
    settled, report.open_calls = await _counts(s, period)
    async for call in _stream(s, period):
        report.add(reprice(call, prices))
        progress(report.calls, settled)
    return report


async def _stream(s: AsyncSession, period: Period) -> AsyncIterator[PastCall]:
    """Give the settled calls of a period in the order in which they came in."""
    after: After | None = None
    while True:
        page = await take(
            s,
            _within(settled_calls(), period),
            (CallRow.received_at, CallRow.id),
            limit=PAGE,
            after=after,
        )
        for call in await past_calls(s, page.items):
            yield call
        # What was replayed needs no memory any more.
        s.expunge_all()
        after = page.after
        if after is None:
            return


async def _counts(s: AsyncSession, period: Period) -> tuple[int, int]:
    """How many calls are settled, and how many aren't."""
    query = select(func.count(SettlementRow.call_id), func.count()).select_from(CallRow)
    query = query.outerjoin(SettlementRow, SettlementRow.call_id == CallRow.id)
    settled, every = (await s.execute(_within(query, period))).one()
    return settled, every - settled


def _within(query: Select[*tuple[Any, ...]], period: Period) -> Select[*tuple[Any, ...]]:
    first, last = period
    return query.where(CallRow.received_at >= first, CallRow.received_at < last)
