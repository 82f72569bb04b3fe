"""The ends of a segment and of a session: holds let go, or posted in part and shared."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import spending
from billing.charging import rules, sessions
from billing.charging.closed import ClosedSegment, earlier_of
from billing.charging.models import ChargingSession, ClosedSegmentRow
from billing.charging.sessions import OpenHold
from billing.kit.clock import to_ms
from billing.kit.ids import transfer_id
from billing.ledger import service as ledger
from billing.ledger.values import AccountKind, Move, account_id
from billing.money.values import Money
from billing.shares.rules import split
from billing.shares.values import Split
from billing.tariffs.rules import charge
from billing.tariffs.values import Tariff


@dataclass(frozen=True, slots=True)
class Closed:
    """What a session came to. `split` None: no price was quoted, so nobody was to pay."""

    bill: rules.Bill
    split: Split | None
    available: Money | None


async def let_go(s: AsyncSession, call_id: UUID) -> None:
    """Void all holds of a session before any paid time; it may be quoted anew. Harmless twice."""
    session = await sessions.find(s, call_id, lock=True)
    if session is None or session.state != "granted":
        return
    currency = sessions.tariff_of(session).currency
    open_holds = sessions.open_holds(await sessions.grants_of(s, session), currency)
    await ledger.add_transfers(
        s, [_resolution(session, hold, "void", hold.amount) for hold in open_holds]
    )
    held = sum(hold.amount.amount for hold in open_holds)
    if held:
        limits = sessions.limits_of(session)
        await spending.resolve(s, limits, paid=0, held=held)
        await ledger.resolve_in_wallet(s, _wallet(session, currency), paid=0, held=held)
    session.state = "quoted"
    session.segment += 1
    await s.flush()


async def close(
    s: AsyncSession,
    session: ChargingSession | None,
    intervals: Sequence[tuple[int, int]],
    closed: Sequence[ClosedSegment] = (),
) -> Closed:
    """Charge for paid time (ms since the epoch), post the holds for it, void the rest, share.

    `intervals` are those of the last segment, `closed` the segments before it. The session must be
    locked. The number of statements doesn't depend on that of grants.
    """
    if session is None:
        return Closed(rules.bill(intervals, 0), None, None)
    if session.tariff is None:
        # A quote that comes after all, from a process that was given up, must find it closed.
        session.state = "settled"
        await s.flush()
        return Closed(rules.bill(intervals, 0), None, None)
    ended = await _resolve(s, session, intervals, closed, "share")
    session.state = "settled"
    await s.flush()
    return ended


async def close_segment(
    s: AsyncSession,
    session: ChargingSession,
    intervals: Sequence[tuple[int, int]],
    closed: Sequence[ClosedSegment],
    *,
    last_interval: int,
    consented_at_ms: int | None,
    at: datetime,
) -> Closed:
    """End a segment in mid-call: charged, posted, the rest voided, shared; the session goes on.

    `intervals` are the segment's own, the last of them the call's paid interval number
    `last_interval`. The session must be locked and granted.
    """
    segment, granted = session.segment, await sessions.grants_of(s, session)
    ended = await _resolve(s, session, intervals, closed, f"share-{segment}")
    assert ended.split is not None  # a price was quoted in it
    s.add(
        ClosedSegmentRow(
            session_id=session.session_id,
            segment=segment,
            tariff_version_id=session.tariff_version_id,
            tariff=session.tariff,
            share=session.share,
            consented_at_ms=consented_at_ms,
            until_ms=_until_ms(intervals, at),
            last_interval=last_interval,
            granted_seconds=granted[-1].granted_seconds,
            used_seconds=ended.bill.used_seconds,
            billed_seconds=ended.bill.billed_seconds,
            overrun_ms=ended.bill.overrun_ms,
            charge=ended.split.charge.amount,
            tax=ended.split.tax.amount,
            expert=ended.split.expert.amount,
            platform=ended.split.platform.amount,
            closed_at=at,
        )
    )
    session.state = "opened"
    session.segment = segment + 1
    await s.flush()
    return ended


def _until_ms(intervals: Sequence[tuple[int, int]], at: datetime) -> int:
    """Give the end of a closed segment's paid time: nothing paid before it is of a later segment.

    Of one that cost nothing for its silence no end is left; it is over as it is closed at `at`.
    """
    until_ms = max(end for _, end in intervals)
    return until_ms if rules.used_ms(intervals) else max(until_ms, to_ms(at))


async def _resolve(
    s: AsyncSession,
    session: ChargingSession,
    intervals: Sequence[tuple[int, int]],
    closed: Sequence[ClosedSegment],
    step: str,
) -> Closed:
    """Turn a segment's holds into its charge and everybody's part of it."""
    tariff = sessions.tariff_of(session)
    grants = await sessions.grants_of(s, session) if session.state == "granted" else []
    bill = rules.bill(intervals, grants[-1].granted_seconds if grants else 0)
    charged = charge(tariff, bill.billed_seconds, earlier=earlier_of(closed))
    open_holds = sessions.open_holds(grants, tariff.currency)
    shares = split(charged, tariff.tax_basis_points, sessions.share_of(session))
    await ledger.add_transfers(s, _moves(session, tariff, open_holds, shares, step))
    held = sum(hold.amount.amount for hold in open_holds)
    limits = sessions.limits_of(session)
    wallet_id = _wallet(session, tariff.currency)
    if held:
        await spending.resolve(s, limits, paid=charged.amount, held=held)
        available = await ledger.resolve_in_wallet(s, wallet_id, paid=charged.amount, held=held)
    else:
        available = (await ledger.read_wallet(s, wallet_id)).available
    return Closed(bill, shares, Money(available, tariff.currency))


def _wallet(session: ChargingSession, currency: str) -> UUID:
    return account_id(AccountKind.WALLET, currency, session.account_id)


def _moves(
    session: ChargingSession,
    tariff: Tariff,
    open_holds: Sequence[OpenHold],
    shares: Split,
    share_step: str,
) -> list[Move]:
    moves = []
    ends = rules.settle_grants([hold.amount for hold in open_holds], shares.charge)
    for hold, end in zip(open_holds, ends, strict=True):
        if end.post:
            moves.append(_resolution(session, hold, "post", end.post))
        if end.void:
            moves.append(_resolution(session, hold, "void", end.void))
    currency = tariff.currency
    for step, amount, payee in (
        ("tax", shares.tax, account_id(AccountKind.TAX, currency)),
        (
            "expert",
            shares.expert,
            account_id(AccountKind.EXPERT_PAYABLE, currency, session.expert_id),
        ),
        ("platform", shares.platform, account_id(AccountKind.PLATFORM_REVENUE, currency)),
    ):
        if amount:
            moves.append(
                Move(
                    id=transfer_id(session.session_id, share_step, step),
                    kind="single",
                    debit=account_id(AccountKind.CLEARING, currency),
                    credit=payee,
                    amount=amount,
                    reason=f"share-{step}",
                    call_id=session.session_id,
                )
            )
    return moves


def _resolution(session: ChargingSession, hold: OpenHold, kind: str, amount: Money) -> Move:
    return Move(
        id=transfer_id(session.session_id, kind, hold.request_number),
        kind="post" if kind == "post" else "void",
        debit=_wallet(session, amount.currency),
        credit=account_id(AccountKind.CLEARING, amount.currency),
        amount=amount,
        reason="talk" if kind == "post" else "released",
        call_id=session.session_id,
        pending_id=hold.transfer_id,
    )
