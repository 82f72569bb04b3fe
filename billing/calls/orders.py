"""Orders to a running call: asked for in one process, done by the one that carries the call.

An order is a row. A notification hints at it, but a row that nobody was told of is found all the
same, also by a process that was started after it was written.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.errors import CallEnded, CallUnknown, OrderUnknown
from billing.calls.models import CallOrder, CallRow
from billing.kit.ids import new_call_id
from billing.kit.pages import After, Slice, take

CHANNEL: Final = "call_orders"
"""Notified by a trigger whenever an order is written."""

DEADLINE: Final = timedelta(seconds=30)
"""An order that was not taken up for so long is not done any more."""


class OrderKind(StrEnum):
    """What may be ordered."""

    END_CALL = "end-call"
    PROPOSE_PAID = "propose-paid"
    PROPOSE_ACT = "propose-act"
    BACK_TO_FREE = "back-to-free"
    FREE_MINUTES = "free-minutes"


class OrderState(StrEnum):
    """How far an order is."""

    ASKED = "asked"
    TAKEN = "taken"
    DONE = "done"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands. `result` is what came of it, or why its call ended, once it has."""

    order_id: UUID
    call_id: UUID
    kind: OrderKind
    state: OrderState
    asked_by: str
    asked_at: datetime
    deadline: datetime
    taken_at: datetime | None
    closed_at: datetime | None
    result: str | None


@dataclass(frozen=True, slots=True)
class Attended:
    """Orders to be done now, and those that need nothing more."""

    to_do: tuple[Order, ...]
    closed: frozenset[UUID]


async def ask(
    s: AsyncSession,
    call_id: UUID,
    *,
    asked_by: str,
    at: datetime,
    kind: OrderKind = OrderKind.END_CALL,
    within: timedelta = DEADLINE,
) -> Order:
    """Write an order; while one of its kind is open for the call, that one is given instead.

    Raises CallUnknown or CallEnded.
    """
    call = (
        await s.execute(select(CallRow.id, CallRow.ended_at).where(CallRow.id == call_id))
    ).first()
    if call is None:
        raise CallUnknown(call_id)
    if call.ended_at is not None:
        raise CallEnded(call_id)
    await s.execute(
        update(CallOrder)
        .where(
            CallOrder.call_id == call_id,
            CallOrder.kind == kind,
            CallOrder.closed_at.is_(None),
            CallOrder.deadline <= at,
        )
        .values(state=OrderState.EXPIRED, closed_at=at)
        .execution_options(synchronize_session=False)
    )
    await s.execute(
        insert(CallOrder)
        .values(
            id=new_call_id(),
            call_id=call_id,
            kind=kind,
            asked_by=asked_by,
            asked_at=at,
            deadline=at + within,
            state=OrderState.ASKED,
        )
        .on_conflict_do_nothing()
    )
    row = await s.scalars(
        select(CallOrder)
        .where(CallOrder.call_id == call_id, CallOrder.kind == kind, CallOrder.closed_at.is_(None))
        .execution_options(populate_existing=True)
    )
    return _value(row.one(), None, at)


async def get(s: AsyncSession, order_id: UUID, at: datetime) -> Order:
    """Give an order as it stands; raises OrderUnknown."""
    found = (await s.execute(_with_reason().where(CallOrder.id == order_id))).first()
    if found is None:
        raise OrderUnknown(order_id)
    return _value(*found, at)


async def page_orders(
    s: AsyncSession,
    at: datetime,
    *,
    limit: int,
    after: After | None = None,
    call_id: UUID | None = None,
) -> Slice[Order]:
    """List orders, of one call or of all, newest first, page by page."""
    query = _with_reason()
    if call_id is not None:
        query = query.where(CallOrder.call_id == call_id)
    found = await take(s, query, (CallOrder.id,), limit=limit, after=after, descending=True)
    return Slice(tuple(_value(row, reason, at) for row, reason in found.items), found.after)


async def attend(
    s: AsyncSession,
    asterisk_id: str,
    *,
    running: Collection[UUID],
    in_hand: Collection[UUID],
    at: datetime,
) -> Attended:
    """Take the open orders of an Asterisk's calls that `running` names, and close the others.

    Done is an order whose call has ended. One past its deadline expires, unless it is `in_hand`:
    this very process has begun it. What another process took and did not finish is taken again.
    """
    rows = (
        await s.execute(
            _with_reason()
            .where(CallOrder.closed_at.is_(None), CallRow.asterisk_id == asterisk_id)
            .order_by(CallOrder.id)
            .with_for_update(of=CallOrder)
        )
    ).all()
    to_do: list[CallOrder] = []
    # One in hand that isn't open any more was closed by whoever asked anew past its deadline.
    closed = set(in_hand) - {row.id for row, _ in rows}
    for row, reason in rows:
        if reason is not None:
            row.state, row.result, row.closed_at = OrderState.DONE, reason, at
        elif row.id in in_hand:
            continue
        elif row.deadline <= at:
            row.state, row.closed_at = OrderState.EXPIRED, at
        elif row.call_id in running:
            row.state, row.taken_at = OrderState.TAKEN, at
            to_do.append(row)
        if row.closed_at is not None:
            closed.add(row.id)
    await s.flush()
    return Attended(tuple(_value(row, None, at) for row in to_do), frozenset(closed))


async def carried_out(s: AsyncSession, order_id: UUID, *, result: str, at: datetime) -> None:
    """Close an order to a call that goes on, and say what came of it; the first result stays."""
    await s.execute(
        update(CallOrder)
        .where(CallOrder.id == order_id, CallOrder.closed_at.is_(None))
        .values(
            state=OrderState.DONE,
            result=result,
            closed_at=at,
            taken_at=func.coalesce(CallOrder.taken_at, at),
        )
        .execution_options(synchronize_session=False)
    )


def _with_reason() -> Select[CallOrder, str | None]:
    return (
        select(CallOrder, CallRow.reason)
        .join(CallRow, CallRow.id == CallOrder.call_id)
        .execution_options(populate_existing=True)
    )


def _value(row: CallOrder, reason: str | None, at: datetime) -> Order:
    """Give an order as it is at `at`, also where no process has looked at it since.

    `reason` is why its call ended, None while it goes on.
    """
    state, result = OrderState(row.state), row.result
    if row.closed_at is None and reason is not None:
        state, result = OrderState.DONE, reason
    elif state is OrderState.ASKED and row.deadline <= at:
        state = OrderState.EXPIRED
    return Order(
        order_id=row.id,
        call_id=row.call_id,
        kind=OrderKind(row.kind),
        state=state,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        deadline=row.deadline,
        taken_at=row.taken_at,
        closed_at=row.closed_at,
        result=result,
    )
