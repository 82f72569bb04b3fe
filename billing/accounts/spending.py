"""Spending limits: rows of what counts under each, for one period, that holds are counted in.

One mechanism for whoever sets a limit: the caller, the operator for all his callers, a number of
ours. Which limits a call counts under is frozen with its quote.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, bindparam, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import CallerAccount, Spending
from billing.kit.rows import RowsInsert, table_of

CALLER: Final = "caller"
CALLER_BY_OPERATOR: Final = "caller-by-operator"
CALLER_ON_NUMBER: Final = "caller-on-number"
NUMBER: Final = "number"
OPERATOR: Final = "operator"
"""Whose calls are counted together; rows are locked in this, the alphabet's, order, so that what
many calls share is locked last and shortest."""

CALL: Final = "call"
DAY: Final = "day"
MONTH: Final = "month"
NUMBER_ALONE: Final = "number-alone"


@dataclass(frozen=True, slots=True, order=True)
class Limit:
    """At most `amount` ledger units within a period; ordered as rows are locked.

    `owner` is what the scope is about: an account, a number, a currency. That of one call
    (`CALL`, no `began_on`) has no row: the call itself knows what it holds.
    """

    scope: str
    owner: str
    period: str
    began_on: str
    amount: int

    def to_json(self) -> dict[str, Any]:
        """Freeze the limit."""
        return {
            "scope": self.scope,
            "owner": self.owner,
            "period": self.period,
            "began_on": self.began_on,
            "amount": self.amount,
        }

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Name its row."""
        return self.scope, self.owner, self.period, self.began_on


@dataclass(frozen=True, slots=True)
class Left:
    """What one limit still allows, in ledger units; below zero if it was lowered since."""

    limit: Limit
    amount: int


def day_in(time_zone: str, at: datetime) -> str:
    """Give the date at a moment in a time zone."""
    return at.astimezone(ZoneInfo(time_zone)).date().isoformat()


def limits_of(account: CallerAccount, *, number_alone: bool, at: datetime) -> tuple[Limit, ...]:
    """List the account's own limits that a call begun at `at` counts under."""
    day, owner = day_in(account.time_zone, at), str(account.id)

    def own() -> Iterator[Limit]:
        if account.call_limit is not None:
            yield Limit(CALLER, owner, CALL, "", account.call_limit)
        if account.day_limit is not None:
            yield Limit(CALLER, owner, DAY, day, account.day_limit)
        if account.month_limit is not None:
            yield Limit(CALLER, owner, MONTH, day[:7], account.month_limit)
        if number_alone:
            yield Limit(CALLER, owner, NUMBER_ALONE, day, account.number_alone_limit or 0)

    return tuple(sorted(own()))


def _counted(limits: Sequence[Limit]) -> list[Limit]:
    return sorted(limit for limit in limits if limit.period != CALL)


_ROWS = RowsInsert(Spending, "scope", "owner", "period", "began_on", "limit_amount")
_NEW_ROWS = _ROWS.statement.on_conflict_do_nothing()


async def ensure(s: AsyncSession, limits: Sequence[Limit]) -> None:
    """Make the rows of limits that have none yet."""
    rows = [
        {
            "scope": limit.scope,
            "owner": limit.owner,
            "period": limit.period,
            "began_on": limit.began_on,
            "limit_amount": limit.amount,
        }
        for limit in _counted(limits)
    ]
    if rows:
        await s.execute(_NEW_ROWS, _ROWS.given(rows))


_TABLE: Final = table_of(Spending)
_KEY: Final = (_TABLE.c.scope, _TABLE.c.owner, _TABLE.c.period, _TABLE.c.began_on)
_IN_ORDER: Final = tuple(column.collate("C") for column in _KEY)
"""As Python sorts, whatever the database's collation is."""
_AMONG: Final = tuple_(*_KEY).in_(bindparam("keys", expanding=True))
_LEFT: Final = select(*_KEY, _TABLE.c.posted + _TABLE.c.pending).where(_AMONG).order_by(*_IN_ORDER)
_LEFT_LOCKED: Final = _LEFT.with_for_update()
_HOLD: Final = (
    update(_TABLE)
    .where(
        _AMONG,
        _TABLE.c.posted + _TABLE.c.pending + bindparam("amount", type_=BigInteger)
        <= bindparam("most", type_=BigInteger),
    )
    .values(
        pending=_TABLE.c.pending + bindparam("amount", type_=BigInteger),
        limit_amount=bindparam("most", type_=BigInteger),
    )
    .returning(_TABLE.c.period)
)
_LOCKED: Final = select(*_KEY).where(_AMONG).order_by(*_IN_ORDER).with_for_update().cte("locked")
"""The rows are locked in the order that holds take them, whatever the plan of the update is."""
_RESOLVE: Final = (
    update(_TABLE)
    .where(*(column == _LOCKED.c[column.name] for column in _KEY))
    .values(
        posted=_TABLE.c.posted + bindparam("paid", type_=BigInteger),
        pending=_TABLE.c.pending - bindparam("held", type_=BigInteger),
    )
)


def _keys(limits: Sequence[Limit]) -> list[tuple[str, str, str, str]]:
    return [limit.key for limit in limits]


async def left(
    s: AsyncSession, limits: Sequence[Limit], *, held: int, lock: bool = False
) -> tuple[Left, ...]:
    """Give what each limit leaves; `held` is what counts under the limits of one call."""
    counted = _counted(limits)
    taken: dict[tuple[str, str, str, str], int] = {}
    if counted:
        query = _LEFT_LOCKED if lock else _LEFT
        for *key, amount in await s.execute(query, {"keys": _keys(counted)}):
            taken[key[0], key[1], key[2], key[3]] = amount
    return tuple(
        Left(limit, limit.amount - (held if limit.period == CALL else taken.get(limit.key, 0)))
        for limit in limits
    )


async def hold(s: AsyncSession, limits: Sequence[Limit], amount: int) -> bool:
    """Count a hold under each limit, in order; False: one has no room, roll back."""
    for limit in _counted(limits):
        given = {"keys": _keys([limit]), "amount": amount, "most": limit.amount}
        counted = await s.execute(_HOLD, given)
        if counted.first() is None:
            return False
    return True


async def give_back(s: AsyncSession, limits: Sequence[Limit], amount: int) -> None:
    """Count a call's money that went back as not spent: in the period that the call counts in."""
    await resolve(s, limits, paid=-amount, held=0)


async def resolve(s: AsyncSession, limits: Sequence[Limit], *, paid: int, held: int) -> None:
    """Take `held` out of what is pending under each limit, `paid` of it for good."""
    counted = _counted(limits)
    if counted:
        await s.execute(_RESOLVE, {"keys": _keys(counted), "paid": paid, "held": held})
