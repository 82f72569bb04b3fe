"""Callers' PINs: tried under the row's lock, and set anew."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import CallerAccount, PinState
from billing.pins.service import generate, hash_pin, try_pin
from billing.pins.values import Lock, PinCheck


async def check_pin(s: AsyncSession, account_id: UUID, pin: str, now: datetime) -> PinCheck:
    """Try a PIN. Commit also when it was wrong: the failure counted is what stops guessing.

    The try is counted under the row's lock, so that many calls at once get no more tries than
    one. While locked nothing is tried or counted.
    """
    await s.execute(
        insert(PinState)
        .values(account_id=account_id, failures=0, lockouts=0)
        .on_conflict_do_nothing()
    )
    state = await s.scalar(
        select(PinState)
        .where(PinState.account_id == account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    pin_hash = await s.scalar(select(CallerAccount.pin_hash).where(CallerAccount.id == account_id))
    if state is None or pin_hash is None:
        return PinCheck.WRONG
    lock = Lock(state.failures, state.lockouts, state.locked_until)
    check, after = await try_pin(lock, pin_hash, pin, now)
    await _keep(s, account_id, after)
    return check


async def set_pin(s: AsyncSession, account_id: UUID) -> str:
    """Make a new PIN for an account, forget the wrong ones, and give it: it is kept nowhere."""
    pin = generate()
    await s.execute(
        update(CallerAccount)
        .where(CallerAccount.id == account_id)
        .values(pin_hash=await hash_pin(pin))
    )
    await _keep(s, account_id, Lock())
    return pin


async def _keep(s: AsyncSession, account_id: UUID, lock: Lock) -> None:
    await s.execute(
        update(PinState)
        .where(PinState.account_id == account_id)
        .values(failures=lock.failures, lockouts=lock.lockouts, locked_until=lock.locked_until)
    )
