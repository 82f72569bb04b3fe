"""Asterisk's record is kept for so many days; what is older goes, a batch at a time."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.cel import MICROSECONDS_PER_MS, kept_from_us, oldest_us
from billing.calls.models import CelRecord, CelTrim
from billing.kit.clock import to_ms

BATCH: Final = 10_000


async def keep_from(s: AsyncSession, at: datetime, days: int) -> None:
    """Write down since when the record is kept: `days` before `at`, and never less than before.

    Commit it before anything is deleted: whoever compares in between must know that lines may lack.
    """
    new = insert(CelTrim).values(
        id=1, kept_from_us=to_ms(at - timedelta(days=days)) * MICROSECONDS_PER_MS
    )
    await s.execute(
        new.on_conflict_do_update(
            index_elements=[CelTrim.id],
            set_={"kept_from_us": func.greatest(CelTrim.kept_from_us, new.excluded.kept_from_us)},
        )
    )


async def drop_batch(s: AsyncSession) -> int:
    """Delete some of the lines that aren't kept any more; gives how many, 0: none is left."""
    old = select(CelRecord.id).where(CelRecord.at_us < oldest_us(await kept_from_us(s)))
    gone = await s.scalars(
        delete(CelRecord)
        .where(CelRecord.id.in_(old.limit(BATCH)))
        .returning(CelRecord.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
