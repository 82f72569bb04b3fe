"""Alarms: raised while something is wrong, cleared when it is right again."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.pages import After, Slice, take
from billing.monitoring.models import AlarmRow
from billing.monitoring.values import Alarm, AlarmKind


async def raise_alarm(
    s: AsyncSession, kind: AlarmKind, subject: str, detail: str, *, at: datetime
) -> None:
    """Raise an alarm; one that is open already is counted once more and says the newest detail."""
    new = insert(AlarmRow).values(
        kind=kind, subject=subject, detail=detail, raised_at=at, seen_at=at
    )
    await s.execute(
        new.on_conflict_do_update(
            index_elements=[AlarmRow.kind, AlarmRow.subject],
            index_where=AlarmRow.cleared_at.is_(None),
            set_={"detail": detail, "seen_at": at, "times": AlarmRow.times + 1},
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
        kind=AlarmKind(row.kind),
        subject=row.subject,
        detail=row.detail,
        raised_at=row.raised_at,
        seen_at=row.seen_at,
        times=row.times,
        cleared_at=row.cleared_at,
    )
