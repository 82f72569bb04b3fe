"""Whether experts take calls: what they say themselves, until when, and their hours."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue import opening
from billing.catalogue.errors import ExpertUnknown, InvalidHours, UntilWithoutPresence
from billing.catalogue.models import Expert, ExpertHours
from billing.catalogue.values import OpenHours
from billing.kit.zones import check_zone

Presence = Literal["available", "there-but-not-available", "away"]

_WEEKDAYS: Final = range(7)
_HOURS: Final = select(ExpertHours).where(ExpertHours.expert_id == bindparam("expert_id"))


async def set_presence(
    s: AsyncSession, expert_id: UUID, presence: Presence, *, until: datetime | None = None
) -> int:
    """Say whether an expert takes calls; `until`: available up to then, whatever his hours.

    Gives the version this made of him. Raises ExpertUnknown or UntilWithoutPresence.
    """
    if until is not None and presence != "available":
        raise UntilWithoutPresence
    changed = await s.execute(
        update(Expert)
        .where(Expert.id == expert_id, Expert.removed_at.is_(None))
        .values(presence=presence, available_until=until, version=Expert.version + 1)
        .returning(Expert.version)
    )
    version = changed.scalar_one_or_none()
    if version is None:
        raise ExpertUnknown(expert_id)
    return version


async def end_presences(s: AsyncSession, at: datetime) -> dict[UUID, int]:
    """Set those away whose hour has passed; gives who they are, and the version each has now."""
    ended = await s.execute(
        update(Expert)
        .where(Expert.available_until <= at)
        .values(presence="away", available_until=None, version=Expert.version + 1)
        .returning(Expert.id, Expert.version)
    )
    return {row.id: row.version for row in ended}


async def takes_calls(s: AsyncSession, expert: Expert, at: datetime) -> bool:
    """Whether an expert takes calls at a moment, if he isn't in one."""
    if expert.presence != "available":
        return False
    if expert.available_until is not None:
        return at < expert.available_until
    return opening.is_open(await hours_of(s, expert.id), at, expert.time_zone)


async def hours_of(s: AsyncSession, expert_id: UUID) -> tuple[OpenHours, ...]:
    """Give an expert's hours in the order of the week; none: he always takes calls."""
    rows = await s.scalars(_HOURS, {"expert_id": expert_id})
    return tuple(sorted(OpenHours(row.weekday, row.from_minute, row.to_minute) for row in rows))


async def set_hours(
    s: AsyncSession,
    expert_id: UUID,
    hours: Sequence[OpenHours],
    *,
    time_zone: str | None = None,
) -> int:
    """Set an expert's hours, and the zone they are in unless None.

    Gives the version this made of him. Raises ExpertUnknown, InvalidHours or TimeZoneUnknown.
    """
    _check(hours)
    expert = await s.get(Expert, expert_id, populate_existing=True, with_for_update=True)
    if expert is None or expert.removed_at is not None:
        raise ExpertUnknown(expert_id)
    expert.version += 1
    if time_zone is not None:
        expert.time_zone = check_zone(time_zone)
    await s.execute(delete(ExpertHours).where(ExpertHours.expert_id == expert_id))
    if hours:
        await s.execute(
            insert(ExpertHours),
            [
                {
                    "expert_id": expert_id,
                    "weekday": one.weekday,
                    "from_minute": one.from_minute,
                    "to_minute": one.to_minute,
                }
                for one in hours
            ],
        )
    await s.flush()
    return expert.version


def _check(hours: Iterable[OpenHours]) -> None:
    before: OpenHours | None = None
    for one in sorted(hours):
        if one.weekday not in _WEEKDAYS:
            raise InvalidHours("a weekday is 0 (Monday) to 6 (Sunday)")
        if not 0 <= one.from_minute < one.to_minute <= opening.DAY_MINUTES:
            raise InvalidHours("they begin before they end, within one day")
        if before and before.weekday == one.weekday and one.from_minute < before.to_minute:
            raise InvalidHours("two stretches overlap")
        before = one
