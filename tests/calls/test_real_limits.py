"""Calls with the limits as they are in service, in real time, on two systems at once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from billing.kit.limits import Limits
from primeline.phones import State
from primeline.sound import carried_spans, cut_error_ms, whole_span
from tests.calls.aftermath import at_us, now_us
from tests.calls.premium import to_talk
from tests.calls.stage import EXPERT_TONE, Stage, euro, whole_system
from tests.calls.together import Outcomes

pytestmark = pytest.mark.asyncio(loop_scope="session")

CREDIT_SECONDS, CREDIT_CENTS = 66, 132
LEASE_MS = 62_000


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(
    tmp_path_factory: pytest.TempPathFactory, tree: Path
) -> AsyncIterator[Outcomes[int]]:
    one, two = tmp_path_factory.mktemp("prepaid"), tmp_path_factory.mktemp("premium")
    async with (
        whole_system(one, tree, limits=Limits()) as prepaid,
        whole_system(two, tree, limits=Limits()) as premium,
    ):
        came = await asyncio.gather(_call(prepaid), _lease(premium), return_exceptions=True)
        yield Outcomes(dict(zip(("call", "lease"), came, strict=True)))


async def test_a_call_with_the_real_limits_is_warned_and_cut_at_zero(
    played: Outcomes[int],
) -> None:
    assert -60 <= played.of("call") <= 200


async def test_with_the_application_dead_a_premium_caller_is_released_within_62_seconds(
    played: Outcomes[int],
) -> None:
    assert 5_000 < played.of("lease") <= LEASE_MS + 200


async def _lease(stage: Stage) -> int:
    """Milliseconds from the application's death to the caller's BYE; the expert goes at once."""
    talk = await to_talk(stage, stage.stranger(), await stage.expert())
    died_us = now_us()
    stage.system.kill("ari_app")
    await talk.expert.hang_up()
    await talk.caller.wait_ended(seconds=70)
    assert talk.caller.ended_by == "them"
    return (at_us(talk.caller, State.ENDED) - died_us) // 1_000


async def _call(stage: Stage) -> int:
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
    return cut_error_ms(heard_by_caller, heard_by_expert, CREDIT_SECONDS)
