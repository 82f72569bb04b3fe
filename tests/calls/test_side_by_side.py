"""Two whole systems at once, and nothing of either left afterwards.

The second one's requests to Asterisk go over the events' websocket.
"""

import asyncio
from pathlib import Path
from typing import Final

import psutil
import pytest

from primeline.processes import wait_until_gone
from primeline.system import System
from tests.calls.aftermath import all_in_order, family
from tests.calls.stage import Stage, euro, whole_system

pytestmark = pytest.mark.asyncio(loop_scope="session")

BY_WEBSOCKET: Final = {"PRIMELINE_ARI_TRANSPORT": "websocket"}


async def _one_call(stage: Stage) -> str:
    """A call that is cut; gives its id."""
    expert, caller = await stage.expert(), await stage.caller(8)
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await talk.caller.wait_ended(seconds=12)
    record = await stage.ended(caller)
    assert record.summary.settlement is not None
    assert record.summary.settlement.charge == euro(8)
    return str(record.summary.call_id)


def _processes(system: System) -> dict[int, str]:
    """All that a system runs: its processes and theirs, by pid."""
    return {process.pid: process.name() for pid in system.pids.values() for process in family(pid)}


def _ports(system: System) -> set[int]:
    ports = system.ports
    return {ports.sip, ports.ari, ports.api, *range(ports.rtp_first, ports.rtp_last + 1)}


async def test_two_systems_run_side_by_side_and_leave_nothing(tmp_path: Path, tree: Path) -> None:
    folders = (tmp_path / "one", tmp_path / "two")
    async with (
        whole_system(folders[0], tree) as one,
        whole_system(folders[1], tree, variables=BY_WEBSOCKET) as two,
    ):
        running = [_processes(stage.system) for stage in (one, two)]
        assert not set(running[0]) & set(running[1])
        assert not _ports(one.system) & _ports(two.system)
        assert one.system.database_url != two.system.database_url
        for stage, names in zip((one, two), running, strict=True):
            assert set(stage.system.pids) == {"postgres", "asterisk", "ari_app", "agi"}
            # Run by the tree's own loader; else under its own name.
            name = names[stage.system.pids["asterisk"]]
            assert name.startswith(("ld-linux-x86-64", "asterisk"))
        first, second = await asyncio.gather(_one_call(one), _one_call(two))
        for stage, own, other in ((one, first, second), (two, second, first)):
            log = stage.system.log_file("ari_app").read_text()
            record = stage.system.instance.cel_file.read_text()
            assert own in log
            assert own in record
            assert other not in log
            assert other not in record
            await all_in_order(stage)
            assert ('"requests": "websocket"' in log) is (stage is two)
        pids = [pid for each in running for pid in each]
        pids += [pid for stage in (one, two) for pid in _processes(stage.system)]
        sockets = [stage.system.instance.run_dir for stage in (one, two)]

    assert wait_until_gone(pids) == []
    for folder, run_dir in zip(folders, sockets, strict=True):
        assert not list(folder.rglob("*.pid"))
        assert not list(run_dir.glob("*.ctl"))
        assert not _named_in_a_command_line(str(folder))


def _named_in_a_command_line(text: str) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if text in " ".join(process.info["cmdline"] or ())
    ]
