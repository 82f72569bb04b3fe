"""PINs: made, hashed, tried. A PIN is in memory only while it is used."""

import asyncio
import re
import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import CallerAccount, PinState
from billing.accounts.values import PinCheck
from billing.kit.errors import PrimelineError

FAILURES_TO_LOCK: Final = 5
"""Wrong PINs in a row, over all calls, that lock the account."""

FIRST_LOCK_MINUTES: Final = 15
LONGEST_LOCK_MINUTES: Final = 24 * 60
"""Each lock without a right PIN between is twice as long as the one before, up to this."""

GENERATED_DIGITS: Final = 6

# OWASP's parameters for argon2id: a call must not wait, many calls must not fill the memory.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_PIN: Final = re.compile(r"[0-9]{4,12}")


class PinInvalid(PrimelineError):
    """A PIN that can't be keyed or is too short."""

    code = "pin-invalid"

    def __init__(self) -> None:
        super().__init__("A PIN has 4 to 12 digits and nothing else.")


def generate() -> str:
    """Make a random PIN."""
    return f"{secrets.randbelow(10**GENERATED_DIGITS):0{GENERATED_DIGITS}d}"


async def hash_pin(pin: str) -> str:
    """Hash a PIN, off the event loop; raises PinInvalid."""
    if not _PIN.fullmatch(pin):
        raise PinInvalid
    return await asyncio.to_thread(_HASHER.hash, pin)


def _matches(pin_hash: str, pin: str) -> bool:
    try:
        return _HASHER.verify(pin_hash, pin)
    except (VerificationError, InvalidHashError):
        return False


async def check_pin(s: AsyncSession, account_id: UUID, pin: str, now: datetime) -> PinCheck:
    """Try a PIN. Commit also when it was wrong: the failure counted is what stops guessing.

    The try is counted, under the row's lock, before the PIN is looked at, so that many calls at
    once get no more tries than one. While locked nothing is tried or counted.
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
    if state.locked_until is not None and now < state.locked_until:
        return PinCheck.LOCKED
    if await asyncio.to_thread(_matches, pin_hash, pin):
        await _set(s, account_id, failures=0, lockouts=0, locked_until=None)
        return PinCheck.RIGHT
    failures = state.failures + 1
    if failures < FAILURES_TO_LOCK:
        await _set(s, account_id, failures=failures, lockouts=state.lockouts, locked_until=None)
        return PinCheck.WRONG
    minutes = min(FIRST_LOCK_MINUTES * 2**state.lockouts, LONGEST_LOCK_MINUTES)
    await _set(
        s,
        account_id,
        failures=0,
        lockouts=state.lockouts + 1,
        locked_until=now + timedelta(minutes=minutes),
    )
    return PinCheck.LOCKED


async def set_pin(s: AsyncSession, account_id: UUID) -> str:
    """Make a new PIN for an account, forget the wrong ones, and give it: it is kept nowhere."""
    pin = generate()
    await s.execute(
        update(CallerAccount)
        .where(CallerAccount.id == account_id)
        .values(pin_hash=await hash_pin(pin))
    )
    await _set(s, account_id, failures=0, lockouts=0, locked_until=None)
    return pin


async def _set(
    s: AsyncSession,
    account_id: UUID,
    *,
    failures: int,
    lockouts: int,
    locked_until: datetime | None,
) -> None:
    await s.execute(
        update(PinState)
        .where(PinState.account_id == account_id)
        .values(failures=failures, lockouts=lockouts, locked_until=locked_until)
    )
