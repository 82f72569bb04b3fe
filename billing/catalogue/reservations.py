"""Which expert is in which call: one open reservation each, kept so by unique indexes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.models import Reservation


async def reserve(s: AsyncSession, call_id: UUID, expert_id: UUID, at: datetime) -> bool:
    """Take an expert for a call; False: he is in another call, or the call has another expert.

    Waits for a transaction that is just taking him. Taking him twice for one call is once.
    """
    added = await s.execute(
        insert(Reservation)
        .values(expert_id=expert_id, call_id=call_id, reserved_at=at)
        .on_conflict_do_nothing()
        .returning(Reservation.id)
    )
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
    await s.execute(
        update(Reservation)
        .where(Reservation.call_id == call_id, Reservation.released_at.is_(None))
        .values(released_at=func.now() if at is None else at)
        .execution_options(synchronize_session=False)
    )
