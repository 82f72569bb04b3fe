"""The application is killed while premium-rate calls go on: nobody's phone bill runs on silence."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from primeline.phones import State as PhoneState
from tests.calls import evidence
from tests.calls.aftermath import all_in_order, at_us, now_us
from tests.calls.premium import answered_us, statuses, to_ringing, to_talk
from tests.calls.stage import LIMITS, Stage, Talk, whole_system

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONGER: Final = replace(LIMITS, premium_lease_ms=10_000)
LEASE_MS: Final = LONGER.premium_lease_ms + LONGER.grace_ms
LATE_MS: Final = 300


@dataclass
class Killed:
    """Two calls of when the process died: one in its talk, one ringing."""

    stage: Stage
    at_us: int
    talk: Talk
    talker: str
    ringing: Talk


async def _kill(stage: Stage) -> int:
    at = now_us()
    stage.system.kill("ari_app")
    await stage.system.ended("ari_app")
    return at


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def killed(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> AsyncIterator[Killed]:
    async with whole_system(tmp_path_factory.mktemp("premium"), tree, limits=LONGER) as stage:
        experts = [await stage.expert(), await stage.expert()]
        talker, waiter = stage.stranger(), stage.stranger()
        talk, ringing = await asyncio.gather(
            to_talk(stage, talker, experts[0]), to_ringing(stage, waiter, experts[1])
        )
        died_us = await _kill(stage)
        await talk.expert.hang_up()
        for call in (talk.caller, ringing.caller, ringing.expert):
            await call.wait_ended(seconds=18)
        yield Killed(stage, died_us, talk, talker, ringing)


async def test_the_expert_hangs_up_and_the_caller_is_released_by_the_lease(killed: Killed) -> None:
    lasted_ms = (at_us(killed.talk.caller, PhoneState.ENDED) - killed.at_us) // 1_000
    # No app is there to hang up at once, and the last lease was given before it died.
    assert 1_000 < lasted_ms <= LEASE_MS + LATE_MS, lasted_ms
    assert killed.talk.caller.ended_by == "them"


async def test_a_call_that_was_still_ringing_is_never_answered(killed: Killed) -> None:
    assert 200 not in statuses(killed.ringing.caller)
    assert killed.ringing.caller.code == 503
    assert PhoneState.UP not in {event.state for event in killed.ringing.caller.events}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def started(killed: Killed) -> Killed:
    await killed.stage.system.start("ari_app")
    return killed


async def test_a_later_start_settles_by_the_meter_in_asterisks_record(started: Killed) -> None:
    record = await started.stage.ended(started.talker, seconds=15)
    assert record.summary.settlement is not None
    outcome = record.summary.settlement.premium
    assert outcome is not None
    assert outcome.answered_ms is not None
    assert outcome.released_ms is not None
    call = started.talk.caller
    seen_ms = (at_us(call, PhoneState.ENDED) - answered_us(call)) // 1_000
    assert abs(outcome.released_ms - outcome.answered_ms - seen_ms) <= 100
    talked_ms = sum((i.end_ms or 0) - i.start_ms for i in record.intervals)
    assert 0 < talked_ms < seen_ms
    await all_in_order(started.stage)


async def test_a_talk_is_adopted_and_lives_on_a_new_lease(started: Killed) -> None:
    stage = started.stage
    caller = stage.stranger()
    talk = await to_talk(stage, caller, await stage.expert())
    died_us = await _kill(stage)
    await stage.system.start("ari_app")
    await evidence.connected(stage, since_us=died_us)
    await asyncio.sleep(max(0, LEASE_MS - (now_us() - died_us) // 1_000 + 800) / 1_000)
    assert talk.caller.state is PhoneState.UP
    gone_us = now_us()
    await talk.expert.hang_up()
    await talk.caller.wait_ended(seconds=2)
    assert (at_us(talk.caller, PhoneState.ENDED) - gone_us) // 1_000 <= LATE_MS
    record = await stage.ended(caller)
    assert record.summary.reason == "expert-hung-up"
    await all_in_order(stage)
