"""Two installations and one Asterisk: the second is refused while the first one lives."""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from billing.kit.database import make_engine, make_sessions
from billing.kit.settings import Settings
from billing.monitoring import alarms
from primeline.asterisk_conf import ROOT, Lines
from primeline.parts import PartFailed
from primeline.system import System, SystemConfig

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def no_lines(_system: System) -> Lines:
    return Lines()


async def run_copy(system: System, url: str, data_dir: Path) -> asyncio.subprocess.Process:
    """The call application on a copy of the database, and on the same Asterisk."""
    environment = system.environment | {
        "PRIMELINE_DATABASE_URL": url,
        "PRIMELINE_DATA_DIR": str(data_dir),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "ari_app"),
        cwd=ROOT,
        env={**os.environ, **environment},
        stderr=asyncio.subprocess.PIPE,
    )


async def test_a_copy_is_refused_by_an_asterisk_whose_original_lives_and_let_in_afterwards(
    tmp_path: Path, tree: Path
) -> None:
    config = SystemConfig(
        tmp_path / "run",
        prompts_dir=tmp_path / "prompts",
        tree=tree,
        durable=False,
        parts=("ari_app",),
        restart=False,
    )
    async with System(config, no_lines) as system:
        original = system.pids["ari_app"]
        plain = system.database_url.replace("+psycopg", "")
        copy_url = system.database_url.replace("/primeline?", "/copy?")
        with psycopg.connect(plain.replace("/primeline?", "/postgres?"), autocommit=True) as c:
            # A template may have no users; ours have pools that come back by themselves.
            c.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'primeline'"
            )
            c.execute("CREATE DATABASE copy TEMPLATE primeline")
        (tmp_path / "copy").mkdir()
        copy = await run_copy(system, copy_url, tmp_path / "copy")
        _, said = await asyncio.wait_for(copy.communicate(), 30)
        assert copy.returncode == 4, said
        assert b"Another installation served this Asterisk" in said
        assert system.pids["ari_app"] == original
        engine = make_engine(Settings(database_url=copy_url))
        async with make_sessions(engine)() as s:
            (alarm,) = await alarms.list_alarms(s)
        await engine.dispose()
        assert alarm.kind == "asterisk-taken"
        # Its own installation is let in at once.
        system.kill("ari_app", signal.SIGKILL)
        await system.ended("ari_app")
        await system.start("ari_app")


async def upgraded(system: System) -> None:
    """Start the call application anew as an operator does; what watches over it starts it again."""
    before = system.pids["ari_app"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "primeline", "upgrade"),
        cwd=ROOT,
        env={**os.environ, **system.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, said
    after = system.pids["ari_app"]
    assert after != before
    assert f"Calls were taken over from process {before}.".encode() in said
    assert f"Process {after} has the calls".encode() in said
    between = (system.config.directory / "upgrade.log").read_text()
    assert between.count('"calls taken over"') == 1
    assert between.count('"calls given"') == 1


async def test_another_asterisk_of_the_same_name_on_one_database_is_refused(
    tmp_path: Path, tree: Path
) -> None:
    config = SystemConfig(
        tmp_path / "first",
        prompts_dir=tmp_path / "prompts",
        tree=tree,
        durable=False,
        parts=("ari_app",),
        restart=True,
    )
    async with System(config, no_lines) as first:
        await upgraded(first)
        second = replace(
            config,
            directory=tmp_path / "second",
            database_url=first.database_url,
            migrate=False,
            restart=False,
        )
        with pytest.raises(PartFailed) as failed:
            async with System(second, no_lines):
                pass
        assert "ended at its start" in str(failed.value)
        said = (tmp_path / "second" / "ari_app.log").read_text()
        assert "Another Asterisk is called 'primeline' on this database" in said
        engine = make_engine(Settings(database_url=first.database_url))
        async with make_sessions(engine)() as s:
            (alarm,) = await alarms.list_alarms(s)
        await engine.dispose()
        assert (alarm.kind, alarm.subject) == ("asterisk-taken", "primeline")
        other_name = replace(second, directory=tmp_path / "third", asterisk_id="another")
        async with System(other_name, no_lines) as third:
            assert {"ari_app", "asterisk"} <= set(third.pids)
        assert "ari_app" in first.pids
