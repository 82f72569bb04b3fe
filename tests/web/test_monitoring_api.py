"""Alarms and states by the API."""

from datetime import date, timedelta

from fastapi import FastAPI

from billing.kit.clock import now, to_ms
from billing.kit.ids import new_call_id
from billing.monitoring import alarms, states
from billing.monitoring.values import (
    AlarmKind,
    AsteriskCondition,
    EndpointCondition,
    EndpointKind,
)
from billing.reconciliation.asterisk import nightly, results
from billing.reconciliation.asterisk.values import Cause, Difference, Report
from tests.web.client import Client, code_of, ok


async def test_alarms_come_in_pages_the_newest_first_and_the_cleared_when_asked_for(
    api: Client, app: FastAPI
) -> None:
    at = now()
    async with app.state.sessions.begin() as s:
        for number in range(3):
            raised = at + timedelta(minutes=number)
            await alarms.raise_alarm(
                s, AlarmKind.TRUNK_UNREACHABLE, f"trunk-{number}", "It is away.", at=raised
            )
        await alarms.raise_alarm(s, AlarmKind.MONITOR_AWAY, "one", "It is silent.", at=at)
        await alarms.clear_alarm(s, AlarmKind.TRUNK_UNREACHABLE, "trunk-1", at=at)
    page = ok(await api.get("/alarms?limit=2"))
    rest = ok(await api.get(f"/alarms?limit=2&cursor={page['next_cursor']}"))
    open_ = [one["subject"] for one in page["items"] + rest["items"]]
    assert open_ == ["one", "trunk-2", "trunk-0"]
    assert rest["next_cursor"] is None
    found = ok(await api.get("/alarms?kind=trunk-unreachable&cleared=true"))["items"]
    assert [(one["subject"], one["cleared_at"] is None) for one in found] == [
        ("trunk-2", True),
        ("trunk-1", False),
        ("trunk-0", True),
    ]
    assert code_of(await api.get("/alarms?kind=rain"), 422) == "request-invalid"


async def test_states_tell_how_each_thing_is_and_when_it_was_seen(
    api: Client, app: FastAPI
) -> None:
    at = now()
    async with app.state.sessions.begin() as s:
        await states.set_asterisk(s, "main", AsteriskCondition.UP, at=at)
        await states.set_endpoint(
            s, "main", EndpointKind.TRUNK, "carrier", EndpointCondition.UNREACHABLE, at=at
        )
    found = ok(await api.get("/states"))["items"]
    assert [(one["kind"], one["name"], one["condition"]) for one in found] == [
        ("asterisk", "main", "up"),
        ("trunk", "carrier", "unreachable"),
    ]
    assert found[1]["seen_at"] == found[0]["seen_at"]


async def test_an_alarm_is_acknowledged_once_and_audited(api: Client, app: FastAPI) -> None:
    async with app.state.sessions.begin() as s:
        await alarms.raise_alarm(s, AlarmKind.MONITOR_AWAY, "one", "It is silent.", at=now())
    (alarm,) = ok(await api.get("/alarms"))["items"]
    assert (alarm["acknowledged_at"], alarm["acknowledged_by"]) == (None, None)
    done = ok(await api.post(f"/alarms/{alarm['id']}/acknowledge"))
    assert done["acknowledged_by"].startswith("key:")
    assert ok(await api.post(f"/alarms/{alarm['id']}/acknowledge")) == done
    assert ok(await api.get("/alarms"))["items"] == [done]
    (entry,) = ok(await api.get("/audit?subject=alarm"))["items"]
    assert (entry["action"], entry["subject_id"]) == ("acknowledged", str(alarm["id"]))
    async with app.state.sessions.begin() as s:
        await alarms.clear_alarm(s, AlarmKind.MONITOR_AWAY, "one", at=now())
    assert code_of(await api.post(f"/alarms/{alarm['id']}/acknowledge"), 409) == "alarm-over"
    assert code_of(await api.post("/alarms/999999/acknowledge"), 404) == "alarm-unknown"


async def test_reconciliations_come_in_pages_with_what_they_found(
    api: Client, app: FastAPI
) -> None:
    day = nightly.scope_of(date(2026, 11, 22), "UTC")
    found = [
        Difference(new_call_id(), to_ms(day.first), "talk", n, None, n, Cause.UNEXPLAINED, "Odd.")
        for n in range(3)
    ]
    report = Report(compared=9)
    report.add(found, 10)
    async with app.state.sessions.begin() as s:
        for by, one in (("worker", report), ("me", Report(compared=8))):
            await results.keep(s, day, one, by=by, at=day.last)
    first = ok(await api.get("/reconciliations?limit=1"))
    rest = ok(await api.get(f"/reconciliations?limit=1&cursor={first['next_cursor']}"))
    both = {one["compared_by"]: one for one in first["items"] + rest["items"]}
    assert set(both) == {"worker", "me"}
    wrong = both["worker"]
    assert (wrong["calls"], wrong["unexplained"], wrong["causes"]) == (9, 3, {"unexplained": 3})
    assert ok(await api.get("/reconciliations?wrong=true"))["items"] == [wrong]
    path = f"/reconciliations/{wrong['id']}"
    assert ok(await api.get(path)) == wrong
    page = ok(await api.get(f"{path}/differences?limit=2"))
    more = ok(await api.get(f"{path}/differences?limit=2&cursor={page['next_cursor']}"))
    listed = page["items"] + more["items"]
    assert [one["call_id"] for one in listed] == [str(one.call_id) for one in found]
    assert [(one["ours"], one["asterisks"]) for one in listed] == [(0, None), (1, None), (2, None)]
    for strange in ("", "/differences"):
        answer = await api.get(f"/reconciliations/{new_call_id()}{strange}")
        assert code_of(answer, 404) == "reconciliation-unknown"
