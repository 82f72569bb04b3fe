"""The night's comparison: an alarm for a day that differs, until it is right again."""

from datetime import UTC, date, datetime, timedelta

from api.jobs import reconcile_days
from billing.monitoring import alarms as monitoring
from billing.monitoring.alarms import list_alarms
from billing.monitoring.values import Alarm
from billing.reconciliation.asterisk import nightly, results
from billing.reconciliation.asterisk.service import reconcile
from tests.database.test_reconciling import doctor, talk
from tests.database.world import NOW, World

DAY = NOW.date()
NIGHT = NOW + timedelta(days=1, hours=5)


async def compared(world: World, day: date = DAY) -> tuple[int, int]:
    async with world.sessions.begin() as s:
        report = await nightly.compare_day(s, day, "UTC", at=NIGHT)
    return report.compared, report.wrong


async def alarms(world: World) -> list[Alarm]:
    async with world.sessions() as s:
        return await list_alarms(s)


async def test_a_day_that_differs_is_an_alarm_until_it_is_right(world: World) -> None:
    await world.top_up("10.00")
    call_id = await talk(world, 30)
    assert await compared(world) == (1, 0)
    assert await alarms(world) == []
    move = "UPDATE cel_records SET at_us = at_us + :us WHERE event = 'BRIDGE_EXIT'"
    await doctor(world, move, us=21_000)
    for _ in range(2):
        assert await compared(world) == (1, 1)
    (alarm,) = await alarms(world)
    assert (alarm.kind, alarm.subject) == ("record-differs", f"{DAY}")
    assert alarm.detail == (
        f"1 difference of {DAY} in UTC can't be explained: call {call_id} (talk: unexplained)."
        f" 1 call was compared; see primeline reconcile --day {DAY} --time-zone UTC."
    )
    await doctor(world, move, us=-21_000)
    assert await compared(world) == (1, 0)
    assert await alarms(world) == []


async def test_an_acknowledged_difference_is_not_asked_about_again_and_a_new_one_is(
    world: World,
) -> None:
    await world.top_up("10.00")
    calls = [await talk(world, seconds) for seconds in (30, 40)]
    later = (
        "UPDATE cel_records SET at_us = at_us + 21000"
        " WHERE event = 'BRIDGE_EXIT' AND bridge_id = :bridge"
    )

    async def seen_by() -> str | None:
        (alarm,) = await alarms(world)
        return alarm.acknowledged_by

    async def acknowledge() -> None:
        (alarm,) = await alarms(world)
        async with world.sessions.begin() as s:
            assert await monitoring.acknowledge(s, alarm.alarm_id, by="office", at=NIGHT)

    await doctor(world, later, bridge=f"{calls[0]}-paid-1")
    assert await compared(world) == (2, 1)
    assert await seen_by() is None
    await acknowledge()
    assert await compared(world) == (2, 1)
    assert await seen_by() == "office"
    # As many as before, but another call.
    await doctor(world, later, bridge=f"{calls[1]}-paid-1")
    await doctor(world, later.replace("+", "-"), bridge=f"{calls[0]}-paid-1")
    assert await compared(world) == (2, 1)
    assert await seen_by() is None
    await acknowledge()
    # The same call differs by more.
    await doctor(world, later, bridge=f"{calls[1]}-paid-1")
    assert await compared(world) == (2, 1)
    assert await seen_by() is None


async def test_each_comparison_is_kept_with_what_it_found(world: World) -> None:
    await world.top_up("10.00")
    call_id = await talk(world, 30)
    assert await compared(world) == (1, 0)
    await doctor(world, "UPDATE cel_records SET at_us = at_us + 21000 WHERE event = 'BRIDGE_EXIT'")
    assert await compared(world) == (1, 1)
    async with world.sessions.begin() as s:
        wrong, right = (await results.page(s, limit=9)).items
        assert (right.calls, right.differences, right.unexplained) == (1, 0, 0)
        assert (wrong.unexplained, wrong.causes) == (1, {"unexplained": 1})
        assert (wrong.first_at, wrong.compared_by) == (nightly.scope_of(DAY, "UTC").first, "worker")
        assert (await results.page(s, limit=9, wrong_only=True)).items == (wrong,)
        (found,) = (await results.page_differences(s, wrong.kept_id, limit=9)).items
        report = await reconcile(s, nightly.scope_of(DAY, "UTC"), at=NIGHT)
        assert ([found], found.call_id) == (report.differences, call_id)
        await results.trim(s, NIGHT + results.KEPT + timedelta(seconds=1))
        assert (await results.page(s, limit=9)).items == ()


async def test_an_alarm_names_three_calls_and_counts_the_others(world: World) -> None:
    await world.top_up("10.00")
    calls = [await talk(world, seconds) for seconds in (5, 6, 7, 8, 9)]
    await doctor(world, "UPDATE cel_records SET at_us = at_us + 21000 WHERE event = 'BRIDGE_EXIT'")
    assert await compared(world) == (5, 5)
    (alarm,) = await alarms(world)
    assert [str(one) in alarm.detail for one in calls].count(True) == 3
    assert "and 2 more. 5 calls were compared" in alarm.detail


async def test_a_call_received_before_the_day_and_settled_on_it_is_compared_with_it(
    world: World,
) -> None:
    await world.top_up("10.00")
    await talk(world, 30)
    await doctor(world, "UPDATE calls SET received_at = received_at - interval '1 day'")
    assert await compared(world) == (1, 0)
    async with world.sessions.begin() as s:
        scope = nightly.scope_of(DAY, "UTC")
        early = nightly.scope_of(DAY + timedelta(days=1), "UTC")
        assert (await reconcile(s, early, at=NIGHT)).compared == 0
        assert scope.last == early.first


async def test_days_that_differed_are_compared_again_and_given_up_after_thirty(
    world: World,
) -> None:
    await world.top_up("10.00")
    await talk(world, 30)
    await doctor(world, "UPDATE cel_records SET at_us = at_us + 21000 WHERE event = 'BRIDGE_EXIT'")
    await compared(world)
    async with world.sessions.begin() as s:
        assert await nightly.open_days(s, at=NIGHT) == [DAY]
        assert await nightly.open_days(s, at=NIGHT + timedelta(days=31)) == []
    assert await alarms(world) == []


async def test_the_job_compares_yesterday(world: World) -> None:
    await reconcile_days(world.sessions, "Europe/Paris")
    assert await alarms(world) == []


def test_a_day_is_the_operators_both_nights_of_the_clocks_included() -> None:
    hours = [
        (scope.last - scope.first) // timedelta(hours=1)
        for day in (date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 25))
        if (scope := nightly.scope_of(day, "Europe/Paris"))
    ]
    assert hours == [24, 23, 25]
    just_past = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert nightly.yesterday(just_past, "UTC") == date(2026, 11, 21)
    assert nightly.yesterday(just_past, "Europe/Paris") == date(2026, 11, 22)
