"""`primeline doctor` on a real running system: what runs is fine, what doesn't is named."""

import pytest

from billing.kit.settings import read_settings
from primeline.doctor import machine
from primeline.doctor.examination import examine
from primeline.doctor.findings import Level
from tests.calls.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOT_STARTED = {"monitor", "worker", "api", "jobs", "prompts"}
"""Parts that the tests' system has none of, and the work that therefore waits: without a worker
amounts aren't rendered in a currency that another test's caller has."""


async def test_a_running_system_is_well_but_for_the_parts_that_were_not_started(
    stage: Stage,
) -> None:
    settings = read_settings(given=stage.system.environment)
    found = await examine(settings)
    wrong = [one for one in found if one.level is Level.WRONG]
    assert [one for one in wrong if one.check not in NOT_STARTED] == []
    assert {"monitor", "worker", "api"} <= {one.check for one in wrong}
    well = {one.check for one in found if one.level is Level.OK}
    assert well >= {
        "python", "secrets", "disk", "database", "clocks", "migrations", "claim", "books",
        "asterisk", "application", "modules", "ami", "dialplan", "ari_app", "agi", "spool",
    }  # fmt: skip
    assert [one.level for one in machine.prompts(settings)] == [Level.OK]


async def test_a_wrong_password_for_asterisk_is_told_as_one(stage: Stage) -> None:
    wrong = dict.fromkeys(("PRIMELINE_ARI_PASSWORD", "PRIMELINE_MONITOR_PASSWORD"), "x" * 32)
    found = await examine(read_settings(given=stage.system.environment | wrong))
    told = {one.check: one.sentence for one in found if one.level is Level.WRONG}
    assert "doesn't take our ARI password" in told["asterisk"]
    assert "doesn't take the monitor's password" in told["ami"]
