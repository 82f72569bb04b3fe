"""Callers as operators see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.errors import CallerUnknown
from billing.accounts.models import CallerAccount, CallerNumber, PinState
from billing.endpoints.service import list_phones
from billing.kit.pages import After, Slice, take
from billing.ledger.models import Wallet
from billing.money.values import Money
from billing.pins.models import PinSource
from billing.tariffs.models import TariffRow


@dataclass(frozen=True, slots=True)
class CallerListed:
    """A caller as operators see him; limits None: none. `endpoints`: SIP phones of his own.

    `receipts` None: as the setting says. `locked_until`: from some number; it may be over.
    """

    account_id: UUID
    wallet_id: UUID
    name: str
    language: str | None
    time_zone: str
    numbers: tuple[str, ...]
    endpoints: tuple[str, ...]
    posted: Money
    pending: Money
    available: Money
    number_alone_limit: Money | None
    call_limit: Money | None
    day_limit: Money | None
    month_limit: Money | None
    receipts: bool | None
    locked_until: datetime | None
    terms_accepted_at: datetime | None
    version: int


async def currencies_in_use(s: AsyncSession) -> set[str]:
    """Give the currencies of all callers and all tariffs."""
    used = union(select(CallerAccount.currency), select(TariffRow.currency))
    return set(await s.scalars(used))


async def list_callers(s: AsyncSession, account_id: UUID | None = None) -> list[CallerListed]:
    """List all callers, or one, by name."""
    query = _callers().order_by(CallerAccount.name, CallerAccount.id)
    if account_id is not None:
        query = query.where(CallerAccount.id == account_id)
    return await _listed(s, (await s.execute(query)).all())


async def get_caller(s: AsyncSession, account_id: UUID) -> CallerListed:
    """Give a caller; raises CallerUnknown, also for one who was removed."""
    found = await list_callers(s, account_id)
    if not found:
        raise CallerUnknown(account_id)
    return found[0]


async def page_callers(
    s: AsyncSession, *, limit: int, after: After | None = None, number: str | None = None
) -> Slice[CallerListed]:
    """List callers by name, page by page; or the one who calls from a number (+E.164)."""
    query = _callers()
    if number is not None:
        owner = select(CallerNumber.account_id).where(CallerNumber.e164 == number)
        query = query.where(CallerAccount.id.in_(owner))
    keys = (CallerAccount.name, CallerAccount.id)
    found = await take(s, query, keys, limit=limit, after=after)
    return Slice(tuple(await _listed(s, found.items)), found.after)


def _callers() -> Select[CallerAccount, Wallet, datetime | None]:
    of_sources = (
        select(func.max(PinSource.locked_until))
        .where(PinSource.owner_id == CallerAccount.id)
        .scalar_subquery()
    )
    return (
        select(CallerAccount, Wallet, func.greatest(PinState.locked_until, of_sources))
        .join(Wallet, Wallet.account_id == CallerAccount.wallet_id)
        .outerjoin(PinState, PinState.account_id == CallerAccount.id)
        .where(CallerAccount.removed_at.is_(None))
    )


async def _listed(s: AsyncSession, rows: Sequence[Any]) -> list[CallerListed]:
    numbers: dict[UUID, list[str]] = {}
    own = (
        select(CallerNumber)
        .where(CallerNumber.account_id.in_([account.id for account, _, _ in rows]))
        .order_by(CallerNumber.e164)
    )
    for number in await s.scalars(own):
        numbers.setdefault(number.account_id, []).append(number.e164)
    endpoints: dict[str, list[str]] = {}
    for phone in await list_phones(s):
        endpoints.setdefault(phone.number or "", []).append(phone.endpoint)
    return [
        _value(account, wallet, locked_until, tuple(numbers.get(account.id, ())), endpoints)
        for account, wallet, locked_until in rows
    ]


def _value(
    account: CallerAccount,
    wallet: Wallet,
    locked_until: datetime | None,
    numbers: tuple[str, ...],
    endpoints: Mapping[str, Sequence[str]],
) -> CallerListed:
    def limit(amount: int | None) -> Money | None:
        return None if amount is None else Money(amount, account.currency)

    return CallerListed(
        account_id=account.id,
        wallet_id=account.wallet_id,
        name=account.name,
        language=account.language,
        time_zone=account.time_zone,
        numbers=numbers,
        endpoints=tuple(one for number in numbers for one in endpoints.get(number, ())),
        posted=Money(wallet.posted, account.currency),
        pending=Money(wallet.pending, account.currency),
        available=Money(wallet.posted - wallet.pending - wallet.floor, account.currency),
        number_alone_limit=limit(account.number_alone_limit),
        call_limit=limit(account.call_limit),
        day_limit=limit(account.day_limit),
        month_limit=limit(account.month_limit),
        receipts=account.receipts,
        locked_until=locked_until,
        terms_accepted_at=account.terms_accepted_at,
        version=account.version,
    )
