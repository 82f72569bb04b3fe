"""The main job: a caller pays an expert by the second, and is cut off when his credit ends."""

import pytest

from primeline.sound import carried_spans, cut_error_ms, whole_span
from tests.calls.stage import Stage, euro

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_caller_is_cut_at_zero_and_everybodys_money_is_right(stage: Stage) -> None:
    expert = await stage.expert()
    caller = await stage.caller(20)
    number = await stage.number()

    talk = await stage.to_talk(caller, number, expert)
    await stage.hears(talk.caller, "credit-used-up", seconds=20)
    await stage.hears(talk.expert, "caller-credit-used-up")
    await talk.caller.wait_ended()
    await talk.expert.wait_ended()

    record = await stage.ended(caller)
    settlement = record.summary.settlement
    assert settlement is not None
    assert settlement.split is not None
    assert settlement.reason == "credit-used-up"
    assert (settlement.used_seconds, settlement.billed_seconds) == (10, 10)
    assert settlement.split.charge == euro(20)
    assert [grant.granted_seconds for grant in record.grants] == [6, 9, 10]
    assert await stage.available(caller) == euro(0)

    heard_by_caller = whole_span(carried_spans(talk.caller.heard, talk.expert.spoken))
    heard_by_expert = whole_span(carried_spans(talk.expert.heard, talk.caller.spoken))
    # Packets are 20 ms apart, so that much may be missing at either end of what a phone hears.
    assert -20 <= cut_error_ms(heard_by_caller, heard_by_expert, 10) <= 200
