"""Which expert is in which call: one open reservation each, kept so by unique indexes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.models import Reservation
from billing.kit.rows import table_of

_RESERVATIONS = table_of(Reservation)
_RESERVE = (
    insert(_RESERVATIONS)
    .values(
        expert_id=bindparam("expert_id"),
        call_id=bindparam("call_id"),
        reserved_at=bindparam("reserved_at"),
    )
    .on_conflict_do_nothing()
    .returning(_RESERVATIONS.c.id)
)
_FREE = (
    update(_RESERVATIONS)
    .where(_RESERVATIONS.c.call_id == bindparam("call"), _RESERVATIONS.c.released_at.is_(None))
    .values(released_at=func.coalesce(bindparam("at", type_=DateTime(timezone=True)), func.now()))
)


async def reserve(s: AsyncSession, call_id: UUID, expert_id: UUID, at: datetime) -> bool:
    """Take an expert for a call; False: he is in another call, or the call has another expert.

    Waits for a transaction that is just taking him. Taking him twice for one call is once.
    """
    given = {"expert_id": expert_id, "call_id": call_id, "reserved_at": at}
    added = await s.execute(_RESERVE, given)
    if added.first() is not None:
        return True
    return await reserved_expert(s, call_id) == expert_id


async def reserved_expert(s: AsyncSession, call_id: UUID) -> UUID | None:
    """Give the expert a call has taken now."""
    found: UUID | None = await s.scalar(
        select(Reservation.expert_id).where(
            Reservation.call_id == call_id, Reservation.released_at.is_(None)
        )
    )
    return found


async def free(s: AsyncSession, call_id: UUID, at: datetime | None = None) -> None:
    """Free the expert of a call, if it has one; `at` None: the transaction's own time."""
    await s.execute(_FREE, {"call": call_id, "at": at})
