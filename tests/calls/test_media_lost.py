"""A phone that lost its network in a paid talk: nobody pays for the silence."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from billing.calls import books
from billing.calls.values import EndReason
from billing.reconciliation.asterisk.service import Scope, reconcile
from billing.reconciliation.asterisk.values import Cause
from billing.refunds import service as refunds
from billing.tariffs.rules import charge
from tests.calls import evidence
from tests.calls.stage import LIMITS, PRICE, CallerOnStage, Stage, euro

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _lost(stage: Stage, who: str, *, talk_seconds: int) -> tuple[CallerOnStage, int]:
    """Both talk, then one of them sends nothing any more; when (ms)."""
    expert, caller = await stage.expert(), await stage.caller()
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await asyncio.sleep(talk_seconds)
    stopped_ms = time.time_ns() // 1_000_000
    (talk.caller if who == "caller" else talk.expert).stop_packets()
    other = talk.expert if who == "caller" else talk.caller
    await stage.hears(other, "connection-lost", seconds=LIMITS.media_seconds + 8)
    return caller, stopped_ms


async def test_silence_that_was_paid_before_it_was_noticed_is_given_back(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller()
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await asyncio.sleep(2)
    stopped_ms = time.time_ns() // 1_000_000
    talk.caller.stop_packets()
    await asyncio.sleep(3)
    # Nobody answers the expert: he doesn't want to be paid for that.
    await talk.expert.press("*9")
    await stage.hears(talk.expert, "free-from-now")
    await stage.hears(talk.expert, "connection-lost", seconds=LIMITS.media_seconds + 8)
    record = await stage.ended(caller)
    settlement, (interval,) = record.summary.settlement, record.intervals
    assert settlement is not None
    assert settlement.split is not None
    assert interval.end_ms is not None
    assert settlement.reason == EndReason.MEDIA_LOST
    assert interval.end_ms > stopped_ms + 2_000
    async with stage.sessions() as s:
        (made,) = await refunds.refunds_of(s, record.summary.call_id)
    async with stage.sessions() as s:
        assert await books.check(s) == []
    assert made.seconds is not None
    # What is left of the charge was heard, but for two seconds at most.
    heard = (interval.end_ms - interval.start_ms) // 1_000 - made.seconds
    assert 0 <= (stopped_ms - interval.start_ms) - heard * 1_000 <= 3_000
    assert settlement.split.charge - made.amount == charge(PRICE, heard)
    assert await stage.available(caller) == euro(1_000) - charge(PRICE, heard)


async def _causes(stage: Stage, began: datetime, call_id: UUID) -> list[Cause]:
    """Why we differ from Asterisk's record, once it is read."""
    for _ in range(50):
        async with stage.sessions() as s:
            scope = Scope(began, datetime.now(UTC), call_id)
            report = await reconcile(s, scope, at=datetime.now(UTC))
        causes = [one.cause for one in report.differences]
        if Cause.RECORD_LATE not in causes:
            break
        await asyncio.sleep(0.2)
    return causes


async def test_the_silence_of_a_lost_phone_is_not_paid(stage: Stage) -> None:
    began = datetime.now(UTC) - timedelta(minutes=1)
    for caller, stopped_ms in await asyncio.gather(
        _lost(stage, "caller", talk_seconds=4), _lost(stage, "expert", talk_seconds=4)
    ):
        record = await stage.ended(caller)
        settlement, (interval,) = record.summary.settlement, record.intervals
        assert settlement is not None
        assert interval.end_ms is not None
        assert settlement.reason == EndReason.MEDIA_LOST
        # Asterisk looks by whole seconds: never past the last packet, at most two seconds before.
        assert 0 <= stopped_ms - interval.end_ms <= 2_000
        used = (interval.end_ms - interval.start_ms) // 1_000
        assert settlement.charge == charge(PRICE, used)
        assert settlement.charge
        await evidence.nothing_left(stage, record.summary.call_id)
        assert await _causes(stage, began, record.summary.call_id) == [Cause.MEDIA_LOST]
        async with stage.sessions() as s:
            assert await books.check(s) == []
