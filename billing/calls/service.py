"""A call from reception to its end, as the processes that carry it write it down."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import service as accounts
from billing.calls.cel import cel_end, cel_intervals, cel_offset, import_cel, save_cel_offset
from billing.calls.models import CallRow, DialAttempt, TalkStretch
from billing.calls.pins import check_pin
from billing.calls.records import get_call, list_calls
from billing.calls.recovery import open_calls, proved_time
from billing.calls.settling import (
    TIMELINE,
    append_timeline,
    close_segment,
    hold_premium,
    release,
    reserve_free,
    settle,
    talk_stopped,
    timeline_rows,
)
from billing.calls.topping import redeem_voucher
from billing.calls.values import Reception, TimelineEntry
from billing.catalogue import service as catalogue
from billing.catalogue.models import ExpertPhone
from billing.catalogue.tollfree import pin_required
from billing.catalogue.values import ServedNumber
from billing.charging.sessions import open_session
from billing.endpoints.formats import read_number
from billing.endpoints.trunks import find_trunk
from billing.endpoints.values import Trunk
from billing.kit.phones import to_e164
from billing.kit.rows import table_of
from billing.monitoring.alarms import clear_alarm, raise_alarm
from billing.monitoring.values import AlarmKind
from billing.pins.rules import source_of

__all__ = [
    "answered",
    "append_timeline",
    "cel_end",
    "cel_intervals",
    "cel_offset",
    "check_pin",
    "close_segment",
    "dial_attempted",
    "dial_ended",
    "get_call",
    "heartbeat",
    "hold_premium",
    "import_cel",
    "list_calls",
    "open_calls",
    "proved_time",
    "receive",
    "redeem_voucher",
    "release",
    "reserve_free",
    "save_cel_offset",
    "settle",
    "talk_started",
    "talk_stopped",
    "write_step",
]

RECEIVED = "received"


_CALLS, _DIALS, _STRETCHES = table_of(CallRow), table_of(DialAttempt), table_of(TalkStretch)
_ADD = insert(_CALLS).on_conflict_do_nothing().returning(_CALLS.c.id)
_OPEN_CALL = update(_CALLS).where(_CALLS.c.id == bindparam("call"), _CALLS.c.ended_at.is_(None))
_ANSWERED = _OPEN_CALL.values(answered_at=func.coalesce(_CALLS.c.answered_at, bindparam("at")))
_STEP = TIMELINE.statement.add_cte(
    _OPEN_CALL.values(
        state=bindparam("new_state"),
        consented_at_ms=func.coalesce(
            bindparam("consent", type_=BigInteger), _CALLS.c.consented_at_ms
        ),
        accepted_at=func.coalesce(
            bindparam("accepted", type_=DateTime(timezone=True)), _CALLS.c.accepted_at
        ),
    ).cte("stepped")
)
"""The call's row and its timeline, which may get no line, in one statement."""
_DIALLED = (
    insert(_DIALS)
    .values(
        call_id=bindparam("call"),
        attempt=bindparam("number"),
        phone_id=bindparam("phone"),
        channel_id=bindparam("channel"),
        began_at=bindparam("at"),
    )
    .on_conflict_do_nothing()
    .add_cte(
        _OPEN_CALL.values(
            expert_channel=bindparam("channel"),
            expert_id=select(ExpertPhone.expert_id)
            .where(ExpertPhone.id == bindparam("phone"))
            .scalar_subquery(),
        ).cte("dialled")
    )
)
_DIAL_ENDED = (
    update(_DIALS)
    .where(
        _DIALS.c.call_id == bindparam("call"),
        _DIALS.c.attempt == bindparam("number"),
        _DIALS.c.result.is_(None),
    )
    .values(result=bindparam("outcome"), ended_at=bindparam("at"))
)
_STRETCH = insert(_STRETCHES).values(
    call_id=bindparam("call"),
    bridge=bindparam("in_bridge"),
    paid=bindparam("is_paid"),
    start_ms=bindparam("from_ms", type_=BigInteger),
    written_at=bindparam("at"),
)
_TALK = _STRETCH.on_conflict_do_update(
    index_elements=[_STRETCHES.c.call_id, _STRETCHES.c.bridge],
    set_={"start_ms": func.coalesce(_STRETCHES.c.start_ms, _STRETCH.excluded.start_ms)},
).add_cte(_OPEN_CALL.values(talk_bridge=bindparam("in_bridge")).cte("talking"))


async def receive(
    s: AsyncSession,
    *,
    call_id: UUID,
    asterisk_id: str,
    channel_id: str,
    dialled: str,
    caller_number: str | None,
    trunk: str | None,
    language_default: str,
    at: datetime,
) -> Reception:
    """Write a new call down and look up its numbers. A repeat writes nothing and looks up anew.

    `dialled` and `caller_number` come as the trunk writes them; a trunk that isn't known is not
    trusted. The caller is looked up also where the number isn't ours. A premium-rate number is
    ours only by its carrier's trunk: who calls it from a phone of ours or by another carrier is
    billed by nobody. Another carrier's call raises an alarm.
    """
    line = await find_trunk(s, trunk)
    trusted = bool(line and line.trusted)
    number = await catalogue.find_number(s, dialled, line, at=at)
    if number is not None and not await _billed(s, number, line, at):
        number = None
    e164 = _caller_number(caller_number, line)
    caller = await accounts.identify(
        s, e164, trunk_trusted=trusted, source=source_of(trunk, e164), at=at
    )
    if number is not None and number.premium is not None:
        # His phone company bills him: what he has with us stays out of it.
        caller = None
    if caller is not None and not caller.pin_needed and number is not None:
        # A toll-free number asks for it whatever the caller's account and the trunk allow.
        caller = replace(caller, pin_needed=await pin_required(s, number.e164, at))
    language = (
        (caller.language if caller else None)
        or (number.language if number else None)
        or language_default
    )
    row = {
        "id": call_id,
        "asterisk_id": asterisk_id,
        "caller_channel": channel_id,
        "state": RECEIVED,
        "dialled": number.e164 if number else dialled,
        "caller_number": e164,
        "trunk": trunk or None,
        "trunk_trusted": trusted,
        "number_id": number.number_id if number else None,
        "account_id": caller.account_id if caller else None,
        "number_alone": caller is not None and not caller.pin_needed,
        "language": language,
        "received_at": at,
        "last_seen_at": at,
    }
    added = await s.execute(_ADD, row)
    if added.first() is None and caller is not None:
        # The first answer stands: spending without a PIN is bounded only where it was foreseen.
        alone = await s.scalar(select(CallRow.number_alone).where(CallRow.id == call_id))
        caller = replace(caller, pin_needed=not alone)
    if caller is not None:
        await open_session(
            s,
            call_id,
            account_id=caller.account_id,
            number_alone=not caller.pin_needed,
            at=at,
        )
    return Reception(number, caller)


async def _billed(s: AsyncSession, number: ServedNumber, line: Trunk | None, at: datetime) -> bool:
    """Whether the carrier that should bill a premium-rate call carries it."""
    if number.premium is None:
        return True
    if line is None:
        return False
    kind, carrier = AlarmKind.TRUNK_NOT_OF_CARRIER, number.premium.carrier
    if line.name == carrier:
        await clear_alarm(s, kind, number.e164, at=at)
        return True
    detail = f"A call came by the trunk {line.name}, but {carrier} bills the number."
    await raise_alarm(s, kind, number.e164, detail, at=at)
    return False


def _caller_number(given: str | None, line: Trunk | None) -> str | None:
    """Read who calls: in the trunk's format, but for its prefix, which only called numbers have."""
    if line is None:
        return to_e164(given)
    return read_number(replace(line.inbound, strip="", add=""), given, line.region)


async def write_step(
    s: AsyncSession,
    call_id: UUID,
    state: str,
    timeline: Sequence[TimelineEntry] = (),
    *,
    consented_at_ms: int | None = None,
    accepted_at: datetime | None = None,
) -> None:
    """Write the state that a call is in and what happened; a call that has ended keeps its state.

    With it when the caller accepted the price (Asterisk's ms), and when the expert took the call
    by key, if they just did.
    """
    given = {
        "call": call_id, "new_state": state, "consent": consented_at_ms, "accepted": accepted_at,
    }  # fmt: skip
    await s.execute(_STEP, given | TIMELINE.given(timeline_rows(call_id, timeline)))


async def dial_attempted(
    s: AsyncSession,
    call_id: UUID,
    *,
    attempt: int,
    phone_id: UUID,
    channel_id: str,
    at: datetime,
) -> None:
    """Write that a phone is about to be rung, before it is. A repeat changes nothing."""
    given = {
        "call": call_id, "number": attempt, "phone": phone_id, "channel": channel_id, "at": at,
    }  # fmt: skip
    await s.execute(_DIALLED, given)


async def dial_ended(
    s: AsyncSession, call_id: UUID, *, attempt: int, result: str, at: datetime
) -> None:
    """Write what came of ringing a phone; the first result written stays."""
    given = {"call": call_id, "number": attempt, "outcome": result, "at": at}
    await s.execute(_DIAL_ENDED, given)


async def answered(s: AsyncSession, call_id: UUID, *, at_ms: int) -> None:
    """Write when the caller's leg was answered (Asterisk's ms); the first time written stays."""
    at = datetime.fromtimestamp(at_ms // 1_000, UTC) + timedelta(milliseconds=at_ms % 1_000)
    await s.execute(_ANSWERED, {"call": call_id, "at": at})


async def talk_started(
    s: AsyncSession,
    call_id: UUID,
    *,
    bridge: str,
    paid: bool,
    start_ms: int | None,
    at: datetime,
) -> None:
    """Write a stretch of talk: before its legs are joined, and again with the start (ms).

    The first start written stays.
    """
    given = {
        "call": call_id, "in_bridge": bridge, "is_paid": paid, "from_ms": start_ms, "at": at,
    }  # fmt: skip
    await s.execute(_TALK, given)


async def heartbeat(s: AsyncSession, call_ids: Sequence[UUID], at: datetime) -> None:
    """Write, in one statement, that these calls were alive at `at`."""
    await s.execute(
        update(CallRow)
        .where(CallRow.id.in_(call_ids), CallRow.ended_at.is_(None))
        .values(last_seen_at=at)
        .execution_options(synchronize_session=False)
    )
