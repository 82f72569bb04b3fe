"""The application is killed in a talk: what was talked is proved by Asterisk's own record (CEL)."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from ari_app.calls.states import State
from billing.calls import restarts
from billing.calls.restarts import Outcome, RestartCause
from primeline.sound import carried_spans, whole_span
from tests.calls import evidence
from tests.calls.aftermath import (
    UNHEARD_MS,
    all_in_order,
    family,
    now_us,
    send,
    settled_once,
    talked_ms,
)
from tests.calls.parked import PARKING, Park, ParkedCall
from tests.calls.stage import Stage, euro, whole_system

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(frozen=True, slots=True)
class Talks:
    """Talks by what happened to them."""

    stage: Stage
    by_name: dict[str, ParkedCall]


HUNG_UP, HUNG_UP_UNWRITTEN = "both hang up", "both hang up, the start not written"
TWICE, TWICE_UNWRITTEN = "killed twice", "killed twice, the start not written"
CUT_SECONDS, CUT_CENTS = 6, 12
CALLER_LEFT = "the caller hangs up"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def alone(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> AsyncIterator[Stage]:
    async with whole_system(tmp_path_factory.mktemp("talks"), tree, limits=PARKING) as stage:
        yield stage


async def _kill(stage: Stage) -> int:
    at = now_us()
    stage.system.kill("ari_app")
    await stage.system.ended("ari_app")
    return at


async def _reported(stage: Stage, call: ParkedCall) -> None:
    """Wait until a restart report names the call: killed before, nobody has told of it."""
    call_id = (await stage.record(call.caller)).summary.call_id
    async with asyncio.timeout(15):
        while True:
            async with stage.sessions() as s:
                reports = (await restarts.page_restarts(s, limit=100)).items
            calls = [one for report in reports for one in report.calls]
            if any(one.call_id == call_id and one.outcome is not Outcome.FOUND for one in calls):
                return
            await asyncio.sleep(0.1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def talks(alone: Stage) -> Talks:
    park = Park(alone)
    names = (HUNG_UP, TWICE, CALLER_LEFT, HUNG_UP_UNWRITTEN, TWICE_UNWRITTEN)
    try:
        calls = await asyncio.gather(
            *(park.talking_paid() for _ in range(3)),
            *(park.joined_unwritten() for _ in range(2)),
        )
        by_name = dict(zip(names, calls, strict=True))
        await asyncio.sleep(1.8)
        killed_at = await _kill(alone)
    finally:
        await park.release()
    await by_name[HUNG_UP].talk.caller.hang_up()
    await by_name[HUNG_UP_UNWRITTEN].talk.expert.hang_up()
    await asyncio.sleep(0.2)
    await by_name[HUNG_UP].talk.expert.hang_up()
    await by_name[HUNG_UP_UNWRITTEN].talk.caller.hang_up()
    await by_name[CALLER_LEFT].talk.caller.hang_up()
    await alone.system.start("ari_app")
    await evidence.connected(alone, since_us=killed_at)
    await _reported(alone, by_name[HUNG_UP])
    killed_at = await _kill(alone)
    await alone.system.start("ari_app")
    await evidence.connected(alone, since_us=killed_at)
    await asyncio.sleep(1)
    for name in (TWICE, TWICE_UNWRITTEN):
        await by_name[name].talk.expert.hang_up()
    for call in by_name.values():
        await call.talk.caller.wait_ended()
        await call.talk.expert.wait_ended()
    return Talks(alone, by_name)


@pytest.mark.parametrize("name", [HUNG_UP, HUNG_UP_UNWRITTEN, CALLER_LEFT, TWICE, TWICE_UNWRITTEN])
async def test_a_talk_is_paid_once_as_asterisk_recorded_it(talks: Talks, name: str) -> None:
    call = talks.by_name[name]
    record = await settled_once(talks.stage, call)
    assert record.summary.settlement is not None
    assert record.summary.settlement.billed_seconds > 0
    billed_ms = sum((i.end_ms or 0) - i.start_ms for i in record.intervals)
    for heard_ms in talked_ms(call.talk):
        # What a phone hears begins and ends with whole packets.
        assert abs(heard_ms - billed_ms) <= UNHEARD_MS, (heard_ms, billed_ms)


@pytest.mark.parametrize("name", [TWICE, TWICE_UNWRITTEN])
async def test_an_adopted_talk_ends_like_any_other(talks: Talks, name: str) -> None:
    record = await talks.stage.record(talks.by_name[name].caller)
    assert record.summary.reason == "expert-hung-up"
    await talks.stage.hears(talks.by_name[name].talk.caller, "the-call-cost", since_us=1)


async def test_the_restart_reports_name_each_call_and_nothing_that_is_lost(talks: Talks) -> None:
    ids = {
        name: (await talks.stage.record(call.caller)).summary.call_id
        for name, call in talks.by_name.items()
    }
    async with talks.stage.sessions() as s:
        reports = (await restarts.page_restarts(s, limit=100)).items
    assert {report.cause for report in reports} <= {RestartCause.STARTED, RestartCause.SWEPT}
    found = {name: [c for r in reports for c in r.calls if c.call_id == ids[name]] for name in ids}
    assert {call.outcome for call in found[HUNG_UP]} == {Outcome.SETTLED}
    assert {call.outcome for call in found[CALLER_LEFT]} == {Outcome.RELEASED}
    assert found[TWICE]
    assert {call.outcome for call in found[TWICE]} == {Outcome.WENT_ON}
    for name, calls in found.items():
        settlement = (await talks.stage.record(talks.by_name[name].caller)).summary.settlement
        assert settlement is not None
        for call in calls:
            assert (call.charge, call.most_lost_ms) == (settlement.charge, 0)


async def test_after_two_kills_the_books_are_right(talks: Talks) -> None:
    await all_in_order(talks.stage)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def without_database(talks: Talks) -> Talks:
    """Killed while the database hangs, and started before it is back."""
    stage = talks.stage
    park = Park(stage)
    adopted, ended = await asyncio.gather(park.talking_paid(), park.talking_paid())
    await asyncio.sleep(1)
    processes = family(stage.system.pids["postgres"])
    send(processes, signal.SIGSTOP)
    try:
        killed_at = await _kill(stage)
        await stage.system.start("ari_app")
        await evidence.connected(stage, since_us=killed_at)
        await ended.talk.caller.hang_up()
        await asyncio.sleep(2)
    finally:
        send(processes, signal.SIGCONT)
    await asyncio.sleep(3)
    await adopted.talk.expert.hang_up()
    for call in (adopted, ended):
        await call.talk.caller.wait_ended()
        await call.talk.expert.wait_ended(seconds=20)
    return Talks(stage, {"adopted": adopted, "ended": ended})


@pytest.mark.parametrize(
    ("name", "reason"), [("adopted", "expert-hung-up"), ("ended", "caller-hung-up")]
)
async def test_a_talk_survives_both_being_away(
    without_database: Talks, name: str, reason: str
) -> None:
    call = without_database.by_name[name]
    record = await settled_once(without_database.stage, call)
    assert record.summary.reason == reason
    assert record.summary.settlement is not None
    assert record.summary.settlement.billed_seconds > 0


async def test_after_both_were_away_the_books_are_right(without_database: Talks) -> None:
    await all_in_order(without_database.stage)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stopping(without_database: Talks) -> ParkedCall:
    """Killed as the talk is being stopped: Asterisk hangs, so that the bridge isn't down yet."""
    stage = without_database.stage
    call = await Park(stage).talking_paid(CUT_CENTS)
    began_us = whole_span(carried_spans(call.talk.caller.heard, call.talk.expert.spoken)).first_us
    await asyncio.sleep(CUT_SECONDS - 0.4 - (now_us() - began_us) / 1_000_000)
    assert call.call_id is not None
    stage.system.kill("asterisk", signal.SIGSTOP)
    try:
        await evidence.reached(stage, call.call_id, State.STOPPING)
        killed_at = await _kill(stage)
    finally:
        stage.system.kill("asterisk", signal.SIGCONT)
    await stage.system.start("ari_app")
    await evidence.connected(stage, since_us=killed_at)
    await call.talk.caller.wait_ended()
    await call.talk.expert.wait_ended()
    return call


async def test_killed_as_the_talk_is_stopped_it_is_paid_once_and_not_more_than_granted(
    without_database: Talks, stopping: ParkedCall
) -> None:
    record = await settled_once(without_database.stage, stopping)
    assert record.summary.settlement is not None
    assert record.summary.settlement.charge == euro(CUT_CENTS)
    await all_in_order(without_database.stage)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def between(without_database: Talks, stopping: ParkedCall) -> Talks:
    """Killed while talks stand still: one is topped up, one on hold, one asked for a price."""
    stage = without_database.stage
    assert stopping.call_id is not None
    park = Park(stage)
    topping, held, asked = await asyncio.gather(*(park.talking_paid() for _ in range(3)))
    await asyncio.sleep(1.2)
    await stage.to_free_again(asked.talk)
    held.talk.expert.hold()
    await asyncio.gather(
        stage.to_topping_up(topping.talk),
        stage.hears(held.talk.caller, "expert-holds"),
        stage.to_consenting(asked.talk),
    )
    killed_at = await _kill(stage)
    await stage.system.start("ari_app")
    await evidence.connected(stage, since_us=killed_at)
    await stage.hears(asked.talk.caller, "stays-free", since_us=killed_at)
    await stage.hears(held.talk.caller, "expert-holds", since_us=killed_at)
    held.talk.expert.unhold()
    await asyncio.sleep(1)
    for call in (topping, held, asked):
        await stage.both_talk(call.talk)
    await asyncio.sleep(1.2)
    for call in (topping, held, asked):
        await call.talk.expert.hang_up()
        await call.talk.caller.wait_ended()
    return Talks(stage, {"topping": topping, "held": held, "asked": asked})


@pytest.mark.parametrize(("name", "stretches"), [("topping", 2), ("held", 2), ("asked", 1)])
async def test_a_talk_that_stood_still_goes_on_after_a_restart(
    between: Talks, name: str, stretches: int
) -> None:
    record = await settled_once(between.stage, between.by_name[name])
    assert record.summary.reason == "expert-hung-up"
    assert len(record.intervals) == stretches
    assert any(one.what == "brought back after a restart" for one in record.timeline)


async def test_after_talks_that_stood_still_the_books_are_right(between: Talks) -> None:
    await all_in_order(between.stage)
