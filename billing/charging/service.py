"""The requests of a charging session (RFC 8506): quote, initial, update."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import spending
from billing.catalogue import reservations
from billing.catalogue.service import tariff_for
from billing.catalogue.tollfree import pin_required
from billing.charging import holds, sessions
from billing.charging.announced import price_known
from billing.charging.closed import earlier_of
from billing.charging.errors import RequestOutOfOrder, SessionState
from billing.charging.limits import limits_for, payer_of
from billing.charging.rules import first_grant_refused
from billing.charging.segments import closed_segments
from billing.charging.values import Grant, Quote, Refusal, Refused
from billing.kit.limits import Limits
from billing.ledger import service as ledger
from billing.ledger.values import AccountKind
from billing.money.values import Money
from billing.shares import rules as share_rules
from billing.shares import snapshot as share_snapshot
from billing.shares.service import share_for
from billing.tariffs import service as tariffs
from billing.tariffs import snapshot as tariff_snapshot
from billing.tariffs.rules import affordable_seconds
from billing.tariffs.values import Mode

__all__ = ["initial", "quote", "reserve_free", "update"]


async def quote(
    s: AsyncSession,
    call_id: UUID,
    *,
    account_id: UUID,
    expert_id: UUID,
    number_id: UUID,
    limits: Limits,
    at: datetime,
    mode: Mode = "minute",
) -> Quote | Refused:
    """Freeze what a call to this expert costs and who gets what part; refuse what can't be paid.

    A later quote of the same call, for this or another expert, replaces what is frozen, but only
    while nothing is held (SessionState): after a segment was closed it is the next one's price, and
    the spending limits stay as they were. An account other than the one the caller's number led to
    must have given its PIN. `mode`: by which of the tariff's two prices it is to be paid.
    """
    session = await sessions.find(s, call_id, lock=True)
    if session is None:
        # The caller's number led to no account: it is the PIN's.
        await sessions.open_session(s, call_id, account_id=account_id, number_alone=False, at=at)
        session = await sessions.locked(s, call_id)
    if session.state not in {"opened", "quoted"}:
        raise SessionState(call_id, "quote", session.state)
    if session.account_id != account_id:
        session.account_id, session.number_alone = account_id, False
    # What an earlier quote froze must not be granted after this one was refused.
    session.state = "opened"
    await s.flush()
    account, e164, set_limits = await payer_of(s, session, number_id)
    tariff_id = await tariff_for(s, expert_id=expert_id, number_id=number_id)
    version = await tariffs.in_force(s, tariff_id, at) if tariff_id else None
    if version is None:
        return Refused(Refusal.NO_TARIFF)
    if mode == "act" and version.tariff.price_per_act is None:
        return Refused(Refusal.NO_ACT)
    tariff = version.tariff.by(mode)
    if tariff.currency != account.currency:
        return Refused(Refusal.CURRENCY)
    if account.terms_accepted_at is None and await pin_required(s, e164, session.began_at):
        # Where a PIN is asked for on each call, so are terms once.
        return Refused(Refusal.TERMS_NOT_ACCEPTED)
    share = await share_for(s, expert_id=expert_id, number_id=number_id)
    share_rules.check(share, tariff.tax_basis_points)
    closed = await closed_segments(s, session)
    session.state = "quoted"
    session.expert_id, session.number_id = expert_id, number_id
    session.tariff_version_id = version.version_id
    session.tariff, session.share = tariff_snapshot.to_json(tariff), share_snapshot.to_json(share)
    session.quoted_at = at
    if not closed:
        counted = limits_for(session, account, set_limits)
        session.limits = [limit.to_json() for limit in counted]
        await spending.ensure(s, counted)
    await s.flush()
    await ledger.ensure_accounts(
        s,
        [
            (AccountKind.CLEARING, None),
            (AccountKind.TAX, None),
            (AccountKind.PLATFORM_REVENUE, None),
            (AccountKind.EXPERT_PAYABLE, expert_id),
        ],
        tariff.currency,
    )
    earlier = earlier_of(closed)
    spent = earlier.charged if earlier else Money.zero(tariff.currency)
    credit = await holds.read_credit(s, session, tariff.currency, spent, lock=False)
    if refused := holds.refusal(tariff, credit, limits, earlier):
        return Refused(refused)
    return Quote(
        tariff=tariff,
        share_rule=share,
        available=credit.available,
        affordable_seconds=affordable_seconds(tariff, credit.available, earlier=earlier),
        price_known=await price_known(s, session),
    )


async def initial(s: AsyncSession, call_id: UUID, limits: Limits, at: datetime) -> Grant | Refused:
    """Reserve the expert and hold the first grant, both or neither; a repeat gets the same grant.

    Uses only what the quote froze. Raises SessionState if there was none.
    """
    session = await sessions.locked(s, call_id)
    if session.state == "granted":
        rows = await sessions.grants_of(s, session)
        return sessions.grant_value(rows[0], sessions.tariff_of(session).currency)
    if session.state != "quoted" or session.expert_id is None:
        raise SessionState(call_id, "initial", session.state)
    savepoint = await s.begin_nested()
    if not await reservations.reserve(s, call_id, session.expert_id, at):
        await savepoint.rollback()
        return Refused(Refusal.EXPERT_BUSY)
    earlier = earlier_of(await closed_segments(s, session))
    granted = await holds.grant(
        s,
        session,
        [],
        request_number=await holds.first_request_number(s, session),
        used_seconds=0,
        limits=limits,
        at=at,
        earlier=earlier,
    )
    tariff = sessions.tariff_of(session)
    if first_grant_refused(
        tariff, granted.end_seconds, limits.minimum_talk_seconds, earlier=earlier
    ):
        await savepoint.rollback()
        spent = earlier.charged if earlier else Money.zero(tariff.currency)
        credit = await holds.read_credit(s, session, tariff.currency, spent, lock=False)
        return Refused(holds.refusal(tariff, credit, limits, earlier) or Refusal.CREDIT_TOO_LOW)
    session.state = "granted"
    await s.flush()
    await savepoint.commit()
    return granted


async def reserve_free(
    s: AsyncSession, call_id: UUID, expert_id: UUID, at: datetime
) -> Refused | None:
    """Reserve the expert for a talk that nobody pays; None: reserved."""
    if await reservations.reserve(s, call_id, expert_id, at):
        return None
    return Refused(Refusal.EXPERT_BUSY)


async def update(
    s: AsyncSession,
    call_id: UUID,
    *,
    request_number: int,
    used_seconds: int,
    limits: Limits,
    at: datetime,
) -> Grant:
    """Lengthen the grant as far as credit goes; a repeated `request_number` gets its first answer.

    `request_number` is the last grant's plus one (else RequestOutOfOrder), `used_seconds` the paid
    time of its segment so far. Raises SessionState where nothing was granted or it is settled.
    """
    session = await sessions.locked(s, call_id)
    if session.state != "granted":
        raise SessionState(call_id, "update", session.state)
    rows = await sessions.grants_of(s, session)
    currency = sessions.tariff_of(session).currency
    for row in rows:
        if row.request_number == request_number:
            return sessions.grant_value(row, currency)
    expected = rows[-1].request_number + 1
    if request_number != expected:
        raise RequestOutOfOrder(call_id, request_number, expected)
    return await holds.grant(
        s,
        session,
        rows,
        request_number=request_number,
        used_seconds=used_seconds,
        limits=limits,
        at=at,
        earlier=earlier_of(await closed_segments(s, session)),
    )
