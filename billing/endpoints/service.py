"""SIP phones: each name is given once, to an expert or to a caller."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.endpoints.models import SipPhone
from billing.endpoints.values import is_endpoint
from billing.kit.errors import PrimelineError


class InvalidEndpoint(PrimelineError):
    """An endpoint name that must not reach a dial request."""

    code = "invalid-endpoint"

    def __init__(self, endpoint: str) -> None:
        super().__init__(
            f"{endpoint!r} can't name a phone: letters, digits, dots, dashes and underscores only."
        )


class EndpointTaken(PrimelineError):
    """Another phone, or a trunk, has that name."""

    code = "endpoint-taken"

    def __init__(self, endpoint: str) -> None:
        super().__init__(f"The name {endpoint!r} is in use already; choose another for the phone.")


@dataclass(frozen=True, slots=True)
class KnownPhone:
    """A SIP phone; `number` (E.164) is the caller id of its own calls, None: none."""

    endpoint: str
    number: str | None


async def claim(s: AsyncSession, endpoint: str, *, number: str | None = None) -> None:
    """Take a phone's name. Raises InvalidEndpoint or EndpointTaken.

    Waits for a transaction that is just taking the same one.
    """
    if not is_endpoint(endpoint):
        raise InvalidEndpoint(endpoint)
    added = await s.execute(
        insert(SipPhone)
        .values(endpoint=endpoint, number=number)
        .on_conflict_do_nothing()
        .returning(SipPhone.endpoint)
    )
    if added.first() is None:
        raise EndpointTaken(endpoint)


async def list_phones(s: AsyncSession) -> list[KnownPhone]:
    """List all phones by name."""
    rows = await s.scalars(select(SipPhone).order_by(SipPhone.endpoint))
    return [KnownPhone(row.endpoint, row.number) for row in rows]
