"""Callers as operators see them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import CallerAccount, CallerNumber, PinState
from billing.endpoints.service import list_phones
from billing.ledger.models import Wallet
from billing.money.values import Money
from billing.tariffs.models import TariffRow


@dataclass(frozen=True, slots=True)
class CallerListed:
    """A caller as operators see him; limits None: none. `endpoints`: SIP phones of his own."""

    account_id: UUID
    wallet_id: UUID
    name: str
    language: str | None
    numbers: tuple[str, ...]
    endpoints: tuple[str, ...]
    posted: Money
    pending: Money
    available: Money
    number_alone_limit: Money | None
    locked_until: datetime | None


async def currencies_in_use(s: AsyncSession) -> set[str]:
    """Give the currencies of all callers and all tariffs."""
    used = union(select(CallerAccount.currency), select(TariffRow.currency))
    return set(await s.scalars(used))


async def list_callers(s: AsyncSession, account_id: UUID | None = None) -> list[CallerListed]:
    """List all callers, or one, by name."""
    query = (
        select(CallerAccount, Wallet, PinState.locked_until)
        .join(Wallet, Wallet.account_id == CallerAccount.wallet_id)
        .outerjoin(PinState, PinState.account_id == CallerAccount.id)
        .order_by(CallerAccount.name, CallerAccount.id)
    )
    if account_id is not None:
        query = query.where(CallerAccount.id == account_id)
    numbers: dict[UUID, list[str]] = {}
    for number in await s.scalars(select(CallerNumber).order_by(CallerNumber.e164)):
        numbers.setdefault(number.account_id, []).append(number.e164)
    endpoints: dict[str, list[str]] = {}
    for phone in await list_phones(s):
        endpoints.setdefault(phone.number or "", []).append(phone.endpoint)
    listed = []
    for account, wallet, locked_until in await s.execute(query):
        alone = account.number_alone_limit
        own = tuple(numbers.get(account.id, ()))
        listed.append(
            CallerListed(
                account_id=account.id,
                wallet_id=account.wallet_id,
                name=account.name,
                language=account.language,
                numbers=own,
                endpoints=tuple(one for number in own for one in endpoints.get(number, ())),
                posted=Money(wallet.posted, account.currency),
                pending=Money(wallet.pending, account.currency),
                available=Money(wallet.posted - wallet.pending - wallet.floor, account.currency),
                number_alone_limit=None if alone is None else Money(alone, account.currency),
                locked_until=locked_until,
            )
        )
    return listed
