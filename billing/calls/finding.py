"""Calls found by the beginning of their id."""

import re
from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from billing.calls.errors import BeginningInvalid, CallAmbiguous, CallUnknown
from billing.calls.models import CallRow

SHORTEST: Final = 13
"""Characters of an id that hold its time to the millisecond, so that they stay enough."""

_HEX_DIGITS: Final = 32


async def call_by_beginning(s: AsyncSession, beginning: str) -> UUID:
    """Give the one call whose id begins so.

    Raises BeginningInvalid, CallUnknown, or CallAmbiguous where there are several.
    """
    digits = beginning.strip().lower().replace("-", "")
    if not re.fullmatch(f"[0-9a-f]{{1,{_HEX_DIGITS}}}", digits):
        raise BeginningInvalid(beginning)
    lowest = UUID(digits.ljust(_HEX_DIGITS, "0"))
    highest = UUID(digits.ljust(_HEX_DIGITS, "f"))
    query = select(CallRow.id).where(CallRow.id.between(lowest, highest)).limit(2)
    found = (await s.scalars(query)).all()
    if not found:
        raise CallUnknown(beginning)
    if len(found) > 1:
        raise CallAmbiguous(beginning)
    return found[0]


async def beginnings(s: AsyncSession, call_ids: Collection[UUID]) -> dict[UUID, str]:
    """Give for each call the beginning of its id by which it is found."""
    other = aliased(CallRow)

    below = select(other.id).where(other.id < CallRow.id).order_by(other.id.desc()).limit(1)
    above = select(other.id).where(other.id > CallRow.id).order_by(other.id).limit(1)
    rows = await s.execute(
        select(
            CallRow.id,
            below.correlate(CallRow).scalar_subquery(),
            above.correlate(CallRow).scalar_subquery(),
        ).where(CallRow.id.in_(call_ids))
    )
    found = {}
    for call_id, *neighbours in rows:
        shared = [_shared(str(call_id), str(one)) for one in neighbours if one is not None]
        found[call_id] = str(call_id)[: max([SHORTEST, *(one + 1 for one in shared)])]
    return found


def _shared(one: str, other: str) -> int:
    return next(at for at, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1])
