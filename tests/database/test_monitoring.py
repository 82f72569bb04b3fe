"""Alarms, states and counts of security events as rows."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from typer.testing import CliRunner

from billing.kit.database import Sessions
from billing.monitoring import alarms, security, states
from billing.monitoring.values import (
    AlarmKind,
    AsteriskCondition,
    EndpointCondition,
    EndpointKind,
    SecurityCount,
)
from primeline.cli import app

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def test_an_alarm_is_open_once_until_it_is_cleared_and_then_raised_anew(
    s: AsyncSession,
) -> None:
    for nth in range(3):
        await alarms.raise_alarm(
            s, AlarmKind.TRUNK_UNREACHABLE, "carrier", f"word {nth}", at=AT + nth * MINUTE
        )
    (one,) = await alarms.list_alarms(s)
    assert (one.times, one.detail, one.raised_at) == (3, "word 2", AT)
    assert one.seen_at == AT + 2 * MINUTE
    assert await alarms.clear_alarm(s, AlarmKind.TRUNK_UNREACHABLE, "carrier", at=AT + 5 * MINUTE)
    assert await alarms.list_alarms(s) == []
    assert not await alarms.clear_alarm(s, AlarmKind.TRUNK_UNREACHABLE, "carrier", at=AT)
    await alarms.raise_alarm(s, AlarmKind.TRUNK_UNREACHABLE, "carrier", "again", at=AT + 9 * MINUTE)
    latest, earlier = await alarms.list_alarms(s, cleared_too=True)
    assert (latest.cleared_at, earlier.cleared_at) == (None, AT + 5 * MINUTE)


async def test_a_state_keeps_since_when_it_is_so_and_goes_with_its_endpoint(
    s: AsyncSession,
) -> None:
    phone = (EndpointKind.PHONE, "phone-1")
    for condition, at in (
        (EndpointCondition.REACHABLE, AT),
        (EndpointCondition.REACHABLE, AT + MINUTE),
        (EndpointCondition.UNREACHABLE, AT + 2 * MINUTE),
    ):
        await states.set_endpoint(s, "asterisk", *phone, condition, at=at)
    (one,) = await states.list_endpoints(s)
    assert (one.condition, one.since) == ("unreachable", AT + 2 * MINUTE)
    await states.keep_endpoints(s, "another", [])
    await states.keep_endpoints(s, "asterisk", [phone])
    assert len(await states.list_endpoints(s, "asterisk")) == 1
    await states.keep_endpoints(s, "asterisk", [])
    assert await states.list_endpoints(s) == []


async def test_an_asterisk_is_seen_and_keeps_when_it_started(s: AsyncSession) -> None:
    await states.set_asterisk(s, "one", AsteriskCondition.UP, at=AT, started_at=AT - MINUTE)
    await states.set_asterisk(s, "one", AsteriskCondition.UP, at=AT + MINUTE)
    (one,) = await states.list_asterisks(s)
    assert (one.since, one.seen_at, one.started_at) == (AT, AT + MINUTE, AT - MINUTE)


async def test_a_monitor_that_says_nothing_any_more_is_an_alarm_until_it_speaks(
    s: AsyncSession,
) -> None:
    await states.set_asterisk(s, "one", AsteriskCondition.UP, at=AT)
    await states.watch_monitors(s, AT + MINUTE)
    assert await alarms.list_alarms(s) == []
    await states.watch_monitors(s, AT + 3 * MINUTE)
    (alarm,) = await alarms.list_alarms(s)
    assert (alarm.kind, alarm.subject) == ("monitor-away", "one")
    await states.set_asterisk(s, "one", AsteriskCondition.UP, at=AT + 4 * MINUTE)
    await states.watch_monitors(s, AT + 4 * MINUTE)
    assert await alarms.list_alarms(s) == []


async def test_security_counts_of_a_minute_add_up_and_old_ones_are_trimmed(
    s: AsyncSession,
) -> None:
    def count(times: int, minute: datetime = AT) -> SecurityCount:
        return SecurityCount(minute, "InvalidPassword", "203.0.113.5", "100", times)

    await security.add_counts(s, "one", [count(2), count(1, AT - security.KEPT - MINUTE)])
    await security.add_counts(s, "one", [count(5)])
    await security.add_counts(s, "one", [])
    assert [each.times for each in await security.list_counts(s)] == [7, 1]
    assert await security.trim(s, AT) == 1
    assert [each.times for each in await security.list_counts(s)] == [7]
    assert await security.list_counts(s, since=AT + MINUTE) == []


async def test_the_commands_show_alarms_and_states(
    sessions: Sessions, fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", fresh_database)
    async with sessions.begin() as s:
        await alarms.raise_alarm(s, AlarmKind.ASTERISK_GONE, "one", "It is gone.", at=AT)
        await states.set_asterisk(s, "one", AsteriskCondition.GONE, at=AT)
        await states.set_endpoint(
            s, "one", EndpointKind.TRUNK, "carrier", EndpointCondition.REACHABLE, at=AT
        )

    async def answer(*words: str) -> list[dict[str, object]]:
        result = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--json"])
        assert result.exit_code == 0, result.output
        return list(json.loads(result.stdout))

    (alarm,) = await answer("alarms")
    assert (alarm["kind"], alarm["detail"]) == ("asterisk-gone", "It is gone.")
    asterisk, trunk = await answer("status")
    assert (asterisk["kind"], asterisk["condition"]) == ("asterisk", "gone")
    assert (trunk["name"], trunk["condition"]) == ("carrier", "reachable")
    async with sessions.begin() as s:
        await alarms.clear_alarm(s, AlarmKind.ASTERISK_GONE, "one", at=AT)
    assert await answer("alarms") == []
    assert len(await answer("alarms", "--all")) == 1
