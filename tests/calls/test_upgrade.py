"""`primeline upgrade` under a paid talk, which goes on, also where the database hangs meanwhile."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import psutil
import pytest
import pytest_asyncio

from primeline.asterisk_conf import ROOT
from tests.calls.aftermath import all_in_order, family, send, settled_once
from tests.calls.parked import Park
from tests.calls.stage import LIMITS, Stage, whole_system

pytestmark = pytest.mark.asyncio(loop_scope="session")

GRANT_SECONDS, CREDIT_CENTS = 60, 200
"""Longer than two take-overs without a database last."""

LONG: Final = replace(LIMITS, grant_seconds=GRANT_SECONDS)
SOON_SECONDS: Final = 10


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def watched(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> AsyncIterator[Stage]:
    """A system that starts again what ends, as `primeline up` and systemd do."""
    directory = tmp_path_factory.mktemp("upgrade")
    async with whole_system(directory, tree, limits=LONG, restart=True) as stage:
        yield stage


async def upgrade(stage: Stage) -> tuple[int, str]:
    """Run the command; gives its exit status and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "primeline", "upgrade"),
        cwd=ROOT,
        env={**os.environ, **stage.system.environment, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode is not None
    return process.returncode, said.decode()


def carrier(stage: Stage) -> int:
    """Who takes calls, by what it says itself."""
    return int((stage.system.config.directory / "ari_app.ready").read_text())


async def alone(stage: Stage, pid: int) -> None:
    """Wait until no other call application of this system is there."""
    end = time.monotonic() + SOON_SECONDS
    while (others := _applications(stage)) != {pid}:
        assert time.monotonic() < end, (pid, others)
        await asyncio.sleep(0.1)


def _applications(stage: Stage) -> set[int]:
    folder, found = str(stage.system.config.directory), set()
    for process in psutil.process_iter():
        try:
            ours = process.environ().get("PRIMELINE_DATA_DIR") == folder
            if ours and process.cmdline()[1:3] == ["-m", "ari_app"]:
                found.add(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.mark.parametrize("hangs", [False, True], ids=["as ever", "while the database hangs"])
async def test_a_talk_goes_on_while_the_call_application_is_started_anew(
    watched: Stage, *, hangs: bool
) -> None:
    call = await Park(watched).talking_paid(CREDIT_CENTS)
    before = carrier(watched)
    database = family(watched.system.pids["postgres"]) if hangs else []
    send(database, signal.SIGSTOP)
    try:
        status, said = await upgrade(watched)
    finally:
        send(database, signal.SIGCONT)
    now = carrier(watched)
    assert status == 0, said
    assert f"Calls were taken over from process {before}." in said
    assert f"Process {now} has the calls, on the present code." in said
    assert now != before
    await alone(watched, now)
    await watched.both_talk(call.talk)
    await call.talk.expert.hang_up()
    await call.talk.caller.wait_ended()
    record = await settled_once(watched, call)
    assert record.summary.reason == "expert-hung-up"
    assert "adopted after a restart" not in [entry.what for entry in record.timeline]
    await all_in_order(watched)
