"""Callers: their accounts, numbers, credit and PINs."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Uuid, any_, bindparam, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import spending
from billing.accounts.errors import AmountInvalid, CallerUnknown, NumberTaken
from billing.accounts.listing import CallerListed, list_callers
from billing.accounts.models import CallerAccount, CallerNumber, PinState
from billing.accounts.pins import check_pin, set_pin, unlock_pin
from billing.accounts.values import Identified
from billing.kit import idempotency
from billing.kit.ids import transfer_id
from billing.kit.jobs import defer
from billing.kit.languages import check_language
from billing.kit.phones import DEFAULT_REGION, require_e164
from billing.kit.zones import check_zone
from billing.ledger import service as ledger
from billing.ledger.models import Wallet
from billing.ledger.values import AccountKind, Move
from billing.ledger.values import account_id as ledger_account
from billing.money.values import CurrencyMismatch, Money
from billing.pins import rules as pin_rules
from billing.pins import sources
from billing.pins.models import PinSource
from billing.pins.service import generate, hash_pin

__all__ = [
    "CallerListed",
    "NewCaller",
    "TopUp",
    "add_caller",
    "caller_by_number",
    "check_pin",
    "identify",
    "list_callers",
    "set_number_alone_limit",
    "set_pin",
    "time_zone_of",
    "top_up",
    "unlock_pin",
    "wallet_versions",
]


@dataclass(frozen=True, slots=True)
class NewCaller:
    """A caller just made. `pin` is shown once and kept nowhere."""

    account_id: UUID
    wallet_id: UUID
    pin: str


@dataclass(frozen=True, slots=True)
class TopUp:
    """A top-up done, now (`new`) or under the same key before; `available` right after it."""

    transfer_id: UUID
    amount: Money
    available: Money
    new: bool


async def add_caller(
    s: AsyncSession,
    *,
    name: str,
    numbers: Sequence[str],
    currency: str,
    at: datetime,
    pin: str | None = None,
    language: str | None = None,
    time_zone: str = "Europe/Paris",
    number_alone_limit: Money | None = None,
    call_limit: Money | None = None,
    day_limit: Money | None = None,
    month_limit: Money | None = None,
    region: str = DEFAULT_REGION,
) -> NewCaller:
    """Make a caller with an empty wallet; a PIN is made up if none is given.

    Raises NumberTaken, NumberInvalid, PinInvalid, UnknownLanguage, TimeZoneUnknown or
    CurrencyMismatch.
    """
    zero = Money.zero(currency)
    amounts = [
        None if limit is None else (zero + limit).amount
        for limit in (number_alone_limit, call_limit, day_limit, month_limit)
    ]
    pin = pin or generate()
    account = CallerAccount(
        id=uuid4(),
        name=name,
        language=language and check_language(language),
        currency=currency,
        pin_hash=await hash_pin(pin),
        time_zone=check_zone(time_zone),
        number_alone_limit=amounts[0],
        call_limit=amounts[1],
        day_limit=amounts[2],
        month_limit=amounts[3],
        created_at=at,
    )
    account.wallet_id = await ledger.open_wallet(s, account.id, currency)
    s.add(account)
    await s.flush()
    for given in numbers:
        e164 = require_e164(given, region)
        added = await s.execute(
            insert(CallerNumber)
            .values(e164=e164, account_id=account.id)
            .on_conflict_do_nothing()
            .returning(CallerNumber.e164)
        )
        if added.first() is None:
            raise NumberTaken(e164)
    await defer(s, "render-prompts", amounts=[[0, currency]])
    return NewCaller(account.id, account.wallet_id, pin)


async def set_number_alone_limit(s: AsyncSession, account_id: UUID, limit: Money | None) -> None:
    """Allow so much a day to be spent by number alone; None: a PIN always."""
    account = await s.get(CallerAccount, account_id, populate_existing=True, with_for_update=True)
    if account is None:
        raise CallerUnknown(account_id)
    account.number_alone_limit = (
        None if limit is None else (Money.zero(account.currency) + limit).amount
    )
    await s.flush()


async def top_up(
    s: AsyncSession, account_id: UUID, money: Money, *, idempotency_key: str, at: datetime
) -> TopUp:
    """Add credit, once per key: a repeat gets the first answer.

    Raises AmountInvalid, CurrencyMismatch, CallerUnknown, or KeyReused if the key came with
    another caller or amount.
    """
    if money.amount <= 0 or not money.is_whole_minor:
        raise AmountInvalid
    key = f"top-up:{idempotency_key}"
    request = {"account": str(account_id), "amount": money.amount, "currency": money.currency}
    moved = transfer_id(account_id, "top-up", hashlib.sha256(key.encode()).hexdigest())
    before = await idempotency.begin(s, key, request, at)
    if before is not None:
        return TopUp(moved, money, Money(before["available"], money.currency), new=False)
    # Locked, so that nobody is paid in for who is removed meanwhile: it would be lost to him.
    account = await s.get(
        CallerAccount, account_id, populate_existing=True, with_for_update={"read": True}
    )
    if account is None or account.removed_at is not None:
        raise CallerUnknown(account_id)
    if account.currency != money.currency:
        raise CurrencyMismatch(account.currency, money.currency)
    await ledger.ensure_accounts(s, [(AccountKind.CASH, None)], money.currency)
    cash = ledger_account(AccountKind.CASH, money.currency)
    await ledger.add_transfers(s, [Move(moved, "single", cash, account.wallet_id, money, "top-up")])
    available = await ledger.credit_wallet(s, account.wallet_id, money.amount)
    await idempotency.finish(s, key, {"available": available})
    await defer(s, "render-prompts", amounts=[[available, money.currency]])
    return TopUp(moved, money, Money(available, money.currency), new=True)


_VERSIONS = (
    select(CallerAccount.id, Wallet.version)
    .join(Wallet, Wallet.account_id == CallerAccount.wallet_id)
    .where(CallerAccount.id == any_(bindparam("account_ids", type_=ARRAY(Uuid()))))
)
_BY_NUMBER = (
    select(
        CallerAccount,
        Wallet.posted - Wallet.pending - Wallet.floor,
        sources.locked_until(PinState),
    )
    .join(CallerNumber, CallerNumber.account_id == CallerAccount.id)
    .join(Wallet, Wallet.account_id == CallerAccount.wallet_id)
    .outerjoin(PinState, PinState.account_id == CallerAccount.id)
    .outerjoin(PinSource, sources.is_mine(CallerAccount.id, bindparam("source")))
    .where(CallerNumber.e164 == bindparam("number"))
)


async def time_zone_of(s: AsyncSession, account_id: UUID) -> str:
    """Give the zone a caller's days count by; raises CallerUnknown."""
    account = await s.get(CallerAccount, account_id)
    if account is None:
        raise CallerUnknown(account_id)
    return account.time_zone


async def wallet_versions(s: AsyncSession, account_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Read, in one statement, numbers that rise whenever an account's available amount rises."""
    rows = await s.execute(_VERSIONS, {"account_ids": list(account_ids)})
    return dict(rows.all())


async def identify(
    s: AsyncSession, number: str | None, *, trunk_trusted: bool, source: str, at: datetime
) -> Identified | None:
    """Find the account that a caller's number (E.164) belongs to; None: unknown or withheld.

    `source`: where the call comes from, for wrong PINs lock no other.
    """
    if number is None:
        return None
    found = (await s.execute(_BY_NUMBER, {"number": number, "source": source})).first()
    if found is None:
        return None
    account, available, locked_until = found
    pin_needed = True
    if trunk_trusted and account.number_alone_limit:
        limits = [
            limit
            for limit in spending.limits_of(account, number_alone=True, at=at)
            if limit.period == spending.NUMBER_ALONE
        ]
        (alone,) = await spending.left(s, limits, held=0)
        pin_needed = alone.amount <= 0
    return Identified(
        account_id=account.id,
        language=account.language,
        pin_needed=pin_needed,
        locked=pin_rules.is_locked(locked_until, at),
        available=Money(available, account.currency),
    )


async def caller_by_number(s: AsyncSession, given: str, region: str = DEFAULT_REGION) -> UUID:
    """Give the account a number belongs to; raises NumberInvalid or CallerUnknown."""
    e164 = require_e164(given, region)
    found = await s.scalar(select(CallerNumber.account_id).where(CallerNumber.e164 == e164))
    if found is None:
        raise CallerUnknown(e164)
    return found


async def set_receipts(s: AsyncSession, account_id: UUID, wanted: bool | None) -> None:
    """Say whether a caller gets an SMS about each charged call; None: as the setting says."""
    await s.execute(
        update(CallerAccount)
        .where(CallerAccount.id == account_id)
        .values(receipts=wanted, version=CallerAccount.version + 1)
    )
