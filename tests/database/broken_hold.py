"""A hold as it must never be: the wallet is read, and then written with what was read."""

import asyncio
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger.models import Wallet

THINKING_SECONDS = 0.02
"""Between its look and its write, as on a busy machine."""


async def read_then_write(s: AsyncSession, wallet_id: UUID, amount: int) -> bool:
    """Set `amount` aside as if nobody else did so at the same time."""
    query = select(Wallet.posted, Wallet.pending, Wallet.floor).where(
        Wallet.account_id == wallet_id
    )
    posted, pending, floor = (await s.execute(query)).one()
    if posted - pending - amount < floor:
        return False
    await asyncio.sleep(THINKING_SECONDS)
    await s.execute(
        update(Wallet)
        .where(Wallet.account_id == wallet_id)
        .values(pending=pending + amount)
        .execution_options(synchronize_session=False)
    )
    return True
