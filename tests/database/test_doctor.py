"""What `primeline doctor` finds in a database."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from billing.endpoints.trunks import add_trunk
from billing.endpoints.values import Trunk
from billing.kit.clock import now
from billing.kit.database import Sessions
from billing.kit.secrets import SecretBox
from billing.kit.settings import Settings
from billing.monitoring import alarms, states
from billing.monitoring.values import AlarmKind, EndpointCondition, EndpointKind
from primeline.doctor import database
from primeline.doctor.findings import Finding, Level
from tests.database.world import World

KEY = "k" * 40


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        database_url="postgresql://nowhere/x", data_dir=tmp_path, secret_key=SecretStr(KEY)
    )


def told(findings: list[Finding]) -> list[tuple[str, Level]]:
    return [(one.check, one.level) for one in findings]


async def test_a_database_as_it_should_be_is_fine(world: World, settings: Settings) -> None:
    async with world.sessions.begin() as s:
        # The world is copied from one made as the tests began: its jobs are as old as they are.
        await s.execute(text("UPDATE procrastinate_events SET at = now()"))
    async with world.sessions() as s:
        found = await database.server(s) + await database.migrations(s)
        for check in (database.lines, database.open_alarms, database.work):
            found += await check(s, settings)
    async with world.sessions() as s:
        found += await database.money(s, settings)
    assert {one.level for one in found} == {Level.OK}
    assert {one.check for one in found} == {
        "database", "clocks", "migrations", "trunks", "alarms", "jobs", "books",
    }  # fmt: skip


@pytest.mark.parametrize(("seconds", "level"), [(2, Level.WARNING), (60, Level.WRONG)])
async def test_a_clock_that_is_apart_is_told(
    seconds: int, level: Level, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "now", lambda: now() + timedelta(seconds=seconds))
    async with world.sessions() as s:
        assert ("clocks", level) in told(await database.server(s))


@pytest.mark.parametrize(
    ("revision", "said"),
    [("2026_11_22_first", "older"), ("9999_from_the_future", "newer Primeline")],
)
async def test_tables_of_another_version_are_wrong(revision: str, said: str, world: World) -> None:
    if said == "older":
        scripts = sorted((Path(__file__).parents[2] / "migrations" / "versions").glob("*.py"))
        line = next(
            line for line in scripts[0].read_text().splitlines() if line.startswith("revision")
        )
        revision = line.split('"')[1]
    async with world.sessions.begin() as s:
        await s.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": revision})
        (finding,) = await database.migrations(s)
    assert finding.level is Level.WRONG
    assert said in finding.sentence


async def test_a_database_without_tables_is_told(world: World) -> None:
    async with world.sessions.begin() as s:
        await s.execute(text("DROP TABLE alembic_version"))
    async with world.sessions() as s:
        (finding,) = await database.migrations(s)
    assert (finding.level, finding.remedy) == (Level.WRONG, "primeline migrate")


async def test_a_trunk_whose_password_another_key_keeps_is_wrong(
    world: World, settings: Settings
) -> None:
    async with world.sessions.begin() as s:
        sealed = SecretBox("another key " * 4).seal("a-password-12")
        await add_trunk(
            s,
            Trunk(
                "abroad",
                host="203.0.113.9",
                username="us",
                sealed_password=sealed,
                presented_number="+33199001200",
            ),
        )
        found = await database.lines(s, settings)
    assert told(found) == [("trunks", Level.WRONG)]
    assert "abroad" in found[0].sentence


async def test_a_trunk_that_is_away_and_an_alarm_are_told(
    sessions: Sessions, settings: Settings
) -> None:
    at = now()
    async with sessions.begin() as s:
        await states.set_endpoint(
            s, "one", EndpointKind.TRUNK, "abroad", EndpointCondition.UNREACHABLE, at=at
        )
        await alarms.raise_alarm(s, AlarmKind.MONITOR_AWAY, "one", "It is silent.", at=at)
        assert told(await database.lines(s, settings)) == [("trunks", Level.WRONG)]
        (alarm,) = await database.open_alarms(s, settings)
    assert alarm.level is Level.WARNING
    assert "monitor-away: It is silent." in alarm.sentence


async def test_jobs_that_wait_too_long_are_wrong(sessions: Sessions, settings: Settings) -> None:
    async with sessions.begin() as s:
        await s.execute(
            text(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, scheduled_at)"
                " VALUES ('default', 'sweep', now() - interval '10 minutes')"
            )
        )
        await s.execute(text("UPDATE procrastinate_events SET at = now() - interval '1 hour'"))
        (finding,) = await database.work(s, settings)
    assert finding.level is Level.WRONG
    assert "1 jobs wait, one for 600 s" in finding.sentence


async def test_books_that_are_wrong_are_told(world: World, settings: Settings) -> None:
    await world.top_up("10.00")
    async with world.sessions.begin() as s:
        await s.execute(text("SET session_replication_role = replica"))
        await s.execute(text("UPDATE wallets SET posted = posted + 1"))
    async with world.sessions() as s:
        assert told(await database.money(s, settings)) == [("books", Level.WRONG)]
