"""Callers' PINs: tried from a source, set anew, and unlocked by the operator."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import CallerAccount, PinState
from billing.pins import sources
from billing.pins.service import generate, hash_pin
from billing.pins.values import PinCheck


async def check_pin(
    s: AsyncSession, account_id: UUID, pin: str, *, source: str, at: datetime
) -> PinCheck:
    """Try a PIN that is keyed from a source. Commit also when it was wrong."""
    await s.execute(
        insert(PinState)
        .values(account_id=account_id, failures=0, lockouts=0)
        .on_conflict_do_nothing()
    )
    return await sources.try_pin(s, _owner(account_id), pin, source=source, at=at)


async def set_pin(s: AsyncSession, account_id: UUID) -> str:
    """Make a new PIN for an account, forget the wrong ones, and give it: it is kept nowhere."""
    pin = generate()
    await s.execute(
        update(CallerAccount)
        .where(CallerAccount.id == account_id)
        .values(pin_hash=await hash_pin(pin))
    )
    await sources.forget(s, _owner(account_id))
    return pin


async def unlock_pin(s: AsyncSession, account_id: UUID) -> None:
    """Let the PIN be tried again from everywhere; it stays as it is."""
    await sources.unlock(s, _owner(account_id))


def _owner(account_id: UUID) -> sources.Owner:
    return sources.Owner(
        account_id,
        select(PinState).where(PinState.account_id == account_id),
        select(CallerAccount.pin_hash).where(CallerAccount.id == account_id),
    )
