"""What a restarted process finds: the open calls with all that is needed to go on or to settle."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.cel import cel_intervals, cel_media_lost, cel_meter, channels_of
from billing.calls.models import CallRow, TalkStretch
from billing.calls.rules import sounding_until_ms, until_silence
from billing.calls.values import Interval, OpenCall
from billing.catalogue import reservations
from billing.catalogue import service as catalogue
from billing.charging import holds, sessions
from billing.charging.models import ChargingSession, GrantRow
from billing.charging.premium import service as premium_service
from billing.charging.segments import closed_segments
from billing.charging.values import Quote
from billing.kit.clock import to_ms
from billing.kit.limits import Limits
from billing.money.values import Money
from billing.tariffs.rules import affordable_seconds

MEDIA_SECONDS: Final = Limits().media_seconds


@dataclass(frozen=True, slots=True)
class ProvedTime:
    """Paid time that can be proved, all of it with an end.

    `complete` False: Asterisk's record lacks a beginning that we wrote, or an end; then the last
    sign of life stands for it, which errs in the caller's favour. `media_lost`: a leg was hung up
    for sending no sound, and that silence is taken off.
    """

    intervals: tuple[Interval, ...]
    complete: bool
    media_lost: bool = False


async def proved_time(
    s: AsyncSession, call_id: UUID, *, media_seconds: int = MEDIA_SECONDS
) -> ProvedTime:
    """Give a call's paid time by Asterisk's record, else by what we wrote; none: no such call.

    `media_seconds`: after so much silence Asterisk hangs a leg up.
    """
    call = await s.get(CallRow, call_id, populate_existing=True)
    if call is None:
        return ProvedTime((), complete=True)
    recorded = await cel_intervals(s, call_id)
    written = [
        Interval(stretch.start_ms, stretch.end_ms)
        for stretch in await stretches_of(s, call_id)
        if stretch.paid and stretch.start_ms is not None
    ]
    # A stretch that the record does not know begins later than all that it knows.
    intervals = (*recorded, *written[len(recorded) :])
    last_ms = to_ms(call.last_seen_at)
    proved = tuple(Interval(i.start_ms, i.end_ms or max(i.start_ms, last_ms)) for i in intervals)
    proved, media_lost = await without_silence(s, call_id, proved, media_seconds=media_seconds)
    return ProvedTime(
        proved,
        media_lost=media_lost,
        complete=len(recorded) >= len(written)
        and all(i.end_ms is not None for i in recorded)
        and await _meter_known(s, call),
    )


async def without_silence(
    s: AsyncSession,
    call_id: UUID,
    proved: Sequence[Interval],
    *,
    media_seconds: int = MEDIA_SECONDS,
) -> tuple[tuple[Interval, ...], bool]:
    """Take off the silence for which Asterisk hung a leg up; gives also whether it did."""
    lost_ms = await _media_lost_ms(s, call_id, proved)
    if lost_ms is None:
        return tuple(proved), False
    return until_silence(proved, sounding_until_ms(lost_ms, media_seconds)), True


async def _media_lost_ms(s: AsyncSession, call_id: UUID, proved: Sequence[Interval]) -> int | None:
    """When a leg of the talk was hung up for its silence; who never talked doesn't count."""
    if not proved:
        return None
    lost = await cel_media_lost(s, await channels_of(s, call_id))
    return min((at_ms for at_ms in lost.values() if at_ms >= proved[-1].start_ms), default=None)


async def _meter_known(s: AsyncSession, call: CallRow) -> bool:
    """Whether the record holds the release of a caller whose carrier bills him, if he answered."""
    if call.account_id is not None or await premium_service.find(s, call.id) is None:
        return True
    meter = await cel_meter(s, call.id)
    return call.answered_at is None if meter is None else meter.end_ms is not None


async def open_calls(s: AsyncSession, asterisk_id: str) -> list[OpenCall]:
    """List the calls of an Asterisk that aren't settled, oldest first."""
    rows = await s.scalars(
        select(CallRow)
        .where(CallRow.asterisk_id == asterisk_id, CallRow.ended_at.is_(None))
        .order_by(CallRow.received_at, CallRow.id)
    )
    return [await _open_call(s, row) for row in rows.all()]


async def _open_call(s: AsyncSession, row: CallRow) -> OpenCall:
    session = await sessions.find(s, row.id)
    grants: list[GrantRow] = []
    quote = grant = None
    if session is not None and session.tariff is not None:
        currency = sessions.tariff_of(session).currency
        grants = await sessions.grants_of(s, session)
        quote = await _quote(s, session, grants)
        grant = sessions.grant_value(grants[-1], currency) if grants else None
    closed = await closed_segments(s, session) if session else ()
    carried = None if session else await premium_service.find(s, row.id)
    reserved = await reservations.reserved_expert(s, row.id)
    stretches = await stretches_of(s, row.id)
    free_starts = [
        stretch.start_ms
        for stretch in stretches
        if not stretch.paid and stretch.start_ms is not None
    ]
    return OpenCall(
        call_id=row.id,
        state=row.state,
        caller_channel=row.caller_channel,
        expert_channel=row.expert_channel,
        talk_bridge=row.talk_bridge,
        number=await catalogue.served_number(
            s, row.number_id, trunk_trusted=row.trunk_trusted, at=row.received_at
        ),
        expert=await catalogue.expert_choice(s, reserved) if reserved else None,
        account_id=session.account_id if session else None,
        language=row.language,
        quote=quote,
        grant=grant,
        intervals=tuple(
            Interval(stretch.start_ms, stretch.end_ms)
            for stretch in stretches
            if stretch.paid and stretch.start_ms is not None
        ),
        free_from_ms=min(free_starts, default=None),
        received_at=row.received_at,
        last_seen_at=row.last_seen_at,
        premium=premium_service.plan_of(carried) if carried else None,
        answered_ms=to_ms(row.answered_at) if row.answered_at else None,
        talk_from_ms=next(
            (one.start_ms for one in stretches if one.bridge == row.talk_bridge), None
        ),
        closed_intervals=closed[-1].last_interval if closed else 0,
        closed_seconds=sum(one.bill.billed_seconds for one in closed),
        free_ms=sum(
            one.end_ms - one.start_ms
            for one in stretches
            if not one.paid and one.start_ms is not None and one.end_ms is not None
        ),
    )


async def _quote(s: AsyncSession, session: ChargingSession, grants: list[GrantRow]) -> Quote:
    """Read the frozen quote back, with what the credit buys by now; the price counts as new."""
    tariff = sessions.tariff_of(session)
    held = Money(sum(grant.amount for grant in grants), tariff.currency)
    credit = await holds.read_credit(s, session, tariff.currency, held, lock=False)
    return Quote(
        tariff=tariff,
        share_rule=sessions.share_of(session),
        available=credit.available,
        affordable_seconds=affordable_seconds(tariff, credit.available + held),
        price_known=False,
    )


async def stretches_of(s: AsyncSession, call_id: UUID) -> list[TalkStretch]:
    """List a call's stretches of talk in the order they were written."""
    rows = await s.scalars(
        select(TalkStretch)
        .where(TalkStretch.call_id == call_id)
        .order_by(TalkStretch.position)
        .execution_options(populate_existing=True)
    )
    return list(rows)
