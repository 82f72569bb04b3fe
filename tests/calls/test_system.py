import asyncio
import signal
from pathlib import Path

import pytest

from primeline.asterisk_conf import Lines
from primeline.processes import wait_until_gone
from primeline.system import AlreadyRunning, System, SystemConfig
from tests.calls.stage import phone_line

PHONE = phone_line("phone-1")


async def one_phone(_system: System) -> Lines:
    return Lines(phones=(PHONE,))


def config(directory: Path, tree: Path, *, restart: bool = False) -> SystemConfig:
    return SystemConfig(
        directory,
        prompts_dir=directory / "prompts",
        tree=tree,
        durable=False,
        parts=(),
        restart=restart,
    )


async def test_two_systems_run_side_by_side_and_leave_nothing_running(
    tmp_path: Path, tree: Path
) -> None:
    one = System(config(tmp_path / "one", tree), one_phone)
    other = System(config(tmp_path / "other", tree), one_phone)
    async with one, other:
        assert one.ports != other.ports
        assert one.asterisk.errors_at_start() == []
        assert other.asterisk.errors_at_start() == []
        pids = [*one.pids.values(), *other.pids.values()]
        assert len(pids) == 4
    assert await asyncio.to_thread(wait_until_gone, pids) == []


async def test_what_dies_is_started_again_where_that_is_wanted(tmp_path: Path, tree: Path) -> None:
    async with System(config(tmp_path, tree, restart=True), one_phone) as system:
        first = system.kill("asterisk", signal.SIGKILL)
        for _ in range(200):
            await asyncio.sleep(0.1)
            if system.asterisk.pid != first:
                break
        assert "phone-1" in system.asterisk.command("pjsip show endpoints")


async def test_a_phone_added_later_is_known_without_a_restart(tmp_path: Path, tree: Path) -> None:
    async with System(config(tmp_path, tree), one_phone) as system:
        pid = system.pids["asterisk"]
        assert not await system.use_lines(Lines(phones=(PHONE,)))
        later = phone_line("phone-2")
        assert await system.use_lines(Lines(phones=(PHONE, later)))
        assert "phone-2" in system.asterisk.command("pjsip show endpoints")
        assert system.pids["asterisk"] == pid


async def test_a_second_system_on_the_same_data_is_refused(tmp_path: Path, tree: Path) -> None:
    async with System(config(tmp_path, tree), one_phone) as system:
        with pytest.raises(AlreadyRunning):
            async with System(config(tmp_path, tree), one_phone):
                pass
        assert set(system.pids) == {"postgres", "asterisk"}
