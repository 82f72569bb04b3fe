"""Names in Asterisk's configuration, which trunks and phones share."""

from typing import Final

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.endpoints.errors import EndpointTaken
from billing.endpoints.models import SipPhone, TrunkRow

CHANNEL: Final = "primeline_endpoints"
"""Notified with each change, at the commit: Asterisk's files are out of date."""


async def take_name(s: AsyncSession, name: str) -> None:
    """Make sure that no trunk and no phone has that name, until the transaction's end.

    Waits for a transaction that is just taking the same one. Raises EndpointTaken.
    """
    await s.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    taken = exists().where(SipPhone.endpoint == name) | exists().where(TrunkRow.name == name)
    if await s.scalar(select(taken)):
        raise EndpointTaken(name)


async def tell_asterisk(s: AsyncSession) -> None:
    """Wake who writes Asterisk's files, once this transaction is committed."""
    await s.execute(select(func.pg_notify(CHANNEL, "")))
