"""Vouchers: made, redeemed once, refused with a reason, tries limited, the ledger right."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from billing.accounts import codes, vouchers
from billing.accounts import service as accounts
from billing.accounts.callers import remove_caller
from billing.accounts.codes import CODE_DIGITS
from billing.accounts.errors import AmountInvalid, CallerUnknown
from billing.accounts.vouchers import BatchInvalid, BatchUnknown, Redeemed, VoucherRefusal
from billing.calls import books
from billing.kit.secrets import SecretKeyMissing
from billing.ledger import service as ledger
from billing.money.values import Money
from tests.database.world import NOW, World, eur

KEY = "a key of the tests, long enough to be one"
FIRST, SECOND = "+33639980001", "+33639980002"
VOUCHER = "10.00"


async def batch(world: World, count: int = 1, **changes: object) -> vouchers.NewBatch:
    values: dict[str, object] = {"amount": eur(VOUCHER), "key": KEY, "at": NOW}
    async with world.sessions.begin() as s:
        return await vouchers.add_batch(s, count=count, **values | changes)  # type: ignore[arg-type]


async def redeem(
    world: World,
    code: str,
    *,
    account_id: UUID | None = None,
    source: str = FIRST,
    at: datetime = NOW,
    key: str = KEY,
) -> Redeemed | VoucherRefusal:
    async with world.sessions.begin() as s:
        return await vouchers.redeem(
            s, account_id or world.account_id, code, key=key, source=source, at=at
        )


async def another_caller(world: World, number: int, currency: str = "EUR") -> UUID:
    async with world.sessions.begin() as s:
        made = await accounts.add_caller(
            s, name=f"Caller {number}", numbers=[f"+3363998{number:04d}"], currency=currency, at=NOW
        )
    return made.account_id


async def books_are_right(world: World) -> None:
    async with world.sessions() as s:
        assert await books.check(s) == []


def wrong(code: str) -> str:
    """Another code with a right check digit."""
    body = str((int(code[:-1]) + 1) % 10**15).zfill(15)
    return next(body + d for d in "0123456789" if codes.read(body + d))


async def test_a_voucher_is_credited_once_and_the_books_stay_right(world: World) -> None:
    (code,) = (await batch(world)).codes
    redeemed = await redeem(world, f"{code[:4]} {code[4:8]}-{code[8:]}")
    assert isinstance(redeemed, Redeemed)
    assert (redeemed.amount, redeemed.available) == (eur(VOUCHER), eur(VOUCHER))
    assert await redeem(world, code) is VoucherRefusal.USED
    assert await world.available() == eur(VOUCHER)
    async with world.sessions() as s:
        page = await ledger.explain_page(s, world.wallet_id, limit=100)
        lines = [one.line for one in page.items]
    assert [(one.debit, one.reason) for one in lines] == [("vouchers-issued", "voucher")]
    await books_are_right(world)


async def test_six_at_once_with_one_voucher_are_credited_exactly_once(world: World) -> None:
    (code,) = (await batch(world)).codes
    callers = [await another_caller(world, number) for number in range(100, 106)]
    async with asyncio.timeout(20):
        answers = await asyncio.gather(
            *(
                redeem(world, code, account_id=account_id, source=f"source {place}")
                for place, account_id in enumerate(callers)
            )
        )
    assert sum(isinstance(answer, Redeemed) for answer in answers) == 1
    assert answers.count(VoucherRefusal.USED) == 5
    async with world.sessions() as s:
        total = sum(caller.available.amount for caller in await accounts.list_callers(s))
    assert Money(total, "EUR") == eur(VOUCHER)
    await books_are_right(world)


async def test_one_caller_with_six_phones_is_credited_exactly_once(world: World) -> None:
    (code,) = (await batch(world)).codes
    answers = await asyncio.gather(*(redeem(world, code) for _ in range(6)))
    assert sum(isinstance(answer, Redeemed) for answer in answers) == 1
    assert await world.available() == eur(VOUCHER)


async def test_each_reason_is_told(world: World) -> None:
    (code,) = (await batch(world)).codes
    dollars = await another_caller(world, 200, "USD")
    assert await redeem(world, code[:-1]) is VoucherRefusal.MISKEYED
    assert await redeem(world, code[:-1] + str((int(code[-1]) + 1) % 10)) is VoucherRefusal.MISKEYED
    assert await redeem(world, "not a code at all") is VoucherRefusal.MISKEYED
    assert await redeem(world, wrong(code)) is VoucherRefusal.UNKNOWN
    assert await redeem(world, code, account_id=dollars, source="b") is VoucherRefusal.CURRENCY
    assert await redeem(world, code, key="another key, that is long enough") is (
        VoucherRefusal.UNKNOWN
    )
    assert await world.available() == eur("0")
    assert all(refusal.sentence for refusal in VoucherRefusal)


async def test_an_expired_voucher_is_worth_nothing(world: World) -> None:
    (code,) = (await batch(world, expires_at=NOW + timedelta(days=1))).codes
    assert await redeem(world, code, at=NOW + timedelta(days=1)) is VoucherRefusal.EXPIRED
    assert isinstance(await redeem(world, code), Redeemed)


async def test_a_voided_batch_is_worth_nothing_but_what_was_redeemed_stays(world: World) -> None:
    made = await batch(world, 2)
    assert isinstance(await redeem(world, made.codes[0]), Redeemed)
    for _ in range(2):
        async with world.sessions.begin() as s:
            assert (await vouchers.void_batch(s, made.batch_id, at=NOW)).left == 1
    assert await redeem(world, made.codes[1]) is VoucherRefusal.VOIDED
    assert await world.available() == eur(VOUCHER)
    async with world.sessions() as s:
        (listed,) = await vouchers.list_batches(s, key=KEY)
        (other,) = await vouchers.list_batches(s, key="another key, that is long enough")
        with pytest.raises(BatchUnknown):
            await vouchers.void_batch(s, uuid4(), at=NOW)
    assert (listed.count, listed.redeemed, listed.voided_at) == (2, 1, NOW)
    assert listed.key_fits
    assert not other.key_fits


@pytest.mark.parametrize("by_account", [True, False])
async def test_after_five_wrong_codes_none_is_looked_at_for_an_hour(
    world: World, by_account: bool
) -> None:
    (code,) = (await batch(world)).codes
    guess = wrong(code)
    other = await another_caller(world, 300)
    account_id, source = (None, SECOND) if by_account else (other, FIRST)
    for _ in range(vouchers.TRIES):
        assert await redeem(world, guess) is VoucherRefusal.UNKNOWN
    assert await redeem(world, code, account_id=account_id, source=source) is VoucherRefusal.TRIES
    assert isinstance(await redeem(world, code, account_id=other, source=SECOND), Redeemed)
    later = NOW + vouchers.TRIES_FORGOTTEN
    assert await redeem(world, guess, at=later) is VoucherRefusal.UNKNOWN


async def test_many_guesses_at_once_are_no_more_than_one_after_the_other(world: World) -> None:
    guess = wrong((await batch(world)).codes[0])
    answers = await asyncio.gather(*(redeem(world, guess) for _ in range(9)))
    assert answers.count(VoucherRefusal.UNKNOWN) == vouchers.TRIES
    assert answers.count(VoucherRefusal.TRIES) == 9 - vouchers.TRIES


async def test_no_code_is_stored(world: World) -> None:
    made = await batch(world, 3)
    await redeem(world, made.codes[0])
    assert all(len(code) == CODE_DIGITS for code in made.codes)
    assert made.codes[0] not in repr(made)
    async with world.sessions() as s:
        for table in ("vouchers", "voucher_batches", "transfers", "procrastinate_jobs"):
            rows = await s.scalars(text(f"SELECT t::text FROM {table} t"))  # noqa: S608
            written = " ".join(rows)
            assert [code for code in made.codes if code in written] == [], table


async def test_what_can_not_be_made_is_refused(world: World) -> None:
    for count in (0, vouchers.LARGEST_BATCH + 1):
        with pytest.raises(BatchInvalid):
            await batch(world, count)
    with pytest.raises(BatchInvalid):
        await batch(world, expires_at=NOW)
    for amount in (eur("0"), Money(1, "EUR")):
        with pytest.raises(AmountInvalid):
            await batch(world, amount=amount)
    with pytest.raises(SecretKeyMissing):
        await batch(world, key="")
    with pytest.raises(CallerUnknown):
        await redeem(world, "1" * 16, account_id=uuid4())


async def test_credit_raises_the_wallets_version_so_that_a_running_call_hears_of_it(
    world: World,
) -> None:
    (code,) = (await batch(world)).codes
    async with world.sessions() as s:
        before = await accounts.wallet_versions(s, [world.account_id])
    await redeem(world, code)
    async with world.sessions() as s:
        after = await accounts.wallet_versions(s, [world.account_id])
    assert after[world.account_id] > before[world.account_id]


async def test_a_voucher_marked_as_redeemed_without_its_credit_is_found(world: World) -> None:
    made = await batch(world, 2)
    await redeem(world, made.codes[0])
    async with world.sessions.begin() as s:
        await s.execute(
            text("UPDATE vouchers SET redeemed_at = now(), redeemed_by = :id"),
            {"id": world.account_id},
        )
    async with world.sessions() as s:
        assert [one.check for one in await books.check(s)] == ["vouchers"]


async def test_a_removed_caller_redeems_nothing_and_the_voucher_stays_good(world: World) -> None:
    """He may have been removed while he was calling, with nothing in his wallet."""
    (code,) = (await batch(world)).codes
    async with world.sessions.begin() as s:
        await remove_caller(s, world.account_id, expected=None, at=NOW)
    with pytest.raises(CallerUnknown):
        await redeem(world, code)
    other = await another_caller(world, 2)
    assert isinstance(await redeem(world, code, account_id=other, source=SECOND), Redeemed)
