"""Vouchers: made in batches by the operator, each redeemed once by whoever keys its code."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import codes
from billing.accounts.errors import AmountInvalid, CallerUnknown
from billing.accounts.models import CallerAccount, Voucher, VoucherBatch, VoucherTries
from billing.kit.errors import PrimelineError
from billing.kit.ids import transfer_id
from billing.kit.jobs import defer
from billing.ledger import service as ledger
from billing.ledger.values import AccountKind, Move
from billing.ledger.values import account_id as ledger_account
from billing.money.values import Money

LARGEST_BATCH: Final = 10_000
TRIES: Final = 5
"""Codes keyed in vain by one account, or from one source, before none is looked at for a while."""
TRIES_FORGOTTEN: Final = timedelta(hours=1)


class BatchInvalid(PrimelineError):
    """A batch that can't be made."""

    code = "voucher-batch-invalid"


class BatchUnknown(PrimelineError):
    """No such batch."""

    code = "voucher-batch-unknown"

    def __init__(self, batch_id: UUID) -> None:
        super().__init__(f"There is no batch of vouchers {batch_id}.")


class VoucherRefusal(StrEnum):
    """Why a voucher was not redeemed; stable, and fit for a dialogue."""

    MISKEYED = "voucher-miskeyed"
    UNKNOWN = "voucher-unknown"
    USED = "voucher-used"
    EXPIRED = "voucher-expired"
    VOIDED = "voucher-voided"
    CURRENCY = "voucher-currency"
    TRIES = "voucher-tries"

    @property
    def sentence(self) -> str:
        """Say it to a person."""
        return _SENTENCES[self]


_SENTENCES: Final = {
    VoucherRefusal.MISKEYED: "That is no voucher code: it has 16 digits; one is wrong or missing.",
    VoucherRefusal.UNKNOWN: "There is no voucher with that code.",
    VoucherRefusal.USED: "That voucher has been used already.",
    VoucherRefusal.EXPIRED: "That voucher has expired.",
    VoucherRefusal.VOIDED: "That voucher is not valid any more.",
    VoucherRefusal.CURRENCY: "That voucher is in another currency than the account.",
    VoucherRefusal.TRIES: "Too many wrong voucher codes; no code is looked at for an hour.",
}


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch just made. `codes` are shown once and kept nowhere."""

    batch_id: UUID
    codes: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class BatchListed:
    """A batch; `key_fits`: its codes can be known with the present key."""

    batch_id: UUID
    count: int
    redeemed: int
    amount: Money
    note: str | None
    created_at: datetime
    expires_at: datetime | None
    voided_at: datetime | None
    key_fits: bool


@dataclass(frozen=True, slots=True)
class Voided:
    """A batch made worthless: `left` of it were not redeemed. Not `changed`: it was before."""

    left: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A voucher redeemed; `available` as it was right after."""

    voucher_id: UUID
    amount: Money
    available: Money


async def add_batch(
    s: AsyncSession,
    *,
    count: int,
    amount: Money,
    key: str,
    at: datetime,
    expires_at: datetime | None = None,
    note: str | None = None,
) -> NewBatch:
    """Make vouchers. Raises BatchInvalid, AmountInvalid or SecretKeyMissing."""
    if not 1 <= count <= LARGEST_BATCH:
        raise BatchInvalid(f"A batch has 1 to {LARGEST_BATCH} vouchers, not {count}.")
    if amount.amount <= 0 or not amount.is_whole_minor:
        raise AmountInvalid
    if expires_at is not None and expires_at <= at:
        raise BatchInvalid("A batch must not have expired when it is made.")
    batch = VoucherBatch(
        id=uuid4(),
        count=count,
        amount=amount.amount,
        currency=amount.currency,
        note=note,
        key_check=codes.key_check(key),
        created_at=at,
        expires_at=expires_at,
    )
    s.add(batch)
    await s.flush()
    made: set[str] = set()
    while len(made) < count:
        made.add(codes.generate())
    rows = [
        {"id": uuid4(), "batch_id": batch.id, "code_hash": codes.code_hash(key, code)}
        for code in made
    ]
    await s.execute(insert(Voucher), rows)
    await defer(s, "render-prompts", amounts=[[amount.amount, amount.currency]])
    return NewBatch(batch.id, tuple(made))


async def list_batches(s: AsyncSession, *, key: str) -> list[BatchListed]:
    """List all batches, the latest first. Raises SecretKeyMissing."""
    fits = codes.key_check(key)
    redeemed = (
        select(func.count())
        .where(Voucher.batch_id == VoucherBatch.id, Voucher.redeemed_at.is_not(None))
        .scalar_subquery()
    )
    query = select(VoucherBatch, redeemed).order_by(VoucherBatch.created_at.desc(), VoucherBatch.id)
    return [
        BatchListed(
            batch_id=batch.id,
            count=batch.count,
            redeemed=used,
            amount=Money(batch.amount, batch.currency),
            note=batch.note,
            created_at=batch.created_at,
            expires_at=batch.expires_at,
            voided_at=batch.voided_at,
            key_fits=batch.key_check == fits,
        )
        for batch, used in await s.execute(query)
    ]


async def void_batch(s: AsyncSession, batch_id: UUID, *, at: datetime) -> Voided:
    """Make a batch worthless. Raises BatchUnknown.

    Voiding again changes nothing. What was redeemed stays.
    """
    batch = await s.get(VoucherBatch, batch_id, populate_existing=True, with_for_update=True)
    if batch is None:
        raise BatchUnknown(batch_id)
    changed = batch.voided_at is None
    batch.voided_at = batch.voided_at or at
    await s.flush()
    left = select(func.count()).where(Voucher.batch_id == batch_id, Voucher.redeemed_at.is_(None))
    return Voided((await s.execute(left)).scalar_one(), changed=changed)


async def redeem(
    s: AsyncSession, account_id: UUID, given: str, *, key: str, source: str, at: datetime
) -> Redeemed | VoucherRefusal:
    """Credit a voucher to an account, once. `source` is where the code came from: a number, a key.

    Commit also a refusal: the try counted is what stops guessing. Raises CallerUnknown or
    SecretKeyMissing.
    """
    # Locked, so that no voucher is used up for who is removed meanwhile.
    account = await s.get(
        CallerAccount, account_id, populate_existing=True, with_for_update={"read": True}
    )
    if account is None or account.removed_at is not None:
        raise CallerUnknown(account_id)
    code = codes.read(given)
    if code is None:
        return VoucherRefusal.MISKEYED
    hashed = codes.code_hash(key, code)
    subjects = sorted({f"account:{account_id}", f"source:{source}"})
    if not await _may_try(s, subjects, at):
        return VoucherRefusal.TRIES
    voucher_id = await _take(s, account, hashed, at)
    if voucher_id is None:
        refusal = await _why_not(s, account, hashed, at)
        if refusal is not VoucherRefusal.CURRENCY:
            await _count_failure(s, subjects)
        return refusal
    amount = (
        await s.execute(
            select(VoucherBatch.amount)
            .join(Voucher, Voucher.batch_id == VoucherBatch.id)
            .where(Voucher.id == voucher_id)
        )
    ).scalar_one()
    money = Money(amount, account.currency)
    await ledger.ensure_accounts(s, [(AccountKind.VOUCHERS_ISSUED, None)], money.currency)
    issued = ledger_account(AccountKind.VOUCHERS_ISSUED, money.currency)
    moved = transfer_id(voucher_id, "voucher")
    await ledger.add_transfers(
        s, [Move(moved, "single", issued, account.wallet_id, money, "voucher")]
    )
    available = await ledger.credit_wallet(s, account.wallet_id, money.amount)
    await defer(s, "render-prompts", amounts=[[available, money.currency]])
    return Redeemed(voucher_id, money, Money(available, money.currency))


async def _may_try(s: AsyncSession, subjects: Sequence[str], at: datetime) -> bool:
    """Lock the counts, so that many tries at once are no more than one after the other."""
    await s.execute(
        upsert(VoucherTries)
        .values([{"subject": subject, "failures": 0, "since": at} for subject in subjects])
        .on_conflict_do_nothing()
    )
    rows = await s.scalars(
        select(VoucherTries)
        .where(VoucherTries.subject.in_(subjects))
        .order_by(VoucherTries.subject)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    may = True
    for row in rows:
        if at - row.since >= TRIES_FORGOTTEN:
            row.failures, row.since = 0, at
        may = may and row.failures < TRIES
    await s.flush()
    return may


async def _count_failure(s: AsyncSession, subjects: Sequence[str]) -> None:
    await s.execute(
        update(VoucherTries)
        .where(VoucherTries.subject.in_(subjects))
        .values(failures=VoucherTries.failures + 1)
        .execution_options(synchronize_session=False)
    )


async def _take(s: AsyncSession, account: CallerAccount, hashed: str, at: datetime) -> UUID | None:
    """Take the voucher in one conditional update; None: it hit no row."""
    valid = select(VoucherBatch.id).where(
        VoucherBatch.currency == account.currency,
        VoucherBatch.voided_at.is_(None),
        VoucherBatch.expires_at.is_(None) | (VoucherBatch.expires_at > at),
    )
    taken = await s.execute(
        update(Voucher)
        .where(
            Voucher.code_hash == hashed,
            Voucher.redeemed_at.is_(None),
            Voucher.batch_id.in_(valid),
        )
        .values(redeemed_at=at, redeemed_by=account.id)
        .returning(Voucher.id)
        .execution_options(synchronize_session=False)
    )
    return taken.scalar_one_or_none()


async def _why_not(
    s: AsyncSession, account: CallerAccount, hashed: str, at: datetime
) -> VoucherRefusal:
    query = (
        select(Voucher.redeemed_at, VoucherBatch)
        .join(VoucherBatch, VoucherBatch.id == Voucher.batch_id)
        .where(Voucher.code_hash == hashed)
    )
    found = (await s.execute(query)).first()
    if found is None:
        return VoucherRefusal.UNKNOWN
    redeemed_at, batch = found
    if redeemed_at is not None:
        return VoucherRefusal.USED
    if batch.voided_at is not None:
        return VoucherRefusal.VOIDED
    if batch.expires_at is not None and batch.expires_at <= at:
        return VoucherRefusal.EXPIRED
    if batch.currency != account.currency:
        return VoucherRefusal.CURRENCY
    # Whoever held it let it go between the two looks: none does, but a refusal is safe.
    return VoucherRefusal.USED
