"""Calls that go on now: in which state since when, and what their talk has come to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import CallerAccount
from billing.calls import rules
from billing.calls.models import CallRow, TalkStretch
from billing.catalogue import rules as premium_rules
from billing.catalogue import snapshot as premium_snapshot
from billing.catalogue.models import Expert
from billing.charging import sessions
from billing.charging.closed import ClosedSegment, earlier_of, since
from billing.charging.models import ChargingSession, GrantRow
from billing.charging.premium.models import PremiumSession
from billing.charging.segments import closed_of
from billing.kit.clock import to_ms
from billing.money.values import Money
from billing.tariffs.values import Tariff

CHANNEL: Final = "calls"
"""Notified by triggers, with a call's id, whenever something that stands here has changed."""

MOST: Final = 1_000
"""Calls listed at once; a single Asterisk carries fewer."""


@dataclass(frozen=True, slots=True)
class LiveTalk:
    """The present talk. `charge` is what it would cost if it ended now; None: nobody pays."""

    bridge: str | None
    paid: bool
    since_ms: int | None
    used_seconds: int
    charge: Money | None
    granted_seconds: int | None
    granted_seconds_left: int | None
    final: bool | None


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call as it is now. `tariff` is what was quoted; `talk` None: none has begun."""

    call_id: UUID
    state: str
    state_since: datetime
    received_at: datetime
    dialled: str
    caller_number: str | None
    trunk: str | None
    account_id: UUID | None
    caller_name: str | None
    expert_id: UUID | None
    expert_name: str | None
    extension: str | None
    tariff: Tariff | None
    talk: LiveTalk | None


async def list_live(
    s: AsyncSession, at: datetime, *, call_ids: Iterable[UUID] | None = None, limit: int = MOST
) -> list[LiveCall]:
    """List the calls that haven't ended, or those of them that are asked for, oldest first.

    Prices are worked out for the moment `at`, by the rule that will bill them.
    """
    query = (
        select(
            CallRow,
            CallerAccount.name,
            Expert.name,
            Expert.extension,
            ChargingSession,
            PremiumSession,
        )
        .outerjoin(CallerAccount, CallerAccount.id == CallRow.account_id)
        .outerjoin(Expert, Expert.id == CallRow.expert_id)
        .outerjoin(ChargingSession, ChargingSession.session_id == CallRow.id)
        .outerjoin(PremiumSession, PremiumSession.session_id == CallRow.id)
        .where(CallRow.ended_at.is_(None))
        .order_by(CallRow.received_at, CallRow.id)
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    if call_ids is not None:
        query = query.where(CallRow.id.in_(list(call_ids)))
    rows = (await s.execute(query)).all()
    ids = [row.id for row, *_ in rows]
    stretches = await _stretches(s, ids)
    grants = await _last_grants(s, ids)
    # Few calls have been paid before, so each of them is asked for by itself.
    closed = {
        session.session_id: await closed_of(s, session.session_id)
        for *_, session, _ in rows
        if session is not None and session.segment
    }
    now_ms = to_ms(at)
    return [
        LiveCall(
            call_id=row.id,
            state=row.state,
            state_since=row.state_since,
            received_at=row.received_at,
            dialled=row.dialled,
            caller_number=row.caller_number,
            trunk=row.trunk,
            account_id=row.account_id,
            caller_name=caller_name,
            expert_id=row.expert_id,
            expert_name=expert_name,
            extension=extension,
            tariff=_tariff(session, carried),
            talk=_carried_talk(row, carried, now_ms)
            or _talk(
                row,
                session,
                stretches.get(row.id, []),
                grants.get(row.id),
                closed.get(row.id, ()),
                now_ms,
            ),
        )
        for row, caller_name, expert_name, extension, session, carried in rows
    ]


def _tariff(session: ChargingSession | None, carried: PremiumSession | None) -> Tariff | None:
    if carried is not None:
        return premium_snapshot.from_json(carried.terms).retail
    return sessions.tariff_of(session) if session and session.tariff else None


def _carried_talk(row: CallRow, carried: PremiumSession | None, now_ms: int) -> LiveTalk | None:
    """Give what the carrier's meter shows of a premium-rate call, from the caller's answer on."""
    if carried is None or row.answered_at is None:
        return None
    terms = premium_snapshot.from_json(carried.terms)
    since_ms = to_ms(row.answered_at)
    metered = premium_rules.metered_seconds(since_ms, max(since_ms, now_ms))
    return LiveTalk(
        bridge=row.talk_bridge,
        paid=True,
        since_ms=since_ms,
        used_seconds=metered,
        charge=premium_rules.retail(terms, min(metered, carried.cap_seconds)),
        granted_seconds=carried.cap_seconds,
        granted_seconds_left=max(0, carried.cap_seconds - metered),
        final=True,
    )


def _talk(
    row: CallRow,
    session: ChargingSession | None,
    stretches: Sequence[TalkStretch],
    grant: GrantRow | None,
    closed: Sequence[ClosedSegment],
    now_ms: int,
) -> LiveTalk | None:
    now = next((one for one in stretches if one.bridge == row.talk_bridge), None)
    if now is None:
        return None
    tariff = _tariff(session, None)
    if not now.paid or tariff is None or grant is None:
        talked_ms = 0 if now.start_ms is None else max(0, now_ms - now.start_ms)
        return LiveTalk(
            now.bridge, now.paid, now.start_ms, talked_ms // 1_000, None, None, None, None
        )
    paid = [
        (one.start_ms, max(one.start_ms, one.end_ms or now_ms))
        for one in stretches
        if one.paid and one.start_ms is not None
    ]
    so_far = rules.running(tariff, since(closed, paid), grant.granted_seconds, earlier_of(closed))
    return LiveTalk(
        bridge=now.bridge,
        paid=True,
        since_ms=now.start_ms,
        used_seconds=so_far.used_seconds,
        charge=so_far.charge,
        granted_seconds=grant.granted_seconds,
        granted_seconds_left=so_far.granted_seconds_left,
        final=grant.final,
    )


async def _stretches(s: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[TalkStretch]]:
    rows = await s.scalars(
        select(TalkStretch)
        .where(TalkStretch.call_id.in_(ids))
        .order_by(TalkStretch.position)
        .execution_options(populate_existing=True)
    )
    found: dict[UUID, list[TalkStretch]] = {}
    for row in rows:
        found.setdefault(row.call_id, []).append(row)
    return found


async def _last_grants(s: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, GrantRow]:
    """Give each call's newest grant of its present segment."""
    rows = await s.scalars(
        select(GrantRow)
        .join(
            ChargingSession,
            (ChargingSession.session_id == GrantRow.session_id)
            & (ChargingSession.segment == GrantRow.segment),
        )
        .where(GrantRow.session_id.in_(ids))
        .order_by(GrantRow.session_id, GrantRow.request_number.desc())
        .ext(distinct_on(GrantRow.session_id))
    )
    return {row.session_id: row for row in rows}
