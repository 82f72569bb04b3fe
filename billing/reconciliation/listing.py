"""Statements as people look at them: listed, and each with its lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text, case, cast, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.charging.premium.models import PremiumSettlement
from billing.kit.pages import After, Slice, take
from billing.money.values import Money
from billing.reconciliation.applying import find, not_closed
from billing.reconciliation.models import LayoutRow, StatementCall, StatementLine, StatementRow
from billing.reconciliation.values import Outcome, Statement


class Shown(StrEnum):
    """What lines are asked for. `different`: all that isn't confirmed, or by rounding only."""

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    UNKNOWN = "unknown"
    REPEATED = "repeated"
    MISSING = "missing"
    DISPUTED = "disputed"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class ListedLine:
    """A line as it is shown. `file_line` None: a call of ours that the statement doesn't have.

    `waiting`: of its calls, those that a dispute keeps from being applied; `closed_at`: when its
    money moved, of a missing call when it was written off. `call_id`: where it is about one call.
    """

    position: int
    file_line: int | None
    number: str
    caller: str | None
    starts_at: datetime
    ends_at: datetime | None
    seconds: int | None
    calls: int | None
    carrier_id: str | None
    amount: Money
    expected: Money
    outcome: Outcome
    within: bool
    our_calls: int
    call_id: UUID | None
    waiting: int
    closed_at: datetime | None

    @property
    def shown_outcome(self) -> str:
        """The outcome, or `disputed` while a dispute keeps it from being applied."""
        return str(Shown.DISPUTED) if self.waiting else str(self.outcome)


async def get_statement(s: AsyncSession, statement_id: UUID) -> Statement:
    """Give a statement and how it stands; raises StatementUnknown."""
    (found,) = await _described(s, [await find(s, statement_id)])
    return found


async def list_statements(
    s: AsyncSession, *, limit: int, after: After | None = None, carrier: str | None = None
) -> Slice[Statement]:
    """List statements, the latest import first."""
    query = select(StatementRow)
    if carrier is not None:
        query = query.where(StatementRow.carrier == carrier)
    keys = (StatementRow.imported_at, StatementRow.id)
    page = await take(s, query, keys, limit=limit, after=after, descending=True)
    return Slice(tuple(await _described(s, page.items)), page.after)


async def _described(s: AsyncSession, rows: Sequence[StatementRow]) -> list[Statement]:
    ids = [row.id for row in rows]
    known = await s.execute(select(LayoutRow.id, LayoutRow.name))
    names = {layout_id: name for layout_id, name in known}  # noqa: C416  (typed)
    by_outcome = await s.execute(
        select(
            StatementLine.statement_id,
            StatementLine.outcome,
            func.count().label("lines"),
            _sum(StatementLine.amount).label("amount"),
        )
        .where(StatementLine.statement_id == func.any(ids))
        .group_by(StatementLine.statement_id, StatementLine.outcome)
    )
    outcomes: dict[UUID, dict[str, int]] = {one: dict.fromkeys(Outcome, 0) for one in ids}
    amounts: dict[UUID, int] = dict.fromkeys(ids, 0)
    for one in by_outcome:
        outcomes[one.statement_id][one.outcome] = one.lines
        amounts[one.statement_id] += one.amount
    moved = await s.execute(
        select(
            StatementCall.statement_id,
            _sum(StatementCall.amount).label("matched"),
            _sum(_if(StatementCall.applied_at.is_not(None), StatementCall.amount)).label("applied"),
            _sum(_if(_missing_open(), PremiumSettlement.outpayment)).label("missing_open"),
            _sum(
                _if(
                    ~StatementCall.listed & StatementCall.applied_at.is_not(None),
                    PremiumSettlement.outpayment,
                )
            ).label("written_off"),
        )
        .join(PremiumSettlement, PremiumSettlement.call_id == StatementCall.call_id)
        .where(StatementCall.statement_id == func.any(ids))
        .group_by(StatementCall.statement_id)
    )
    sums: dict[UUID, Any] = {one.statement_id: one for one in moved}

    def money(row: StatementRow, name: str) -> Money:
        return Money(getattr(sums.get(row.id), name, 0), row.currency)

    return [
        Statement(
            statement_id=row.id,
            layout=names[row.layout_id],
            carrier=row.carrier,
            kind=row.kind,
            file_name=row.file_name,
            from_at=row.from_at,
            until=row.until,
            imported_at=row.imported_at,
            imported_by=row.imported_by,
            signed_off_at=row.signed_off_at,
            signed_off_by=row.signed_off_by,
            lines=sum(outcomes[row.id].values()) - outcomes[row.id][Outcome.MISSING],
            outcomes={str(name): count for name, count in outcomes[row.id].items()},
            amount=Money(amounts[row.id], row.currency),
            matched=money(row, "matched"),
            applied=money(row, "applied"),
            missing_open=money(row, "missing_open"),
            written_off=money(row, "written_off"),
        )
        for row in rows
    ]


def _missing_open() -> Any:
    return ~StatementCall.listed & StatementCall.applied_at.is_(None) & not_closed()


def _if(condition: Any, column: Any) -> Any:
    return case((condition, column), else_=0)


def _sum(column: Any) -> Any:
    # A sum of bigints is a numeric in PostgreSQL.
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _waits() -> Any:
    return exists().where(
        StatementCall.statement_id == StatementLine.statement_id,
        StatementCall.position == StatementLine.position,
        StatementCall.listed,
        StatementCall.applied_at.is_(None),
    )


async def list_lines(
    s: AsyncSession,
    statement_id: UUID,
    *,
    limit: int,
    after: After | None = None,
    shown: Shown | None = None,
) -> Slice[ListedLine]:
    """List a statement's lines in the file's order, then the calls it lacks.

    Raises StatementUnknown.
    """
    statement = await find(s, statement_id)
    query = select(StatementLine).where(StatementLine.statement_id == statement_id)
    if shown is Shown.DISPUTED:
        query = query.where(_waits())
    elif shown is Shown.DIFFERENT:
        query = query.where(
            (StatementLine.outcome != Outcome.CONFIRMED.value) & ~StatementLine.within | _waits()
        )
    elif shown is not None:
        query = query.where(StatementLine.outcome == shown.value)
    page = await take(s, query, (StatementLine.position,), limit=limit, after=after)
    calls = (
        select(
            StatementCall.position,
            func.count().label("our_calls"),
            # PostgreSQL has no least UUID before 18.
            func.min(cast(StatementCall.call_id, Text)).label("call_id"),
            func.count()
            .filter(StatementCall.listed & StatementCall.applied_at.is_(None))
            .label("waiting"),
            func.max(StatementCall.applied_at).label("closed_at"),
        )
        .where(
            StatementCall.statement_id == statement_id,
            StatementCall.position == func.any([row.position for row in page.items]),
        )
        .group_by(StatementCall.position)
    )
    about = {one.position: one for one in await s.execute(calls)}
    return Slice(
        tuple(_listed(row, about.get(row.position), statement.currency) for row in page.items),
        page.after,
    )


def _listed(row: StatementLine, about: Any, currency: str) -> ListedLine:
    our_calls = about.our_calls if about else 0
    return ListedLine(
        position=row.position,
        file_line=row.file_line,
        number=row.number,
        caller=row.caller,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        seconds=row.seconds,
        calls=row.calls,
        carrier_id=row.carrier_id,
        amount=Money(row.amount, currency),
        expected=Money(row.expected, currency),
        outcome=Outcome(row.outcome),
        within=row.within,
        our_calls=our_calls,
        call_id=UUID(about.call_id) if our_calls == 1 else None,
        waiting=about.waiting if about else 0,
        closed_at=about.closed_at if about else None,
    )
