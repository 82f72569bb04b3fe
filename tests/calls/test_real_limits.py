"""One call with the limits as they are in service, in real time."""

from pathlib import Path

import pytest

from billing.kit.limits import Limits
from primeline.sound import carried_spans, cut_error_ms, whole_span
from tests.calls.stage import EXPERT_TONE, Stage, euro, whole_system

pytestmark = pytest.mark.asyncio(loop_scope="session")

CREDIT_SECONDS, CREDIT_CENTS = 66, 132


async def test_a_call_with_the_real_limits_is_warned_and_cut_at_zero(
    tmp_path: Path, tree: Path
) -> None:
    async with whole_system(tmp_path, tree, limits=Limits()) as stage:
        await _call(stage)


async def _call(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller(CREDIT_CENTS)
    talk = await stage.to_talk(caller, await stage.number(), expert)
    # Sixty seconds before the end; it is said over the talk.
    talk.expert.silent()
    await stage.hears(talk.caller, "warning", seconds=10)
    talk.expert.speak(EXPERT_TONE)
    await stage.hears(talk.caller, "credit-used-up", seconds=CREDIT_SECONDS + 5)
    await stage.hears(talk.expert, "caller-credit-used-up", since_us=1)
    await talk.caller.wait_ended()
    await talk.expert.wait_ended()

    record = await stage.ended(caller)
    settlement = record.summary.settlement
    assert settlement is not None
    assert settlement.reason == "credit-used-up"
    assert settlement.billed_seconds == CREDIT_SECONDS
    assert settlement.charge == euro(CREDIT_CENTS)
    assert [grant.granted_seconds for grant in record.grants] == [CREDIT_SECONDS]
    assert await stage.available(caller) == euro(0)
    heard_by_caller = whole_span(carried_spans(talk.caller.heard, talk.expert.spoken))
    heard_by_expert = whole_span(carried_spans(talk.expert.heard, talk.caller.spoken))
    assert -60 <= cut_error_ms(heard_by_caller, heard_by_expert, CREDIT_SECONDS) <= 200
