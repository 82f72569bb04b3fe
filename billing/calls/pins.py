"""A PIN keyed in a call: counted for where the call comes from."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import pins
from billing.calls.models import CallRow
from billing.pins.rules import source_of
from billing.pins.values import PinCheck


async def check_pin(
    s: AsyncSession, call_id: UUID, account_id: UUID, pin: str, at: datetime
) -> PinCheck:
    """Try the PIN of a call's account. Commit also when it was wrong."""
    query = select(CallRow.trunk, CallRow.caller_number).where(CallRow.id == call_id)
    trunk, number = (await s.execute(query)).one()
    return await pins.check_pin(s, account_id, pin, source=source_of(trunk, number), at=at)
