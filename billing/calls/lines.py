"""Calls to the self-service lines: taken once by the process that serves them, and what is heard.

Such a call is written as over, free, before it is handed over; what is done in it stands in its
timeline.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import PinState
from billing.calls.models import CallRow, LineSession
from billing.calls.settling import append_timeline
from billing.calls.values import EndReason, TimelineEntry
from billing.catalogue.models import Number
from billing.kit.clock import to_ms
from billing.ledger.models import LedgerAccount, RefundRow, SettlementRow, Transfer
from billing.ledger.values import AccountKind
from billing.money.values import Money
from billing.pins import sources
from billing.pins.models import PinSource
from billing.pins.rules import is_locked, source_of

TAKEN_WITHIN: Final = timedelta(minutes=1)
"""A call older than this is not handed over any more: its number can't be used by anybody else."""

# As `source_of` says it.
_SOURCE = func.concat_ws(
    " ",
    func.coalesce(func.nullif(CallRow.trunk, ""), "-"),
    func.coalesce(CallRow.caller_number, "-"),
)


@dataclass(frozen=True, slots=True)
class LineCall:
    """A call to a line. `account_id`: whose number calls.

    `locked`: too many wrong PINs of that account from this `source` lately.
    """

    call_id: UUID
    line: str
    account_id: UUID | None
    caller_number: str | None
    source: str
    language: str
    locked: bool


@dataclass(frozen=True, slots=True)
class PastTalk:
    """A paid or free talk of a caller."""

    at: datetime
    seconds: int
    cost: Money


@dataclass(frozen=True, slots=True)
class Earned:
    """An expert's shares, one sum for each currency; `expected`: this month, unconfirmed."""

    today: tuple[Money, ...]
    month: tuple[Money, ...]
    expected: tuple[Money, ...]


async def take(s: AsyncSession, call_id: UUID, line: str, at: datetime) -> LineCall | None:
    """Take a call that was just handed over to a line; None: there is none, or it was taken."""
    found = (
        await s.execute(
            select(CallRow, sources.locked_until(PinState))
            .join(Number, Number.id == CallRow.number_id)
            .outerjoin(PinState, PinState.account_id == CallRow.account_id)
            .outerjoin(PinSource, sources.is_mine(CallRow.account_id, _SOURCE))
            .where(
                CallRow.id == call_id,
                CallRow.reason == EndReason.SELF_SERVICE,
                CallRow.ended_at > at - TAKEN_WITHIN,
                Number.kind == line,
            )
        )
    ).first()
    if found is None:
        return None
    taken = await s.execute(
        insert(LineSession)
        .values(call_id=call_id, line=line, began_at=at)
        .on_conflict_do_nothing()
        .returning(LineSession.call_id)
    )
    if taken.first() is None:
        return None
    call, locked_until = found
    return LineCall(
        call_id=call_id,
        line=line,
        account_id=call.account_id,
        caller_number=call.caller_number,
        language=call.language,
        source=source_of(call.trunk, call.caller_number),
        locked=is_locked(locked_until, at),
    )


async def leave(s: AsyncSession, call_id: UUID, result: str, at: datetime) -> None:
    """Write how a call to a line ended; what was written first stays."""
    await s.execute(
        update(LineSession)
        .where(LineSession.call_id == call_id, LineSession.ended_at.is_(None))
        .values(ended_at=at, result=result)
    )
    await note(s, call_id, f"line left: {result}", at)


async def note(s: AsyncSession, call_id: UUID, what: str, at: datetime) -> None:
    """Add a line to the call's timeline; never a digit that was keyed."""
    await append_timeline(s, call_id, [TimelineEntry(to_ms(at), what, {})])


async def last_calls(s: AsyncSession, account_id: UUID, limit: int) -> list[PastTalk]:
    """List a caller's latest calls that were talked and priced, the newest first.

    A call costs what it was charged less what went back of it.
    """
    back = (
        select(func.coalesce(func.sum(RefundRow.amount), 0))
        .where(RefundRow.call_id == CallRow.id)
        .scalar_subquery()
    )
    rows = await s.execute(
        select(
            CallRow.received_at,
            SettlementRow.used_seconds,
            cast(SettlementRow.charge - back, BigInteger),
            SettlementRow.currency,
        )
        .join(SettlementRow, SettlementRow.call_id == CallRow.id)
        .where(
            CallRow.account_id == account_id,
            SettlementRow.used_seconds > 0,
            SettlementRow.currency.is_not(None),
        )
        .order_by(CallRow.received_at.desc(), CallRow.id.desc())
        .limit(limit)
    )
    return [
        PastTalk(at, seconds, Money(charge, str(currency)))
        for at, seconds, charge, currency in rows
    ]


async def earnings(s: AsyncSession, expert_id: UUID, time_zone: str, at: datetime) -> Earned:
    """Sum up an expert's shares of calls, by the days and months of his own clock.

    Refunds are tied to their call and count; payouts are not and don't.
    """
    day = at.astimezone(ZoneInfo(time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    month = day.replace(day=1)
    payable, expected = AccountKind.EXPERT_PAYABLE, AccountKind.EXPERT_EXPECTED
    return Earned(
        today=await _moved(s, payable, expert_id, Transfer.at >= day),
        month=await _moved(s, payable, expert_id, Transfer.at >= month),
        # Of this month's calls: what a statement closes now was perhaps expected in another month.
        expected=await _moved(
            s,
            expected,
            expert_id,
            Transfer.call_id.in_(
                select(SettlementRow.call_id).where(SettlementRow.settled_at >= month)
            ),
        ),
    )


async def _moved(
    s: AsyncSession, kind: AccountKind, owner: UUID, which: ColumnElement[bool]
) -> tuple[Money, ...]:
    signed = case((Transfer.credit_id == LedgerAccount.id, Transfer.amount), else_=-Transfer.amount)
    total = func.sum(signed)
    rows = await s.execute(
        select(LedgerAccount.currency, total)
        .join(
            Transfer,
            or_(Transfer.credit_id == LedgerAccount.id, Transfer.debit_id == LedgerAccount.id),
        )
        .where(
            LedgerAccount.kind == kind,
            LedgerAccount.owner == owner,
            Transfer.kind.in_(("single", "post")),
            Transfer.call_id.is_not(None),
            which,
        )
        .group_by(LedgerAccount.currency)
        .having(total != 0)
        .order_by(LedgerAccount.currency)
    )
    return tuple(Money(int(amount), currency) for currency, amount in rows)
