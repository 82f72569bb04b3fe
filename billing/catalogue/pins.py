"""Experts' PINs for the expert line: tried from a source, set anew, unlocked by the operator."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.errors import ExpertUnknown
from billing.catalogue.models import Expert, ExpertPin
from billing.pins import sources
from billing.pins.service import generate, hash_pin
from billing.pins.values import PinCheck


async def check_pin(
    s: AsyncSession, expert_id: UUID, pin: str, *, source: str, at: datetime
) -> PinCheck:
    """Try a PIN; an expert without one has only wrong ones. Commit also when it was wrong."""
    return await sources.try_pin(s, _owner(expert_id), pin, source=source, at=at)


async def set_pin(s: AsyncSession, expert_id: UUID, pin: str | None = None) -> str:
    """Give an expert a new PIN, made up if none is given, and forget the wrong ones.

    Raises ExpertUnknown or PinInvalid.
    """
    if await s.get(Expert, expert_id) is None:
        raise ExpertUnknown(expert_id)
    pin = pin or generate()
    pin_hash = await hash_pin(pin)
    await s.execute(
        insert(ExpertPin)
        .values(expert_id=expert_id, pin_hash=pin_hash, failures=0, lockouts=0)
        .on_conflict_do_update(index_elements=[ExpertPin.expert_id], set_={"pin_hash": pin_hash})
    )
    await sources.forget(s, _owner(expert_id))
    return pin


async def unlock_pin(s: AsyncSession, expert_id: UUID) -> None:
    """Let the PIN be tried again from everywhere; it stays as it is."""
    await sources.unlock(s, _owner(expert_id))


def _owner(expert_id: UUID) -> sources.Owner:
    return sources.Owner(
        expert_id,
        select(ExpertPin).where(ExpertPin.expert_id == expert_id),
        select(ExpertPin.pin_hash).where(ExpertPin.expert_id == expert_id),
    )
