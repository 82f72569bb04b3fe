"""Refunds: money of an ended call goes back to the wallet that paid, from who got it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import spending
from billing.calls.models import CallRow
from billing.calls.settling import lock_call
from billing.charging import sessions
from billing.charging.models import ChargingSession
from billing.charging.premium import service as premium_service
from billing.disputes import service as disputes
from billing.disputes.errors import CallDisputed, CallNotEnded
from billing.disputes.values import DisputeState
from billing.kit import idempotency
from billing.kit.ids import new_call_id, transfer_id
from billing.kit.jobs import defer
from billing.kit.pages import After, Slice, take
from billing.ledger import service as ledger
from billing.ledger.models import RefundRow, SettlementRow
from billing.ledger.values import AccountKind, Move, account_id
from billing.money.values import Money
from billing.refunds import rules
from billing.refunds.asked import Asked, amount_of
from billing.refunds.errors import CarrierBilled, NothingCharged, RefundInvalid, RefundUnknown
from billing.refunds.values import BEARERS, BorneBy, Refund, Refunded, RefundReason
from billing.shares.values import Split


async def refund(
    s: AsyncSession,
    call_id: UUID,
    asked: Asked,
    *,
    reason: RefundReason,
    note: str,
    by: str,
    idempotency_key: str,
    at: datetime,
    borne_by: BorneBy | None = None,
    keys_of: str = "refund",
) -> Refunded:
    """Give back what a call cost, or a part of it, once per key: a repeat gets the first answer.

    The call's row is locked, so that refunds at once give back no more than was charged together.
    What goes back is free again under the limits the call counts in. `keys_of`: whose keys these
    are, for nobody's repeat is another's. Raises RefundInvalid,
    CallUnknown, CallNotEnded, CallDisputed, CarrierBilled, NothingCharged, RefundTooMuch,
    SecondsTooMany, SecondsWorthNothing, CurrencyMismatch or KeyReused.
    """
    asked.check()
    if reason not in BEARERS:
        raise RefundInvalid("A dispute's money goes back as the dispute is upheld.")
    bearer = borne_by or BEARERS[reason]
    key = f"{keys_of}:{idempotency_key}"
    before = await idempotency.begin(s, key, _request(call_id, asked, reason, note, bearer), at)
    if before is not None:
        made = await get_refund(s, UUID(before["refund"]))
        currency = made.amount.currency
        available, left = Money(before["available"], currency), Money(before["left"], currency)
        return Refunded(made, available, left, new=False)
    call = await lock_call(s, call_id)
    settled, session = await _refundable(s, call)
    rows = await _of(s, call_id)
    amount = await amount_of(s, asked, settled, session, rows)
    parts = _parts(settled, rows, amount, bearer)
    row = RefundRow(
        id=new_call_id(),
        call_id=call_id,
        currency=amount.currency,
        amount=amount.amount,
        tax=parts.tax.amount,
        expert=parts.expert.amount,
        platform=parts.platform.amount,
        reason=reason,
        note=note,
        borne_by=bearer,
        seconds=asked.seconds,
        made_by=by,
        made_at=at,
    )
    s.add(row)
    await s.flush()
    available = await _move(s, row, session)
    left = Money(settled.charge - sum(one.amount for one in rows), amount.currency) - amount
    answer = {"refund": str(row.id), "available": available.amount, "left": left.amount}
    await idempotency.finish(s, key, answer)
    await defer(s, "render-prompts", amounts=[[available.amount, available.currency]])
    return Refunded(_value(row), available, left, new=True)


async def get_refund(s: AsyncSession, refund_id: UUID) -> Refund:
    """Give a refund; raises RefundUnknown."""
    row = await s.get(RefundRow, refund_id)
    if row is None:
        raise RefundUnknown(refund_id)
    return _value(row)


async def currency_of(s: AsyncSession, call_id: UUID) -> str | None:
    """Give the currency an ended call was charged in; None: nothing was, or it goes on."""
    settled = await ledger.find_settlement(s, call_id)
    return settled.currency if settled else None


async def refunds_of(s: AsyncSession, call_id: UUID) -> tuple[Refund, ...]:
    """List what went back of a call, oldest first; an upheld dispute's too."""
    return tuple(_value(row) for row in await _of(s, call_id))


async def page_refunds(
    s: AsyncSession, *, call_id: UUID | None = None, limit: int, after: After | None = None
) -> Slice[Refund]:
    """List refunds, newest first, page by page; those of one call if it is given."""
    query = select(RefundRow)
    if call_id is not None:
        query = query.where(RefundRow.call_id == call_id)
    found = await take(s, query, (RefundRow.id,), limit=limit, after=after, descending=True)
    return Slice(tuple(_value(row) for row in found.items), found.after)


def _request(
    call_id: UUID, asked: Asked, reason: RefundReason, note: str, bearer: BorneBy
) -> dict[str, object]:
    return {
        "call": str(call_id),
        "amount": asked.amount and asked.amount.amount,
        "currency": asked.amount and asked.amount.currency,
        "seconds": asked.seconds,
        "reason": str(reason),
        "note": note,
        "borne_by": str(bearer),
    }


async def _refundable(s: AsyncSession, call: CallRow) -> tuple[SettlementRow, ChargingSession]:
    """Give how a call ended in money; raises why none of it can go back."""
    settled = await ledger.find_settlement(s, call.id)
    if call.ended_at is None or settled is None:
        raise CallNotEnded(call.id)
    dispute = await disputes.of_call(s, call.id)
    if dispute is not None and dispute.state != DisputeState.REJECTED:
        raise CallDisputed(call.id, dispute.state)
    if await premium_service.find(s, call.id) is not None:
        raise CarrierBilled(call.id)
    session = await sessions.find(s, call.id)
    if session is None or not settled.charge:
        raise NothingCharged(call.id)
    return settled, session


def _parts(
    settled: SettlementRow, before: Sequence[RefundRow], amount: Money, bearer: BorneBy
) -> Split:
    """Give who gives what of a refund: of all refunds so far with it, less what was given."""
    currency = amount.currency
    charged = Split(
        charge=Money(settled.charge, currency),
        tax=Money(settled.tax, currency),
        expert=Money(settled.expert, currency),
        platform=Money(settled.platform, currency),
    )
    shared = sum(row.amount for row in before if row.borne_by == BorneBy.SHARED)
    alone = sum(row.amount for row in before if row.borne_by == BorneBy.PLATFORM)
    now = {
        "shared": shared + (amount.amount if bearer == BorneBy.SHARED else 0),
        "alone": alone + (amount.amount if bearer == BorneBy.PLATFORM else 0),
    }
    return rules.difference(
        rules.given_back(charged, shared=shared, alone=alone), rules.given_back(charged, **now)
    )


async def _move(s: AsyncSession, row: RefundRow, session: ChargingSession) -> Money:
    """Move a refund's money, and give what the caller can spend after it.

    Locks in the order that holds do: limits, then the wallet.
    """
    currency = row.currency
    clearing = account_id(AccountKind.CLEARING, currency)
    wallet = account_id(AccountKind.WALLET, currency, session.account_id)
    moves = []
    for part, amount, party in (
        ("tax", row.tax, account_id(AccountKind.TAX, currency)),
        ("expert", row.expert, account_id(AccountKind.EXPERT_PAYABLE, currency, session.expert_id)),
        ("platform", row.platform, account_id(AccountKind.PLATFORM_REVENUE, currency)),
        ("wallet", -row.amount, wallet),
    ):
        if amount:
            moves.append(
                Move(
                    id=transfer_id(row.call_id, "refund", str(row.id), part),
                    kind="single",
                    debit=party if amount > 0 else clearing,
                    credit=clearing if amount > 0 else party,
                    amount=Money(abs(amount), currency),
                    reason="refund",
                    call_id=row.call_id,
                )
            )
    await ledger.ensure_accounts(
        s,
        [
            (AccountKind.TAX, None),
            (AccountKind.PLATFORM_REVENUE, None),
            (AccountKind.EXPERT_PAYABLE, session.expert_id),
        ],
        currency,
    )
    await ledger.add_transfers(s, moves)
    await spending.give_back(s, sessions.limits_of(session), row.amount)
    return Money(await ledger.credit_wallet(s, wallet, row.amount), currency)


async def _of(s: AsyncSession, call_id: UUID) -> Sequence[RefundRow]:
    query = select(RefundRow).where(RefundRow.call_id == call_id).order_by(RefundRow.id)
    return (await s.scalars(query)).all()


def _value(row: RefundRow) -> Refund:
    currency = row.currency
    return Refund(
        refund_id=row.id,
        call_id=row.call_id,
        amount=Money(row.amount, currency),
        parts=Split(
            charge=Money(row.amount, currency),
            tax=Money(row.tax, currency),
            expert=Money(row.expert, currency),
            platform=Money(row.platform, currency),
        ),
        reason=RefundReason(row.reason),
        note=row.note,
        borne_by=BorneBy(row.borne_by),
        seconds=row.seconds,
        made_by=row.made_by,
        made_at=row.made_at,
    )
