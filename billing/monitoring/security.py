"""Strangers at Asterisk's door, as counts that a flood can't swell."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.monitoring.models import AlarmRow, SecurityCountRow
from billing.monitoring.values import SecurityCount

KEPT: Final = timedelta(days=30)
ALARMS_KEPT: Final = timedelta(days=365)


async def add_counts(s: AsyncSession, asterisk_id: str, counts: Sequence[SecurityCount]) -> None:
    """Add to what is counted of the same minutes, events and sources."""
    if not counts:
        return
    new = insert(SecurityCountRow).values(
        [
            {
                "asterisk_id": asterisk_id,
                "minute": one.minute,
                "event": one.event,
                "source": one.source,
                "account": one.account,
                "times": one.times,
            }
            for one in counts
        ]
    )
    await s.execute(
        new.on_conflict_do_update(
            index_elements=[
                SecurityCountRow.asterisk_id,
                SecurityCountRow.minute,
                SecurityCountRow.event,
                SecurityCountRow.source,
            ],
            set_={
                "times": SecurityCountRow.times + new.excluded.times,
                "account": new.excluded.account,
            },
        )
    )


async def list_counts(
    s: AsyncSession, *, since: datetime | None = None, limit: int = 200
) -> list[SecurityCount]:
    """List the counts, newest minute and greatest number first."""
    query = select(SecurityCountRow).order_by(
        SecurityCountRow.minute.desc(), SecurityCountRow.times.desc()
    )
    if since is not None:
        query = query.where(SecurityCountRow.minute >= since)
    return [
        SecurityCount(
            minute=row.minute,
            event=row.event,
            source=row.source,
            account=row.account,
            times=row.times,
        )
        for row in await s.scalars(query.limit(limit))
    ]


async def trim(s: AsyncSession, at: datetime) -> int:
    """Drop counts and cleared alarms that are too old; gives how many counts went."""
    old = delete(SecurityCountRow).where(SecurityCountRow.minute < at - KEPT)
    gone = await s.scalars(old.returning(SecurityCountRow.minute))
    await s.execute(delete(AlarmRow).where(AlarmRow.cleared_at < at - ALARMS_KEPT))
    return len(gone.all())
