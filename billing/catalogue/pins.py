"""Experts' PINs for the expert line: tried under the row's lock, and set anew."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.errors import ExpertUnknown
from billing.catalogue.models import Expert, ExpertPin
from billing.pins.service import generate, hash_pin, try_pin
from billing.pins.values import Lock, PinCheck


async def check_pin(s: AsyncSession, expert_id: UUID, pin: str, at: datetime) -> PinCheck:
    """Try a PIN; an expert without one has only wrong ones. Commit also when it was wrong."""
    row = await s.scalar(
        select(ExpertPin)
        .where(ExpertPin.expert_id == expert_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        return PinCheck.WRONG
    lock = Lock(row.failures, row.lockouts, row.locked_until)
    check, after = await try_pin(lock, row.pin_hash, pin, at)
    row.failures, row.lockouts, row.locked_until = (
        after.failures,
        after.lockouts,
        after.locked_until,
    )
    await s.flush()
    return check


async def set_pin(s: AsyncSession, expert_id: UUID, pin: str | None = None) -> str:
    """Give an expert a new PIN, made up if none is given, and forget the wrong ones.

    Raises ExpertUnknown or PinInvalid.
    """
    if await s.get(Expert, expert_id) is None:
        raise ExpertUnknown(expert_id)
    pin = pin or generate()
    values = {
        "pin_hash": await hash_pin(pin),
        "failures": 0,
        "lockouts": 0,
        "locked_until": None,
    }
    await s.execute(
        insert(ExpertPin)
        .values(expert_id=expert_id, **values)
        .on_conflict_do_update(index_elements=[ExpertPin.expert_id], set_=values)
    )
    return pin
