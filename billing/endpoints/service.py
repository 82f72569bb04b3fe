"""SIP phones: each name is given once, to an expert or to a caller."""

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.endpoints.digest import ha1_of, new_password
from billing.endpoints.errors import InvalidEndpoint, PhoneUnknown
from billing.endpoints.models import SipPhone
from billing.endpoints.names import take_name, tell_asterisk
from billing.endpoints.values import KnownPhone, is_endpoint


async def claim(s: AsyncSession, endpoint: str, *, number: str | None = None) -> None:
    """Take a phone's name; it can't register until it gets a password.

    Waits for a transaction that is just taking the same one. Raises InvalidEndpoint, or
    EndpointTaken by a phone or a trunk.
    """
    if not is_endpoint(endpoint):
        raise InvalidEndpoint(endpoint)
    await take_name(s, endpoint)
    s.add(SipPhone(endpoint=endpoint, number=number))
    await s.flush()


async def give_password(s: AsyncSession, endpoint: str) -> str:
    """Make a new password for a phone; only its hash is kept, so show it now.

    Raises PhoneUnknown.
    """
    password = new_password()
    changed = await s.execute(
        update(SipPhone)
        .where(SipPhone.endpoint == endpoint)
        .values(ha1=ha1_of(endpoint, password))
        .returning(SipPhone.endpoint)
    )
    if changed.first() is None:
        raise PhoneUnknown(endpoint)
    await tell_asterisk(s)
    return password


async def release(s: AsyncSession, endpoint: str) -> None:
    """Give a phone's name back: another phone may have it. Raises PhoneUnknown."""
    gone = await s.execute(
        delete(SipPhone).where(SipPhone.endpoint == endpoint).returning(SipPhone.endpoint)
    )
    if gone.first() is None:
        raise PhoneUnknown(endpoint)
    await tell_asterisk(s)


async def list_phones(s: AsyncSession) -> list[KnownPhone]:
    """List all phones by name."""
    rows = await s.scalars(select(SipPhone).order_by(SipPhone.endpoint))
    return [KnownPhone(row.endpoint, row.number, row.ha1) for row in rows]
