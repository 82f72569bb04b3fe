"""The operator's spending limits: for all his callers, and on each number of ours.

They are against fraud and runaway calls, and count beside the limits that a caller has himself:
the most a call may cost, a caller in a day or a month, and all callers together in a day.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Select, bindparam, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import CallerAccount, Spending
from billing.accounts.spending import (
    CALL,
    CALLER_BY_OPERATOR,
    CALLER_ON_NUMBER,
    DAY,
    MONTH,
    NUMBER,
    OPERATOR,
    Limit,
    day_in,
    limits_of,
)
from billing.catalogue.models import Number
from billing.charging.models import ChargingSession, SpendingLimitRow
from billing.kit import versions
from billing.kit.versions import Expected
from billing.kit.zones import check_zone
from billing.money.values import Money

AMOUNTS: Final = frozenset({"per_call", "per_caller_day", "per_caller_month", "per_day"})
EDITABLE: Final = AMOUNTS | {"time_zone"}
DEFAULT_ZONE: Final = "Europe/Paris"


@dataclass(frozen=True, slots=True)
class SpendingLimits:
    """The operator's limits in one currency; `number` None: for all numbers. None: no limit.

    `day_counted` is what counts under `per_day` today: charged, and held for calls that go on.
    """

    number_id: UUID | None
    number: str | None
    currency: str
    per_call: Money | None
    per_caller_day: Money | None
    per_caller_month: Money | None
    per_day: Money | None
    time_zone: str
    day_counted: Money
    version: int


_PAYER: Final = (
    select(
        CallerAccount,
        select(Number.e164).where(Number.id == bindparam("number")).scalar_subquery(),
        SpendingLimitRow,
    )
    .outerjoin(
        SpendingLimitRow,
        (SpendingLimitRow.currency == CallerAccount.currency)
        & (
            SpendingLimitRow.number_id.is_(None)
            | (SpendingLimitRow.number_id == bindparam("number"))
        ),
    )
    .where(CallerAccount.id == bindparam("account"))
)


async def payer_of(
    s: AsyncSession, session: ChargingSession, number_id: UUID
) -> tuple[CallerAccount, str, tuple[SpendingLimitRow, ...]]:
    """Give the account that pays, the number (+E.164) and the operator's limits, all at once."""
    rows = (await s.execute(_PAYER, {"account": session.account_id, "number": number_id})).all()
    account, e164, _ = rows[0]
    return account, e164, tuple(row for *_, row in rows if row is not None)


def limits_for(
    session: ChargingSession, account: CallerAccount, rows: Sequence[SpendingLimitRow]
) -> tuple[Limit, ...]:
    """List all limits that a call counts under, in the order of their locks."""
    at = session.began_at
    own = limits_of(account, number_alone=session.number_alone, at=at)
    others = (limit for row in rows for limit in _counted_by(row, account, at))
    return tuple(sorted([*own, *others]))


def _counted_by(row: SpendingLimitRow, account: CallerAccount, at: datetime) -> Iterator[Limit]:
    caller, together = _scopes(row)
    owner = f"{row.number_id} {account.id}" if row.number_id else str(account.id)
    day = day_in(row.time_zone, at)
    for amount, limit in (
        (row.per_call, (caller, owner, CALL, "")),
        (row.per_caller_day, (caller, owner, DAY, day)),
        (row.per_caller_month, (caller, owner, MONTH, day[:7])),
        (row.per_day, (together, _together(row), DAY, day)),
    ):
        if amount is not None:
            yield Limit(*limit, amount)


def _scopes(row: SpendingLimitRow) -> tuple[str, str]:
    return (CALLER_BY_OPERATOR, OPERATOR) if row.number_id is None else (CALLER_ON_NUMBER, NUMBER)


def _together(row: SpendingLimitRow) -> str:
    """Name what the calls of all callers are counted for."""
    return row.currency if row.number_id is None else f"{row.number_id} {row.currency}"


async def set_limits(
    s: AsyncSession,
    *,
    number_id: UUID | None,
    currency: str,
    values: Mapping[str, Any],
    expected: Expected,
) -> dict[str, Any]:
    """Set some of `EDITABLE`, money or None, for calls quoted from now on; gives what changed.

    Raises VersionConflict, TimeZoneUnknown or CurrencyMismatch.
    """
    assert values.keys() <= EDITABLE  # the edges offer nothing else
    zero, after = Money.zero(currency), dict(values)
    for name in AMOUNTS & after.keys():
        after[name] = None if after[name] is None else (zero + after[name]).amount
    if "time_zone" in after:
        check_zone(after["time_zone"])
    await s.execute(
        insert(SpendingLimitRow)
        .values(
            id=uuid4(), number_id=number_id, currency=currency, time_zone=DEFAULT_ZONE, version=0
        )
        .on_conflict_do_nothing()
    )
    row = (await s.scalars(_row(number_id, currency).with_for_update())).one()
    subject_id = subject_of(number_id, currency)
    versions.require(row, expected, subject="spending-limits", subject_id=subject_id)
    changes = versions.change(row, after)
    await s.flush()
    return changes


def subject_of(number_id: UUID | None, currency: str) -> str:
    """Name limits in the audit log."""
    return f"{number_id or 'operator'} {currency}"


def _row(number_id: UUID | None, currency: str) -> Any:
    return (
        select(SpendingLimitRow)
        .where(
            SpendingLimitRow.number_id.is_not_distinct_from(number_id),
            SpendingLimitRow.currency == currency,
        )
        .execution_options(populate_existing=True)
    )


async def get_limits(
    s: AsyncSession, *, number_id: UUID | None, currency: str, at: datetime
) -> SpendingLimits:
    """Give limits; where none were ever set, none at version 0."""
    found = (await s.execute(_with_number(number_id, currency))).one_or_none()
    if found is not None:
        row, e164 = found
        return _value(row, e164, (await _counted_today(s, [row], at)).get(_counter(row, at), 0))
    number = None if number_id is None else await s.get(Number, number_id)
    zero = Money.zero(currency)
    none = (None, None, None, None)
    known = number.e164 if number else None
    return SpendingLimits(number_id, known, currency, *none, DEFAULT_ZONE, zero, 0)


async def list_limits(
    s: AsyncSession, *, at: datetime, number_id: UUID | None = None
) -> list[SpendingLimits]:
    """List all limits that are set, the operator's first; or those of one number.

    Those of numbers that were removed are not among them.
    """
    some = or_(*(getattr(SpendingLimitRow, name).is_not(None) for name in sorted(AMOUNTS)))
    query = (
        select(SpendingLimitRow, Number.e164)
        .outerjoin(Number, Number.id == SpendingLimitRow.number_id)
        .where(some, Number.removed_at.is_(None))
        .order_by(Number.e164.nulls_first(), SpendingLimitRow.currency)
    )
    if number_id is not None:
        query = query.where(SpendingLimitRow.number_id == number_id)
    rows = (await s.execute(query)).all()
    counted = await _counted_today(s, [row for row, _ in rows], at)
    return [_value(row, e164, counted.get(_counter(row, at), 0)) for row, e164 in rows]


def _with_number(number_id: UUID | None, currency: str) -> Select[SpendingLimitRow, str]:
    return (
        select(SpendingLimitRow, Number.e164)
        .outerjoin(Number, Number.id == SpendingLimitRow.number_id)
        .where(
            SpendingLimitRow.number_id.is_not_distinct_from(number_id),
            SpendingLimitRow.currency == currency,
        )
        .execution_options(populate_existing=True)
    )


def _counter(row: SpendingLimitRow, at: datetime) -> tuple[str, str, str, str]:
    """Name what counts all callers' spending of the day."""
    return _scopes(row)[1], _together(row), DAY, day_in(row.time_zone, at)


async def _counted_today(
    s: AsyncSession, rows: Sequence[SpendingLimitRow], at: datetime
) -> dict[tuple[str, str, str, str], int]:
    if not rows:
        return {}
    key = (Spending.scope, Spending.owner, Spending.period, Spending.began_on)
    query = select(*key, Spending.posted + Spending.pending).where(
        tuple_(*key).in_([_counter(row, at) for row in rows])
    )
    return {
        (scope, owner, period, began_on): amount
        for scope, owner, period, began_on, amount in await s.execute(query)
    }


def _value(row: SpendingLimitRow, e164: str | None, counted: int) -> SpendingLimits:
    def money(amount: int | None) -> Money | None:
        return None if amount is None else Money(amount, row.currency)

    return SpendingLimits(
        number_id=row.number_id,
        number=e164,
        currency=row.currency,
        per_call=money(row.per_call),
        per_caller_day=money(row.per_caller_day),
        per_caller_month=money(row.per_caller_month),
        per_day=money(row.per_day),
        time_zone=row.time_zone,
        day_counted=Money(counted, row.currency),
        version=row.version,
    )
