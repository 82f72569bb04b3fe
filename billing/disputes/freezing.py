"""Disputed calls keep their money where it is."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.models import CallRow
from billing.disputes.models import DisputeRow


async def frozen_by_dispute(s: AsyncSession, session_ids: Collection[UUID]) -> set[UUID]:
    """Give those of the calls whose money mustn't be moved: a dispute is open, or was upheld.

    The calls are locked, so that until the commit no dispute of them is opened or closed.
    """
    wanted = list(session_ids)
    await s.execute(
        select(CallRow.id)
        .where(CallRow.id == func.any(wanted))
        .order_by(CallRow.id)
        .with_for_update(read=True)
    )
    found = await s.scalars(
        select(DisputeRow.call_id).where(
            DisputeRow.call_id == func.any(wanted), DisputeRow.state != "rejected"
        )
    )
    return set(found)
