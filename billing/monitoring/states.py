"""How each Asterisk, and what it exchanges calls with, is."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import case, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.monitoring.alarms import clear_alarm, raise_alarm
from billing.monitoring.models import AsteriskStateRow, EndpointStateRow
from billing.monitoring.values import (
    AlarmKind,
    AsteriskCondition,
    AsteriskState,
    EndpointCondition,
    EndpointKind,
    EndpointState,
)

MONITOR_SILENT: Final = timedelta(minutes=2)


async def set_asterisk(
    s: AsyncSession,
    asterisk_id: str,
    condition: AsteriskCondition,
    *,
    at: datetime,
    started_at: datetime | None = None,
) -> None:
    """Write how an Asterisk looks now; without `started_at` the known one stays."""
    new = insert(AsteriskStateRow).values(
        asterisk_id=asterisk_id, condition=condition, since=at, started_at=started_at, seen_at=at
    )
    same = AsteriskStateRow.condition == condition
    await s.execute(
        new.on_conflict_do_update(
            index_elements=[AsteriskStateRow.asterisk_id],
            set_={
                "condition": condition,
                "since": case((same, AsteriskStateRow.since), else_=at),
                "started_at": func.coalesce(new.excluded.started_at, AsteriskStateRow.started_at),
                "seen_at": at,
            },
        )
    )


async def list_asterisks(s: AsyncSession) -> list[AsteriskState]:
    """List every Asterisk that was ever watched, by name."""
    rows = await s.scalars(select(AsteriskStateRow).order_by(AsteriskStateRow.asterisk_id))
    return [
        AsteriskState(
            asterisk_id=row.asterisk_id,
            condition=AsteriskCondition(row.condition),
            since=row.since,
            started_at=row.started_at,
            seen_at=row.seen_at,
        )
        for row in rows
    ]


async def watch_monitors(s: AsyncSession, at: datetime) -> None:
    """Raise an alarm for each Asterisk whose monitor is silent; clear it where it isn't."""
    for one in await list_asterisks(s):
        if at - one.seen_at > MONITOR_SILENT:
            detail = f"The monitor of Asterisk {one.asterisk_id} has said nothing for a while."
            await raise_alarm(s, AlarmKind.MONITOR_AWAY, one.asterisk_id, detail, at=at)
        else:
            await clear_alarm(s, AlarmKind.MONITOR_AWAY, one.asterisk_id, at=at)


async def set_endpoint(
    s: AsyncSession,
    asterisk_id: str,
    kind: EndpointKind,
    name: str,
    condition: EndpointCondition,
    *,
    at: datetime,
) -> None:
    """Write how a trunk, a registration or a phone is now."""
    new = insert(EndpointStateRow).values(
        asterisk_id=asterisk_id, kind=kind, name=name, condition=condition, since=at
    )
    await s.execute(
        new.on_conflict_do_update(
            index_elements=[
                EndpointStateRow.asterisk_id,
                EndpointStateRow.kind,
                EndpointStateRow.name,
            ],
            set_={"condition": condition, "since": at},
            where=EndpointStateRow.condition != condition,
        )
    )


async def keep_endpoints(
    s: AsyncSession, asterisk_id: str, known: Collection[tuple[EndpointKind, str]]
) -> None:
    """Forget the states of all that Asterisk doesn't know any more."""
    gone = delete(EndpointStateRow).where(EndpointStateRow.asterisk_id == asterisk_id)
    if known:
        key = tuple_(EndpointStateRow.kind, EndpointStateRow.name)
        gone = gone.where(key.not_in([(str(kind), name) for kind, name in known]))
    await s.execute(gone)


async def list_endpoints(s: AsyncSession, asterisk_id: str | None = None) -> list[EndpointState]:
    """List the states, by kind and name."""
    query = select(EndpointStateRow).order_by(EndpointStateRow.kind, EndpointStateRow.name)
    if asterisk_id is not None:
        query = query.where(EndpointStateRow.asterisk_id == asterisk_id)
    return [
        EndpointState(
            asterisk_id=row.asterisk_id,
            kind=EndpointKind(row.kind),
            name=row.name,
            condition=EndpointCondition(row.condition),
            since=row.since,
        )
        for row in await s.scalars(query)
    ]
