"""Alarms: raised while something is wrong, cleared when it is right again."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.pages import After, Slice, take
from billing.monitoring.errors import AlarmOver, AlarmUnknown
from billing.monitoring.models import AlarmRow
from billing.monitoring.values import Alarm, AlarmKind


async def raise_alarm(
    s: AsyncSession,
    kind: AlarmKind,
    subject: str,
    detail: str,
    *,
    at: datetime,
    news: bool = False,
) -> None:
    """Raise an alarm; one that is open already is counted once more and says the newest detail.

    `news`: it is about something that nobody can have seen yet, so that it has to be acknowledged
    anew.
    """
    found: dict[str, Any] = {"detail": detail, "seen_at": at, "times": AlarmRow.times + 1}
    if news:
        found |= {"acknowledged_at": None, "acknowledged_by": None}
    new = insert(AlarmRow).values(
        kind=kind, subject=subject, detail=detail, raised_at=at, seen_at=at
    )
    await s.execute(
        new.on_conflict_do_update(
            index_elements=[AlarmRow.kind, AlarmRow.subject],
            index_where=AlarmRow.cleared_at.is_(None),
            set_=found,
        )
    )


async def clear_alarm(s: AsyncSession, kind: AlarmKind, subject: str, *, at: datetime) -> bool:
    """Clear an alarm; gives whether it was open."""
    cleared = await s.scalars(
        update(AlarmRow)
        .where(AlarmRow.kind == kind, AlarmRow.subject == subject, AlarmRow.cleared_at.is_(None))
        .values(cleared_at=at)
        .returning(AlarmRow.id)
    )
    return cleared.first() is not None


async def acknowledge(
    s: AsyncSession, alarm_id: int, *, by: str, at: datetime
) -> tuple[Alarm, bool]:
    """Note that somebody has seen an alarm; False beside it: somebody had before, and he stays.

    It stays open until what it is about is right. Raises AlarmUnknown or AlarmOver.
    """
    row = await s.get(AlarmRow, alarm_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise AlarmUnknown(alarm_id)
    if row.cleared_at is not None:
        raise AlarmOver(alarm_id)
    new = row.acknowledged_at is None
    if new:
        row.acknowledged_at, row.acknowledged_by = at, by
        await s.flush()
    return _alarm(row), new


async def list_alarms(
    s: AsyncSession,
    *,
    kind: AlarmKind | None = None,
    cleared_too: bool = False,
    limit: int = 200,
) -> list[Alarm]:
    """List the open alarms (of one kind), newest first; the cleared ones too where asked for."""
    query = select(AlarmRow).order_by(AlarmRow.raised_at.desc(), AlarmRow.id.desc()).limit(limit)
    if kind is not None:
        query = query.where(AlarmRow.kind == kind)
    if not cleared_too:
        query = query.where(AlarmRow.cleared_at.is_(None))
    return [_alarm(row) for row in await s.scalars(query)]


async def page_alarms(
    s: AsyncSession,
    *,
    limit: int,
    after: After | None = None,
    kind: AlarmKind | None = None,
    cleared_too: bool = False,
) -> Slice[Alarm]:
    """List alarms page by page, in the order they were first raised, newest first."""
    query = select(AlarmRow)
    if kind is not None:
        query = query.where(AlarmRow.kind == kind)
    if not cleared_too:
        query = query.where(AlarmRow.cleared_at.is_(None))
    found = await take(s, query, (AlarmRow.id,), limit=limit, after=after, descending=True)
    return Slice(tuple(_alarm(row) for row in found.items), found.after)


def _alarm(row: AlarmRow) -> Alarm:
    return Alarm(
        alarm_id=row.id,
        kind=AlarmKind(row.kind),
        subject=row.subject,
        detail=row.detail,
        raised_at=row.raised_at,
        seen_at=row.seen_at,
        times=row.times,
        cleared_at=row.cleared_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
    )
