"""Keys in a paid talk: what it costs by now, and a few minutes free."""

import asyncio
import time

import pytest

from billing.calls import books
from billing.tariffs.rules import charge
from dialplan.prompts.values import Phrase
from primeline.sound import find
from tests.calls import evidence
from tests.calls.stage import PRICE, Stage, euro

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_caller_alone_hears_what_the_talk_costs_by_now(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller()
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await asyncio.sleep(1.5)
    await talk.caller.press("*4")
    await stage.hears(talk.caller, "spent-so-far")
    await asyncio.sleep(0.5)
    await stage.both_talk(talk)
    heard = talk.caller.heard.samples()
    told = [
        cents
        for cents in range(1, 40)
        if find(heard, stage.sound(Phrase("amount", euro(cents)))) is not None
    ]
    assert find(talk.expert.heard.samples(), stage.sound("spent-so-far")) is None
    assert talk.expert.keys == []
    await talk.caller.hang_up()
    settlement = (await stage.ended(caller)).summary.settlement
    assert settlement is not None
    assert settlement.charge is not None
    (cents,) = told
    assert euro(0) < euro(cents) <= settlement.charge


async def test_an_expert_gives_some_minutes_free_and_then_is_paid_again(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller()
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await asyncio.sleep(1.2)
    await talk.expert.press("*6")
    await stage.hears(talk.caller, "free-minutes")
    await stage.hears(talk.expert, "free-minutes")
    await stage.both_talk(talk)
    since_us = time.time_ns() // 1_000
    await stage.hears(talk.caller, "paid-again", since_us=since_us)
    await stage.hears(talk.caller, "tone", since_us=since_us)
    await asyncio.sleep(0.5)
    await stage.both_talk(talk)
    await asyncio.sleep(1.2)
    await talk.expert.hang_up()
    record = await stage.ended(caller)
    settlement = record.summary.settlement
    assert settlement is not None
    talked_ms = sum((one.end_ms or 0) - one.start_ms for one in record.intervals)
    assert len(record.intervals) == 2
    assert settlement.charge == charge(PRICE, talked_ms // 1_000)
    assert abs(talked_ms - evidence.paid_ms(stage, record.summary.call_id)) <= 20
    async with stage.sessions() as s:
        assert await books.check(s) == []
