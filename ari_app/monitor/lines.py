"""The trunks and phones there are, by their names in Asterisk."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.endpoints.models import SipPhone, TrunkRow
from billing.monitoring.values import EndpointKind


@dataclass(frozen=True, slots=True)
class KnownLines:
    """Names of trunks with a host of their own, of phones; trunks by the client URI they have.

    A trunk without a host is never asked how it is.
    """

    trunks: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    registrations: Mapping[str, str] = field(default_factory=dict)

    @property
    def states(self) -> frozenset[tuple[EndpointKind, str]]:
        """All that may have a state."""
        return frozenset(
            {(EndpointKind.TRUNK, name) for name in self.trunks}
            | {(EndpointKind.PHONE, name) for name in self.phones}
            | {(EndpointKind.REGISTRATION, name) for name in self.registrations.values()}
        )


async def known_lines(s: AsyncSession) -> KnownLines:
    """Read them."""
    trunks = (await s.scalars(select(TrunkRow).where(TrunkRow.host.is_not(None)))).all()
    phones = await s.scalars(select(SipPhone.endpoint).where(SipPhone.ha1.is_not(None)))
    return KnownLines(
        trunks=frozenset(row.name for row in trunks),
        phones=frozenset(phones),
        registrations={
            f"sip:{row.username}@{row.host}": row.name for row in trunks if row.register
        },
    )
