"""PINs tried from somewhere: a guesser locks himself out, not whose PIN it is.

A source from which the right PIN came before is known and counts alone; all others count together
too, so that spreading guesses over sources gains nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    and_,
    case,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.pins import rules
from billing.pins.models import PinSource, Strangers
from billing.pins.service import matches
from billing.pins.values import Lock, PinCheck


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose PIN it is, and how his rows are read."""

    id: UUID
    strangers: Select[Any]
    pin_hash: Select[Any]


async def try_pin(
    s: AsyncSession, owner: Owner, pin: str, *, source: str, at: datetime
) -> PinCheck:
    """Try a PIN. Commit also when it was wrong: the failure counted is what stops guessing.

    Each try holds the row that counts it, so that many calls at once get no more tries than
    one. While locked nothing is tried or counted. A known source waits for no other one.
    """
    mine = _mine(owner.id, source)
    row = await s.scalar(mine.where(PinSource.known_at.is_not(None)))
    strangers: Strangers | None = None
    if row is None:
        strangers = await s.scalar(_locked(owner.strangers))
        if strangers is None:
            return PinCheck.WRONG
        if rules.is_locked(strangers.locked_until, at):
            return PinCheck.LOCKED
        await _forget_stale(s, owner.id, at)
        await s.execute(
            insert(PinSource).values(owner_id=owner.id, source=source).on_conflict_do_nothing()
        )
        row = (await s.scalars(mine)).one()
    if rules.is_locked(row.locked_until, at):
        return PinCheck.LOCKED
    right = await matches(await s.scalar(owner.pin_hash), pin)
    lock = Lock(row.failures, row.lockouts, row.locked_until, row.in_day, row.day_began_at)
    check, after = rules.after_try(lock, at, right=right)
    row.failures, row.lockouts, row.locked_until = (
        after.failures,
        after.lockouts,
        after.locked_until,
    )
    row.in_day, row.day_began_at = after.in_day, after.day_began_at
    if right:
        row.known_at = at
    elif strangers is not None:
        check = _count_stranger(strangers, check, at)
    await s.flush()
    return check


async def unlock(s: AsyncSession, owner: Owner) -> None:
    """Forget the wrong PINs, not which sources are known."""
    await _welcome(s, owner)
    await s.execute(
        update(PinSource)
        .where(PinSource.owner_id == owner.id)
        .values(failures=0, lockouts=0, locked_until=None, in_day=0, day_began_at=None)
    )


async def forget(s: AsyncSession, owner: Owner) -> None:
    """Forget wrong PINs and known sources: the PIN is another one."""
    await _welcome(s, owner)
    await s.execute(delete(PinSource).where(PinSource.owner_id == owner.id))


def is_mine(owner_id: SQLColumnExpression[Any], source: ColumnElement[str]) -> ColumnElement[bool]:
    """Give the condition of an outer join with a source's row."""
    return and_(PinSource.owner_id == owner_id, PinSource.source == source)


def locked_until(strangers: type[Strangers]) -> ColumnElement[datetime | None]:
    """Give until when no PIN is tried from the joined source; it may be over, or null."""
    for_strangers = case((PinSource.known_at.is_(None), strangers.locked_until))
    return func.greatest(PinSource.locked_until, for_strangers)


def _mine(owner_id: UUID, source: str) -> Select[PinSource]:
    return _locked(
        select(PinSource).where(PinSource.owner_id == owner_id, PinSource.source == source)
    )


def _locked(query: Select[Any]) -> Select[Any]:
    return query.with_for_update().execution_options(populate_existing=True)


def _count_stranger(row: Strangers, check: PinCheck, at: datetime) -> PinCheck:
    before = Lock(lockouts=row.lockouts, in_day=row.failures, day_began_at=row.day_began_at)
    after = rules.after_stranger(before, at)
    row.failures, row.day_began_at = after.in_day, after.day_began_at
    row.lockouts, row.locked_until = after.lockouts, after.locked_until
    return PinCheck.LOCKED if rules.is_locked(after.locked_until, at) else check


async def _welcome(s: AsyncSession, owner: Owner) -> None:
    """Forget the wrong PINs of strangers, whose row is locked before any source's."""
    row: Strangers | None = await s.scalar(_locked(owner.strangers))
    if row is not None:
        row.failures, row.lockouts = 0, 0
        row.day_began_at, row.locked_until = None, None
        await s.flush()


async def _forget_stale(s: AsyncSession, owner_id: UUID, at: datetime) -> None:
    """Drop strangers whose day and longest lock are over: the caller ids are no longer needed."""
    await s.execute(
        delete(PinSource).where(
            PinSource.owner_id == owner_id,
            PinSource.known_at.is_(None),
            PinSource.day_began_at < at - 2 * rules.DAY,
        )
    )
