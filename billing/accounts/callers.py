"""Callers changed and removed by the operator."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.errors import CallerInUse, CallerUnknown, NumberTaken
from billing.accounts.models import CallerAccount, CallerNumber
from billing.kit import versions
from billing.kit.languages import check_language
from billing.kit.phones import require_e164
from billing.kit.versions import Expected
from billing.kit.zones import check_zone
from billing.ledger.models import Wallet
from billing.money.values import Money

LIMITS: Final = frozenset({"number_alone_limit", "call_limit", "day_limit", "month_limit"})
EDITABLE: Final = LIMITS | {"name", "language", "time_zone", "terms_accepted_at", "receipts"}


async def edit_caller(
    s: AsyncSession, account_id: UUID, values: Mapping[str, Any], *, expected: Expected
) -> dict[str, Any]:
    """Change some of `EDITABLE`; gives what really changed. Limits are Money or None.

    Raises CallerUnknown, VersionConflict, UnknownLanguage, TimeZoneUnknown or CurrencyMismatch.
    """
    assert values.keys() <= EDITABLE  # the edges offer nothing else
    row = await locked(s, account_id, expected)
    after = dict(values)
    if after.get("language") is not None:
        check_language(after["language"])
    if "time_zone" in after:
        check_zone(after["time_zone"])
    for name in LIMITS & after.keys():
        limit: Money | None = after[name]
        after[name] = None if limit is None else (Money.zero(row.currency) + limit).amount
    changes = versions.change(row, after)
    await s.flush()
    return changes


async def set_numbers(
    s: AsyncSession, account_id: UUID, numbers: Sequence[str], *, expected: Expected
) -> dict[str, Any]:
    """Say which numbers a caller calls from; others are his no more.

    Raises CallerUnknown, VersionConflict, NumberInvalid or NumberTaken.
    """
    row = await locked(s, account_id, expected)
    wanted = {require_e164(number) for number in numbers}
    own = select(CallerNumber.e164).where(CallerNumber.account_id == account_id)
    before = set(await s.scalars(own))
    await s.execute(
        delete(CallerNumber).where(
            CallerNumber.account_id == account_id, CallerNumber.e164.in_(before - wanted)
        )
    )
    for e164 in sorted(wanted - before):
        added = await s.execute(
            insert(CallerNumber)
            .values(e164=e164, account_id=account_id)
            .on_conflict_do_nothing()
            .returning(CallerNumber.e164)
        )
        if added.first() is None:
            raise NumberTaken(e164)
    if before == wanted:
        return {}
    row.version += 1
    await s.flush()
    return {"numbers": {"from": sorted(before), "to": sorted(wanted)}}


async def remove_caller(
    s: AsyncSession, account_id: UUID, *, expected: Expected, at: datetime
) -> dict[str, Any]:
    """Forget a caller's numbers and take his account out of use; his calls keep naming him.

    Raises CallerUnknown, VersionConflict, or CallerInUse while there is money of his here.
    """
    row = await locked(s, account_id, expected)
    wallet = await s.get(Wallet, row.wallet_id, populate_existing=True, with_for_update=True)
    if wallet is None or wallet.posted or wallet.pending:
        raise CallerInUse(row.name)
    await s.execute(delete(CallerNumber).where(CallerNumber.account_id == account_id))
    changes = versions.change(row, {"removed_at": at})
    await s.flush()
    return changes


async def locked(s: AsyncSession, account_id: UUID, expected: Expected) -> CallerAccount:
    """Give a caller's row, locked, at a version that is allowed."""
    row = await s.get(CallerAccount, account_id, populate_existing=True, with_for_update=True)
    if row is None or row.removed_at is not None:
        raise CallerUnknown(account_id)
    versions.require(row, expected, subject="caller", subject_id=account_id)
    return row
