"""Alarms and states by the API."""

from datetime import timedelta

from fastapi import FastAPI

from billing.kit.clock import now
from billing.monitoring import alarms, states
from billing.monitoring.values import (
    AlarmKind,
    AsteriskCondition,
    EndpointCondition,
    EndpointKind,
)
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
