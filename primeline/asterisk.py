"""One running Asterisk: started, spoken to on its console, ended."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Final

import aiohttp

from billing.kit.errors import PrimelineError
from primeline.asterisk_conf import ARI_USER, Instance, Secrets
from primeline.asterisk_tree import Program
from primeline.parts import ARI_APPLICATION
from primeline.ports import Ports
from primeline.processes import POLL_SECONDS, Child, end_leftover

BOOT_SECONDS: Final = 20
SOCKET_PATH_LIMIT: Final = 100
"""Characters of a Unix socket's path; the kernel takes 107."""


class AsteriskFailed(PrimelineError):
    """Asterisk didn't start as it should."""

    code = "asterisk-failed"

    def __init__(self, reason: str, log_file: Path) -> None:
        super().__init__(f"Asterisk did not start: {reason} (log: {log_file})")


class AsteriskProcess:
    """An Asterisk that answers."""

    def __init__(self, instance: Instance, child: Child, log_offset: int) -> None:
        self.instance = instance
        self.child = child
        self._log_offset = log_offset

    @property
    def pid(self) -> int:
        """Its process (named after the loader if it runs from a tree)."""
        return self.child.pid

    def errors_at_start(self) -> list[str]:
        """List the ERROR lines it has logged since it started; none is right."""
        return _errors_since(self.instance.log_file, self._log_offset)

    def command(self, line: str, *, seconds: int = 10) -> str:
        """Give what Asterisk's console answers to `line`."""
        return _command(self.instance, line, seconds=seconds)

    async def stop(self) -> None:
        """End it; calls that run are hung up."""
        await self.child.stop()


def new_instance(
    directory: Path,
    program: Program,
    ports: Ports,
    *,
    bind_host: str,
    secrets: Secrets | None = None,
    asterisk_id: str = ARI_APPLICATION,
) -> Instance:
    """Make an instance in `directory`, with new secrets unless given."""
    directory.mkdir(parents=True, exist_ok=True)
    directory = directory.resolve()
    run_dir = directory / "run"
    if len(str(run_dir / "asterisk.ctl")) > SOCKET_PATH_LIMIT:
        run_dir = Path(tempfile.mkdtemp(prefix="primeline-"))
    return Instance(
        directory=directory,
        run_dir=run_dir,
        program=program,
        ports=ports,
        secrets=secrets or Secrets.random(),
        bind_host=bind_host,
        asterisk_id=asterisk_id,
    )


async def start(instance: Instance) -> AsteriskProcess:
    """Start Asterisk on files already rendered and wait until it is fully booted.

    Raises `AsteriskFailed` if it ends, doesn't answer in time, or logs an ERROR.
    """
    pid_file = instance.directory / "asterisk.pid"
    end_leftover(pid_file)
    log_offset = _size(instance.log_file)
    command = [*instance.program.command, "-C", str(instance.conf_dir / "asterisk.conf"), "-f"]
    child = Child.start(
        "asterisk",
        command,
        log_file=instance.log_file.parent / "console.log",
        pid_file=pid_file,
        env=_environment(),
        cwd=instance.directory,
    )
    process = AsteriskProcess(instance, child, log_offset)
    try:
        await _booted(process)
    except BaseException:
        child.kill_group()
        await child.wait()
        raise
    return process


def forget(instance: Instance) -> None:
    """Remove the folder of sockets, where it lies outside the instance's own."""
    if not instance.run_dir.is_relative_to(instance.directory):
        shutil.rmtree(instance.run_dir, ignore_errors=True)


async def _booted(process: AsteriskProcess) -> None:
    instance = process.instance
    try:
        async with asyncio.timeout(BOOT_SECONDS):
            await _ari_answers(process)
            await asyncio.to_thread(process.command, "core waitfullybooted", seconds=BOOT_SECONDS)
    except TimeoutError:
        raise AsteriskFailed(f"no answer in {BOOT_SECONDS} s", instance.log_file) from None
    if errors := process.errors_at_start():
        raise AsteriskFailed("; ".join(errors), instance.log_file)


async def _ari_answers(process: AsteriskProcess) -> None:
    instance, status = process.instance, 0
    login = aiohttp.encode_basic_auth(ARI_USER, instance.secrets.ari_password)
    async with aiohttp.ClientSession(headers={"Authorization": login}) as http:
        while status != HTTPStatus.OK:
            if not process.child.running:
                ended = f"it ended with {process.child.exit_status}"
                raise AsteriskFailed(ended, instance.log_file)
            await asyncio.sleep(POLL_SECONDS)
            with suppress(aiohttp.ClientConnectionError):
                async with http.get(f"{instance.ari_url}/ari/asterisk/info?only=status") as answer:
                    status = answer.status


def _command(instance: Instance, line: str, *, seconds: int) -> str:
    command = [*instance.program.command, "-C", str(instance.conf_dir / "asterisk.conf"), "-rx"]
    answer = subprocess.run(
        [*command, line],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env=_environment(),
        stdin=subprocess.DEVNULL,
    )
    return answer.stdout


def _environment() -> dict[str, str]:
    """Nothing of ours: no database address, no secret."""
    kept = ("PATH", "LANG", "TZ")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "HOME": "/nonexistent"
    }


def _errors_since(log_file: Path, offset: int) -> list[str]:
    if not log_file.exists():
        return []
    with log_file.open(errors="replace") as file:
        file.seek(offset)
        return [line.strip() for line in file if "] ERROR" in line or " ERROR[" in line]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
