"""The end of a call: one transaction for money, record and expert."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.cel import cel_meter
from billing.calls.errors import CallEnded, CallUnknown, IntervalOpen, PaidTimeBegan
from billing.calls.followup import UNKNOWING, FollowUp
from billing.calls.models import CallRow, PaidInterval, TalkStretch, TimelineRow
from billing.calls.values import EndReason, Interval, NoPayer, TimelineEntry
from billing.catalogue import reservations
from billing.charging import ending, sessions
from billing.charging import service as charging
from billing.charging.closed import ClosedSegment, since
from billing.charging.models import ChargingSession
from billing.charging.premium import service as premium_service
from billing.charging.premium.models import PremiumSession
from billing.charging.premium.values import PremiumOutcome, PremiumPlan
from billing.charging.rules import Bill, used_seconds
from billing.charging.segments import closed_segments
from billing.charging.values import Refused, Settlement
from billing.kit.clock import now, to_ms
from billing.kit.limits import Limits
from billing.kit.rows import RowsInsert
from billing.ledger import service as ledger
from billing.ledger.models import SettlementRow
from billing.money.values import Money
from billing.shares.values import Split

_LOCKED = (
    select(CallRow)
    .where(CallRow.id == bindparam("call_id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_PAID = RowsInsert(PaidInterval, "call_id", "position", "start_ms", "end_ms")
TIMELINE = RowsInsert(TimelineRow, "call_id", "at_ms", "what", "detail")


async def lock_call(s: AsyncSession, call_id: UUID) -> CallRow:
    """Give a call's row, locked against other writers; raises CallUnknown."""
    call: CallRow | None = await s.scalar(_LOCKED, {"call_id": call_id})
    if call is None:
        raise CallUnknown(call_id)
    return call


async def release(
    s: AsyncSession, call_id: UUID, *, reason: EndReason, at: datetime | None = None
) -> None:
    """Let go of holds and expert before any paid time; the call goes on and may choose anew.

    `at` defaults to the present. Harmless twice. Raises CallUnknown, CallEnded, or PaidTimeBegan.
    """
    call = await lock_call(s, call_id)
    if call.ended_at is not None:
        raise CallEnded(call_id)
    if await _paid_time_began(s, call_id):
        raise PaidTimeBegan(call_id)
    await ending.let_go(s, call_id)
    await reservations.free(s, call_id, at)
    call.expert_channel = call.talk_bridge = call.accepted_at = None
    await s.flush()
    released = TimelineEntry(to_ms(at or now()), "released", {"reason": reason})
    await append_timeline(s, call_id, [released])


async def reserve_free(
    s: AsyncSession, call_id: UUID, expert_id: UUID, at: datetime
) -> Refused | None:
    """Reserve the expert for a talk that nobody pays; None: reserved.

    Raises CallUnknown or CallEnded: nothing would ever free him from a call that is over.
    """
    call = await lock_call(s, call_id)
    if call.ended_at is not None:
        raise CallEnded(call_id)
    return await charging.reserve_free(s, call_id, expert_id, at)


async def hold_premium(
    s: AsyncSession, call_id: UUID, *, expert_id: UUID | None, limits: Limits, at: datetime
) -> PremiumPlan | Refused:
    """Freeze a premium-rate call's terms and caps, and reserve its expert, if any: both or neither.

    Raises CallUnknown or CallEnded.
    """
    call = await lock_call(s, call_id)
    if call.ended_at is not None or call.number_id is None:
        raise CallEnded(call_id)
    return await premium_service.hold(
        s,
        call_id,
        number_id=call.number_id,
        expert_id=expert_id,
        caller_number=call.caller_number,
        received_at=call.received_at,
        limits=limits,
        at=at,
    )


async def _paid_time_began(s: AsyncSession, call_id: UUID) -> bool:
    began: bool | None = await s.scalar(
        select(
            exists().where(
                TalkStretch.call_id == call_id,
                TalkStretch.paid,
                TalkStretch.start_ms.is_not(None),
            )
        )
    )
    return bool(began)


async def settle(
    s: AsyncSession,
    call_id: UUID,
    *,
    intervals: Sequence[Interval],
    reason: EndReason,
    no_payer: NoPayer | None,
    at: datetime,
    timeline: Sequence[TimelineEntry] = (),
    meter: Interval | None = None,
    follow_up: FollowUp = UNKNOWING,
) -> Settlement:
    """End a call: charge, shares, record and expert in one transaction, once.

    `meter`: at premium rate, from the caller's answer to his release; without it Asterisk's record
    is asked. A second settlement gives the first's result and changes nothing, whatever it is
    asked. The number of statements depends on what there is to write, never on how much of it.
    Raises CallUnknown, or IntervalOpen for paid time without an end.
    """
    call = await lock_call(s, call_id)
    # Both are written at once, and the call's row is locked.
    settled = await ledger.find_settlement(s, call_id) if call.ended_at is not None else None
    if settled is not None:
        return settlement_value(settled, await premium_service.find_outcome(s, call_id))
    billed = [_closed(call_id, interval) for interval in intervals]
    session = await sessions.find(s, call_id, lock=True)
    closed = await closed_segments(s, session) if session else ()
    outcome = None
    carried = None if session else await premium_service.find(s, call_id, lock=True)
    if carried is None:
        last = await ending.close(s, session, since(closed, billed), closed)
        row = _row(call_id, _whole(closed, last), reason, no_payer, at)
    else:
        metered = await _metered(s, call, meter, billed)
        outcome = await premium_service.close(s, carried, meter=metered, talked=bool(billed))
        row = _premium_row(call_id, billed, reason, at)
    await ledger.add_settlement(s, row)
    if outcome is not None:
        await premium_service.add_settlement(s, call_id, outcome)
    # Before the next statement, which would write the row's other changes by itself.
    call.state, call.ended_at, call.reason = "ended", at, reason
    await _record(s, call, session or carried, since(closed, billed), closed)
    await append_timeline(s, call_id, timeline)
    await s.flush()
    await reservations.free(s, call_id, at)
    settlement = settlement_value(row, outcome)
    if row.charge and settlement.split is not None and settlement.wallet_available is not None:
        assert session is not None  # a wallet was charged
        amounts = settlement.split.charge, settlement.wallet_available
        await follow_up.defer(s, call_id, session.account_id, amounts)
    return settlement


async def close_segment(
    s: AsyncSession, call_id: UUID, *, intervals: Sequence[Interval], at: datetime
) -> ending.Closed | None:
    """End the present paid segment of a call that goes on; gives its money, None: there is none.

    `intervals` are all of the call's paid time so far. Without any in this segment its holds are
    let go. Harmless twice. Raises CallUnknown, CallEnded, or IntervalOpen.
    """
    call = await lock_call(s, call_id)
    if call.ended_at is not None:
        raise CallEnded(call_id)
    session = await sessions.find(s, call_id, lock=True)
    if session is None or session.state != "granted":
        return None
    closed = await closed_segments(s, session)
    own = since(closed, [_closed(call_id, interval) for interval in intervals])
    if not own:
        await ending.let_go(s, call_id)
        return None
    last = (closed[-1].last_interval if closed else 0) + len(own)
    ended = await ending.close_segment(
        s,
        session,
        own,
        closed,
        last_interval=last,
        consented_at_ms=call.consented_at_ms,
        at=at,
    )
    await _record(s, call, session, own, closed)
    await s.flush()
    return ended


def _whole(closed: Sequence[ClosedSegment], last: ending.Closed) -> ending.Closed:
    """Sum up a call's segments."""
    if not closed or last.split is None:
        return last
    bills = [*(one.bill for one in closed), last.bill]
    splits = [*(one.split for one in closed), last.split]
    zero = Money.zero(last.split.charge.currency)
    return ending.Closed(
        Bill(
            sum(one.used_seconds for one in bills),
            sum(one.billed_seconds for one in bills),
            sum(one.overrun_ms for one in bills),
        ),
        Split(
            charge=sum((one.charge for one in splits), zero),
            tax=sum((one.tax for one in splits), zero),
            expert=sum((one.expert for one in splits), zero),
            platform=sum((one.platform for one in splits), zero),
        ),
        last.available,
    )


async def _metered(
    s: AsyncSession, call: CallRow, meter: Interval | None, talked: Sequence[tuple[int, int]]
) -> tuple[int, int] | None:
    """From answer to release: as told, else by Asterisk's record, else what both surely talked."""
    if meter is None:
        meter = await cel_meter(s, call.id)
    if meter is None:
        return (min(talked)[0], max(end for _, end in talked)) if talked else None
    if meter.end_ms is None:
        # Asterisk died with the call: the last sign of life, in the caller's favour.
        last_ms = max([to_ms(call.last_seen_at), *(end for _, end in talked)])
        return meter.start_ms, max(meter.start_ms, last_ms)
    return meter.start_ms, max(meter.start_ms, meter.end_ms)


def _closed(call_id: UUID, interval: Interval) -> tuple[int, int]:
    if interval.end_ms is None:
        raise IntervalOpen(call_id)
    return interval.start_ms, max(interval.start_ms, interval.end_ms)


def _row(
    call_id: UUID,
    closed: ending.Closed,
    reason: EndReason,
    no_payer: NoPayer | None,
    at: datetime,
) -> SettlementRow:
    shares = closed.split
    return SettlementRow(
        call_id=call_id,
        reason=reason,
        no_payer=no_payer,
        currency=None if shares is None else shares.charge.currency,
        charge=0 if shares is None else shares.charge.amount,
        tax=0 if shares is None else shares.tax.amount,
        expert=0 if shares is None else shares.expert.amount,
        platform=0 if shares is None else shares.platform.amount,
        used_seconds=closed.bill.used_seconds,
        billed_seconds=closed.bill.billed_seconds,
        overrun_ms=closed.bill.overrun_ms,
        wallet_available=None if closed.available is None else closed.available.amount,
        settled_at=at,
    )


def _premium_row(
    call_id: UUID, talked: Sequence[tuple[int, int]], reason: EndReason, at: datetime
) -> SettlementRow:
    """The carrier bills: no wallet, so nothing is charged by us."""
    used = used_seconds(talked)
    return SettlementRow(
        call_id=call_id,
        reason=reason,
        no_payer=None,
        currency=None,
        charge=0,
        tax=0,
        expert=0,
        platform=0,
        used_seconds=used,
        billed_seconds=used,
        overrun_ms=0,
        wallet_available=None,
        settled_at=at,
    )


async def _record(
    s: AsyncSession,
    call: CallRow,
    session: ChargingSession | PremiumSession | None,
    billed: Sequence[tuple[int, int]],
    closed: Sequence[ClosedSegment],
) -> None:
    """Write the paid intervals of one segment, numbered after those of the segments before it."""
    if session is not None and billed:
        call.expert_id = session.expert_id
    if billed:
        rows = [
            {"call_id": call.id, "position": position, "start_ms": start, "end_ms": end}
            for position, (start, end) in enumerate(
                billed, 1 + (closed[-1].last_interval if closed else 0)
            )
        ]
        await s.execute(_PAID.statement, _PAID.given(rows))


async def append_timeline(s: AsyncSession, call_id: UUID, entries: Sequence[TimelineEntry]) -> None:
    """Add what happened to a call's timeline, in one statement."""
    if not entries:
        return
    await s.execute(TIMELINE.statement, TIMELINE.given(timeline_rows(call_id, entries)))


def timeline_rows(call_id: UUID, entries: Sequence[TimelineEntry]) -> list[dict[str, Any]]:
    """Give the lines as `TIMELINE` inserts them."""
    return [
        {"call_id": call_id, "at_ms": entry.at_ms, "what": entry.what, "detail": entry.detail}
        for entry in entries
    ]


async def talk_stopped(s: AsyncSession, call_id: UUID, *, bridge: str, end_ms: int) -> None:
    """Write the end of a stretch of talk (Asterisk's ms); the first end written stays."""
    await s.execute(
        update(TalkStretch)
        .where(
            TalkStretch.call_id == call_id,
            TalkStretch.bridge == bridge,
            TalkStretch.end_ms.is_(None),
        )
        .values(end_ms=end_ms)
        .execution_options(synchronize_session=False)
    )


def settlement_value(row: SettlementRow, premium: PremiumOutcome | None = None) -> Settlement:
    """Give a settlement as it was first answered, with what the carrier is to pay, if it bills."""
    shares = available = None
    if row.currency is not None:
        shares = Split(
            charge=Money(row.charge, row.currency),
            tax=Money(row.tax, row.currency),
            expert=Money(row.expert, row.currency),
            platform=Money(row.platform, row.currency),
        )
        if row.wallet_available is not None:
            available = Money(row.wallet_available, row.currency)
    return Settlement(
        call_id=row.call_id,
        reason=row.reason,
        used_seconds=row.used_seconds,
        billed_seconds=row.billed_seconds,
        overrun_ms=row.overrun_ms,
        split=shares,
        wallet_available=available,
        settled_at=row.settled_at,
        premium=premium,
    )
