"""The night's comparison with Asterisk's record, after a real call on a system of its own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text

from api import jobs
from billing.kit.clock import now
from billing.monitoring.alarms import list_alarms
from billing.monitoring.values import Alarm
from billing.reconciliation.asterisk import results
from billing.reconciliation.asterisk.values import Kept
from tests.calls import evidence
from tests.calls.stage import Stage, euro, whole_system

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(frozen=True, slots=True)
class Night:
    """A system on which one paid call was made, and its nightly job."""

    stage: Stage
    call_id: UUID

    async def compare(self) -> Kept:
        """Do what the worker does each night; gives what was kept of it."""
        await jobs.reconcile_days(self.stage.sessions, "UTC")
        async with self.stage.sessions() as s:
            return (await results.page(s, limit=1)).items[0]

    async def alarms(self) -> list[Alarm]:
        """The alarms that are on."""
        async with self.stage.sessions() as s:
            return await list_alarms(s)

    async def doctor(self, statement: str, by_us: int) -> None:
        """Change what nobody may, as a superuser past all triggers would."""
        async with self.stage.sessions.begin() as s:
            await s.execute(text("SET LOCAL session_replication_role = replica"))
            changed = await s.execute(text(statement), {"by": by_us, "call": str(self.call_id)})
            assert changed.rowcount > 0  # type: ignore[attr-defined]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def night(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> AsyncIterator[Night]:
    """A call cut at its four seconds, with all of Asterisk's lines about it in the database."""
    async with whole_system(tmp_path_factory.mktemp("night"), tree) as stage:
        expert, caller = await stage.expert(), await stage.caller(8)
        talk = await stage.to_talk(caller, await stage.number(), expert)
        await talk.caller.wait_ended(seconds=12)
        record = await stage.ended(caller)
        assert record.summary.settlement is not None
        assert record.summary.settlement.charge == euro(8)
        night = Night(stage, record.summary.call_id)
        await evidence.imported(stage, night.call_id)
        yield night


@pytest.fixture(autouse=True)
def next_night(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job compares the day before the one it runs on."""
    monkeypatch.setattr(jobs, "now", lambda: now() + timedelta(days=1))


async def test_a_real_call_agrees_with_asterisks_record(night: Night) -> None:
    kept = await night.compare()
    # It was cut some hundredths of a second late, which nobody pays.
    assert (kept.calls, kept.unexplained, kept.causes) == (1, 0, {"overrun": 1})
    assert await night.alarms() == []


OURS = "UPDATE paid_intervals SET end_ms = end_ms + :by / 1000 WHERE call_id = CAST(:call AS uuid)"
ASTERISKS = (
    "UPDATE cel_records SET at_us = at_us + :by"
    " WHERE event = 'BRIDGE_EXIT' AND bridge_id = :call || '-paid-1'"
)
SECOND_US = 1_000_000


@pytest.mark.parametrize("doctored", [OURS, ASTERISKS], ids=["ours", "Asterisk's"])
async def test_a_doctored_second_is_found_and_alarms_until_it_is_put_right(
    night: Night, doctored: str
) -> None:
    await night.doctor(doctored, SECOND_US)
    try:
        kept = await night.compare()
        assert kept.calls == 1
        assert kept.unexplained > 0
        async with night.stage.sessions() as s:
            found = (await results.page_differences(s, kept.kept_id, limit=9)).items
        assert {one.call_id for one in found} == {night.call_id}
        (alarm,) = await night.alarms()
        assert alarm.kind == "record-differs"
        assert str(night.call_id) in alarm.detail
    finally:
        await night.doctor(doctored, -SECOND_US)
    assert (await night.compare()).unexplained == 0
    assert await night.alarms() == []
