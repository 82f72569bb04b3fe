"""An expert who puts the caller on hold: the meter stands still until he is back."""

import asyncio
import time

import pytest

from billing.calls import books
from billing.tariffs.rules import charge
from tests.calls import evidence
from tests.calls.stage import LIMITS, PRICE, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_experts_hold_is_paid_for_a_moment_and_no_longer(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller()
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await asyncio.sleep(1.5)
    held_ms = time.time_ns() // 1_000_000
    talk.expert.hold()
    await stage.hears(talk.caller, "expert-holds")
    await asyncio.sleep(2)
    back_ms = time.time_ns() // 1_000_000
    talk.expert.unhold()
    await asyncio.sleep(0.5)
    await stage.both_talk(talk)
    await asyncio.sleep(1.2)
    await talk.caller.hang_up()
    record = await stage.ended(caller)
    first, second = record.intervals
    assert first.end_ms is not None
    assert second.end_ms is not None
    # Paid until the hold had lasted a moment, and from his return on.
    assert held_ms < first.end_ms < held_ms + LIMITS.hold_paid_ms + 1_500
    assert second.start_ms > back_ms
    talked_ms = first.end_ms - first.start_ms + second.end_ms - second.start_ms
    settlement = record.summary.settlement
    assert settlement is not None
    assert settlement.charge == charge(PRICE, talked_ms // 1_000)
    call_id = record.summary.call_id
    assert abs(talked_ms - evidence.paid_ms(stage, call_id)) <= 20
    async with stage.sessions() as s:
        assert await books.check(s) == []
