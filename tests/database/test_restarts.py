"""The restart report: what was found, what it came to since, the most that nothing proves."""

import asyncio
from datetime import timedelta

import pytest

from ari_app.calls.reporting import FoundCalls
from billing.calls import restarts
from billing.calls import service as calls
from billing.calls.restarts import Outcome, RestartCause, found_call
from billing.calls.settling import lock_call
from billing.calls.values import OpenCall
from billing.kit.ids import new_call_id
from tests.database.world import NOW, World, eur


async def found(world: World) -> OpenCall:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions.begin() as s:
        await calls.heartbeat(s, [call_id], NOW)
    async with world.sessions() as s:
        (one,) = await calls.open_calls(s, "asterisk")
    return one


async def test_a_report_tells_what_its_calls_came_to_since(world: World) -> None:
    call = await found(world)
    async with world.sessions.begin() as s:
        await restarts.record(
            s,
            new_call_id(),
            asterisk_id="asterisk",
            cause=RestartCause.STARTED,
            found_at=NOW + timedelta(seconds=9),
            calls=[found_call(call, Outcome.WENT_ON, NOW + timedelta(seconds=9))],
        )
    async with world.sessions() as s:
        (report,) = (await restarts.page_restarts(s, limit=9)).items
    assert (report.cause, report.last_seen_at) == (RestartCause.STARTED, NOW)
    assert (report.open_calls, report.most_lost_ms) == (1, 0)
    assert (report.calls[0].charge, report.calls[0].ended) == (None, False)

    await world.settle(call.call_id, 60)
    async with world.sessions() as s:
        (report,) = (await restarts.page_restarts(s, limit=9)).items
    assert report.open_calls == 0
    assert (report.calls[0].charge, report.calls[0].most_lost) == (eur("1.20"), None)


async def test_only_a_call_without_a_record_may_lose_and_no_more_than_its_grant(
    world: World,
) -> None:
    call = await found(world)
    assert call.grant is not None
    soon, late = NOW + timedelta(seconds=9), NOW + timedelta(hours=2)
    for outcome in Outcome:
        one = found_call(call, outcome, soon)
        unproved = outcome in {Outcome.FOUND, Outcome.SETTLED_UNPROVED}
        assert one.most_lost_ms == (9_000 if unproved else 0)
        assert one.most_lost == (call.grant.held if unproved else None)
    at_most = found_call(call, Outcome.SETTLED_UNPROVED, late)
    assert at_most.most_lost_ms == 1_000 * call.grant.granted_seconds


async def test_a_process_that_ends_in_its_recovery_has_reported_what_it_found(
    world: World,
) -> None:
    call = await found(world)
    killed = FoundCalls(world.sessions, "asterisk")
    await killed.begin([call])
    # It settles the call, and dies before it can tell what it did.
    await world.settle(call.call_id, 60)
    async with world.sessions() as s:
        ((told,),) = [one.calls for one in (await restarts.page_restarts(s, limit=9)).items]
    assert call.grant is not None
    assert (told.call_id, told.outcome) == (call.call_id, Outcome.FOUND)
    assert (told.charge, told.most_lost) == (eur("1.20"), call.grant.held)


async def test_what_became_of_a_call_is_written_to_the_report_that_has_it(world: World) -> None:
    call = await found(world)
    calls_found = FoundCalls(world.sessions, "asterisk")
    for _ in range(2):
        # A round that couldn't be finished is repeated.
        await calls_found.begin([call])
    calls_found.conclude(call, Outcome.SETTLED)
    assert await calls_found.report()
    calls_found.through()
    await calls_found.begin([call])
    calls_found.conclude(call, Outcome.WENT_ON)
    assert await calls_found.report()
    async with world.sessions() as s:
        later, first = (await restarts.page_restarts(s, limit=9)).items
    assert (first.cause, first.calls[0].outcome) == (RestartCause.STARTED, Outcome.SETTLED)
    assert (first.calls[0].most_lost, first.most_lost_ms) == (None, 0)
    assert (later.cause, later.calls[0].outcome) == (RestartCause.SWEPT, Outcome.WENT_ON)


async def test_a_row_that_somebody_holds_keeps_no_recovery_back(world: World) -> None:
    call = await found(world)
    calls_found = FoundCalls(world.sessions, "asterisk")
    async with world.sessions.begin() as other:
        await lock_call(other, call.call_id)
        await asyncio.wait_for(calls_found.begin([call]), 5)
        calls_found.conclude(call, Outcome.WENT_ON)
    assert await calls_found.report()
    async with world.sessions() as s:
        ((told,),) = [one.calls for one in (await restarts.page_restarts(s, limit=9)).items]
    assert (told.call_id, told.outcome) == (call.call_id, Outcome.WENT_ON)


async def test_a_fault_of_ours_in_the_report_keeps_no_recovery_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await found(world)
    calls_found = FoundCalls(world.sessions, "asterisk")

    async def broken(*_: object, **__: object) -> None:
        raise ValueError

    with monkeypatch.context() as patched:
        patched.setattr(restarts, "record", broken)
        await calls_found.begin([call])
        calls_found.conclude(call, Outcome.SETTLED)
        assert not await calls_found.report()
    assert await calls_found.report()


async def test_reports_come_in_pages_the_newest_first(world: World) -> None:
    call = await found(world)
    for hour in range(3):
        at = NOW + timedelta(hours=hour)
        async with world.sessions.begin() as s:
            await restarts.record(
                s,
                new_call_id(),
                asterisk_id="asterisk",
                cause=RestartCause.SWEPT,
                found_at=at,
                calls=[found_call(call, Outcome.LET_GO, at)],
            )
    async with world.sessions() as s:
        first = await restarts.page_restarts(s, limit=2)
        rest = await restarts.page_restarts(s, limit=2, after=first.after)
    assert [one.found_at.hour for one in (*first.items, *rest.items)] == [
        (NOW + timedelta(hours=hour)).hour for hour in (2, 1, 0)
    ]
