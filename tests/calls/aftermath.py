"""What must be true of every call once it is over, however it ended."""

import asyncio
import signal
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil
from sqlalchemy import text

from ari_app.calls.states import State
from billing.calls.books import check
from billing.calls.records import CallRecord
from billing.catalogue.values import Availability
from billing.money.values import Money
from billing.tariffs.rules import charge
from primeline.phones import PhoneCall
from primeline.phones import State as PhoneState
from primeline.sound import carried_spans, whole_span
from tests.calls import evidence
from tests.calls.parked import ParkedCall
from tests.calls.stage import PRICE, CallerOnStage, Stage, Talk, euro

UNHEARD_MS = 150
"""A phone may hear so much less than was talked: the other's first packets may be sent late."""

LATE_MS = 200
"""So much later than its limit a talk may end."""

SETTLED_SECONDS = 10
OPEN_CALLS = text("SELECT id FROM calls WHERE ended_at IS NULL")

RECORD_MS = 20
"""Our paid time and Asterisk's record may differ by this."""


def now_us() -> int:
    """The wall clock in microseconds."""
    return time.time_ns() // 1_000


def at_us(call: PhoneCall, *states: PhoneState) -> int:
    """When a phone came into one of these states."""
    return next(event.at_us for event in call.events if event.state in states)


def talked_ms(talk: Talk) -> tuple[int, int]:
    """How long each phone heard the other's voice: caller, expert."""
    caller = whole_span(carried_spans(talk.caller.heard, talk.expert.spoken))
    expert = whole_span(carried_spans(talk.expert.heard, talk.caller.spoken))
    return caller.duration_ms, expert.duration_ms


def talked_to_the_limit(
    stage: Stage, call: ParkedCall, seconds: int, *, paid: bool = True, late_ms: int = LATE_MS
) -> None:
    """Nobody was cut early or late: by Asterisk's record to its grain, and by what was heard.

    The record has the end of a talk moments after the phones have: ask once the call is settled.
    """
    assert call.call_id is not None
    recorded_ms = evidence.recorded_ms(stage, call.call_id, paid=paid) - seconds * 1_000
    heard_ms = [heard - seconds * 1_000 for heard in talked_ms(call.talk)]
    told = {"recorded": recorded_ms, "heard": heard_ms}
    assert -RECORD_MS <= recorded_ms <= late_ms, told
    assert all(-UNHEARD_MS <= heard <= late_ms for heard in heard_ms), told


async def settled_once(stage: Stage, call: ParkedCall, *, seconds: int = 10) -> CallRecord:
    """Settled for what Asterisk recorded, not more than granted; nothing held, nobody taken."""
    record = await stage.ended(call.caller, seconds=seconds)
    call_id, settlement = record.summary.call_id, record.summary.settlement
    assert settlement is not None
    await evidence.nothing_left(stage, call_id)
    billed_ms = sum((i.end_ms or 0) - i.start_ms for i in record.intervals)
    recorded_ms = evidence.paid_ms(stage, call_id)
    assert abs(billed_ms - recorded_ms) <= RECORD_MS, (billed_ms, recorded_ms)
    granted = max((grant.granted_seconds for grant in record.grants), default=0)
    charged = charge(PRICE, min(recorded_ms // 1_000, granted))
    if settlement.charge is not None:
        assert settlement.charge == charged
    assert [line.kind for line in record.ledger].count("post") <= len(record.grants)
    if isinstance(call.caller, CallerOnStage):
        wallet = await evidence.wallet(stage, call.caller)
        assert wallet.pending == 0
        assert wallet.posted == (euro(call.cents) - charged).amount
        assert await stage.available(call.caller) == Money(wallet.posted, "EUR")
    assert await evidence.availability(stage, call.expert) is Availability.AVAILABLE
    return record


async def all_in_order(stage: Stage) -> None:
    """No call open, no hold open, nothing in Asterisk, the books right.

    Tests run in any order, so the last call may be seconds from its end: that is waited for.
    """
    end = time.monotonic() + SETTLED_SECONDS
    while await _anything_open(stage) and time.monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    async with stage.sessions() as s:
        assert (await s.execute(OPEN_CALLS)).all() == []
        settled_twice = "SELECT call_id FROM settlements GROUP BY call_id HAVING count(*) > 1"
        assert (await s.execute(text(settled_twice))).all() == []
    async with stage.sessions() as s:
        assert await check(s) == []
    assert await evidence.ari(stage, "channels") == []
    assert await evidence.ari(stage, "bridges") == []


async def _anything_open(stage: Stage) -> bool:
    async with stage.sessions() as s:
        open_calls = (await s.execute(OPEN_CALLS)).all()
    left = [*await evidence.ari(stage, "channels"), *await evidence.ari(stage, "bridges")]
    return bool(open_calls or left)


def limit_us(stage: Stage, call: ParkedCall, state: State, ms: int) -> int:
    """When the dead-man's switch must fire that was set as a call came into a state."""
    if call.call_id is None:
        return at_us(call.calls[0], PhoneState.CALLING) + ms * 1_000
    entered = [when for when, known in evidence.changes(stage, call.call_id) if known is state]
    return entered[0] + ms * 1_000


def family(pid: int) -> list[psutil.Process]:
    """A process and all that it started."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to each that is still there."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
