"""A charging session without a wallet: opened before the expert rings, closed by the meter."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue import experts, premium, reservations
from billing.catalogue import snapshot as terms_snapshot
from billing.catalogue.rules import retail
from billing.catalogue.values import PremiumTerms, carrier_id
from billing.charging.premium import bounds, rules, spending
from billing.charging.premium.models import PremiumSession, PremiumSettlement
from billing.charging.premium.rules import PeriodCap
from billing.charging.premium.values import (
    Cap,
    PremiumOutcome,
    PremiumPlan,
)
from billing.charging.values import Refusal, Refused
from billing.kit.ids import transfer_id
from billing.kit.limits import Limits
from billing.ledger import service as ledger
from billing.ledger.values import AccountKind, Move, account_id
from billing.money.values import Money
from billing.rulesets import rules as rule_sets
from billing.rulesets import service as rulesets
from billing.shares import rules as share_rules
from billing.shares import snapshot as share_snapshot
from billing.shares.service import share_for


async def find(s: AsyncSession, call_id: UUID, *, lock: bool = False) -> PremiumSession | None:
    """Give a call's premium session, fresh; `lock` makes other requests of the call wait."""
    query = (
        select(PremiumSession)
        .where(PremiumSession.session_id == call_id)
        .execution_options(populate_existing=True)
    )
    return await s.scalar(query.with_for_update() if lock else query)


def terms_of(session: PremiumSession) -> PremiumTerms:
    """Thaw the terms that were in force as the call came in."""
    return terms_snapshot.from_json(session.terms)


def plan_of(session: PremiumSession) -> PremiumPlan:
    """Thaw all that was frozen as the session was opened."""
    terms = terms_of(session)
    return PremiumPlan(
        terms,
        bounds.from_json(session.rules, terms.currency),
        Cap(session.cap_seconds, "seconds" if session.cap_by == "seconds" else "amount"),
    )


async def hold(
    s: AsyncSession,
    call_id: UUID,
    *,
    number_id: UUID,
    expert_id: UUID | None,
    caller_number: str | None,
    received_at: datetime,
    limits: Limits,
    at: datetime,
) -> PremiumPlan | Refused:
    """Open the session of a premium-rate call if it isn't yet, and reserve the expert, if any.

    Both or neither; a repeat gets the same plan. The most that the call may cost counts under the
    day and month of its caller number until it is settled. `received_at` decides terms and rules.
    """
    savepoint = await s.begin_nested()
    if expert_id is not None and not await reservations.reserve(s, call_id, expert_id, at):
        await savepoint.rollback()
        return Refused(Refusal.EXPERT_BUSY)
    session = await find(s, call_id, lock=True)
    if session is None:
        opened = await _open(
            s,
            call_id,
            number_id=number_id,
            caller_number=caller_number,
            received_at=received_at,
            limits=limits,
        )
        if isinstance(opened, Refused):
            await savepoint.rollback()
            return opened
        session = opened
    if expert_id is not None:
        if not await _may_earn(s, session, expert_id, at):
            await savepoint.rollback()
            return Refused(Refusal.EXPERT_NOT_CHECKED)
        share = await share_for(s, expert_id=expert_id, number_id=number_id)
        share_rules.check(share, 0)
        session.expert_id, session.share = expert_id, share_snapshot.to_json(share)
        owed = [(AccountKind.EXPERT_EXPECTED, expert_id)]
        await ledger.ensure_accounts(s, owed, terms_of(session).currency)
    await s.flush()
    await savepoint.commit()
    return plan_of(session)


async def _may_earn(
    s: AsyncSession, session: PremiumSession, expert_id: UUID, at: datetime
) -> bool:
    """Whether the expert was checked, where the rules that the call came in under ask for it."""
    asked = await rulesets.rules_for_call(
        s, terms_of(session).country, "surcharge", session.began_at
    )
    return rule_sets.partner_may_earn(
        asked, checked_at=await experts.checked_at(s, expert_id), at=at
    )


async def _open(
    s: AsyncSession,
    call_id: UUID,
    *,
    number_id: UUID,
    caller_number: str | None,
    received_at: datetime,
    limits: Limits,
) -> PremiumSession | Refused:
    versions = await premium.versions(s, number_id)
    kept = premium.latest(versions, received_at)
    if kept is None:
        return Refused(Refusal.NO_TARIFF)
    terms = kept.terms
    asked = await rulesets.rules_for_number(s, terms.country, kept.number, received_at)
    rose_at = premium.rose_at(versions, received_at)
    skippable = rule_sets.may_skip(asked, rose_at=rose_at, at=received_at)
    bound = rules.bounds_of(terms, asked, skippable=skippable)
    caps = rules.period_caps(terms, bound, received_at) if caller_number else ()
    left = await spending.left(s, caller_number, caps) if caller_number else None
    cap = rules.cap_of(terms, bound, left)
    alone = rules.cap_of(terms, bound, None)
    # What is left of a day or month must be worth a talk; a call's own cap is the operator's word.
    if cap.seconds < min(alone.seconds, limits.minimum_talk_seconds) or cap.seconds == 0:
        return Refused(Refusal.LIMIT_REACHED)
    held = retail(terms, cap.seconds)
    if not rule_sets.message_needed(asked, held):
        bound = replace(bound, message=())
    if caller_number:
        await spending.hold(s, caller_number, caps, held)
    session = PremiumSession(
        session_id=call_id,
        state="opened",
        number_id=number_id,
        terms_id=kept.terms_id,
        terms=terms_snapshot.to_json(terms),
        rules=bounds.to_json(bound),
        caller_number=caller_number,
        limits=[{"period": one.period, "began_on": one.began_on} for one in caps],
        cap_seconds=cap.seconds,
        cap_by=cap.by,
        held=held.amount,
        began_at=received_at,
    )
    s.add(session)
    return session


async def close(
    s: AsyncSession,
    session: PremiumSession,
    *,
    meter: tuple[int, int] | None,
    talked: bool,
) -> PremiumOutcome:
    """Post what is expected of the carrier, share it, and free the day and month of the rest.

    The session must be locked. Only an expert who talked has a share.
    """
    terms = terms_of(session)
    share = share_snapshot.from_json(session.share) if session.share and talked else None
    outcome = rules.outcome(terms, meter, share)
    await ledger.add_transfers(s, _moves(session, outcome))
    if session.caller_number:
        periods = [(one["period"], one["began_on"]) for one in session.limits]
        held = Money(session.held, terms.currency)
        await spending.resolve(s, session.caller_number, periods, paid=outcome.retail, held=held)
    session.state = "settled"
    await s.flush()
    return outcome


def _moves(session: PremiumSession, outcome: PremiumOutcome) -> list[Move]:
    currency = outcome.outpayment.currency
    clearing = account_id(AccountKind.CLEARING, currency)
    moves = [
        (
            "outpayment",
            outcome.outpayment,
            account_id(AccountKind.CARRIER_EXPECTED, currency, carrier_id(outcome.carrier)),
            clearing,
        ),
        (
            "expert",
            outcome.expert,
            clearing,
            account_id(AccountKind.EXPERT_EXPECTED, currency, session.expert_id),
        ),
        (
            "platform",
            outcome.platform,
            clearing,
            account_id(AccountKind.PLATFORM_EXPECTED, currency),
        ),
    ]
    return [
        Move(
            id=transfer_id(session.session_id, "expected", step),
            kind="single",
            debit=debit,
            credit=credit,
            amount=amount,
            reason=f"expected-{step}",
            call_id=session.session_id,
        )
        for step, amount, debit, credit in moves
        if amount
    ]


async def add_settlement(s: AsyncSession, call_id: UUID, outcome: PremiumOutcome) -> None:
    """Write what the call came to, beside its settlement."""
    s.add(
        PremiumSettlement(
            call_id=call_id,
            carrier=outcome.carrier,
            currency=outcome.outpayment.currency,
            answered_ms=outcome.answered_ms,
            released_ms=outcome.released_ms,
            metered_seconds=outcome.metered_seconds,
            retail=outcome.retail.amount,
            outpayment=outcome.outpayment.amount,
            expert=outcome.expert.amount,
            platform=outcome.platform.amount,
        )
    )
    await s.flush()


async def find_outcome(s: AsyncSession, call_id: UUID) -> PremiumOutcome | None:
    """Give what a settled premium-rate call came to."""
    row = await s.get(PremiumSettlement, call_id)
    return None if row is None else outcome_value(row)


def outcome_value(row: PremiumSettlement) -> PremiumOutcome:
    """Give a row as the value it was written from."""

    def money(amount: int) -> Money:
        return Money(amount, row.currency)

    return PremiumOutcome(
        carrier=row.carrier,
        answered_ms=row.answered_ms,
        released_ms=row.released_ms,
        metered_seconds=row.metered_seconds,
        retail=money(row.retail),
        outpayment=money(row.outpayment),
        expert=money(row.expert),
        platform=money(row.platform),
    )


__all__ = [
    "PeriodCap",
    "add_settlement",
    "close",
    "find",
    "find_outcome",
    "hold",
    "outcome_value",
    "plan_of",
    "terms_of",
]
