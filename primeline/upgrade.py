"""`primeline upgrade`: the call application anew, on the code that is there now, and no call lost.

A process started here takes the calls over; the one that had them ends, and who watches over it
(`primeline up`, systemd) starts it again, on the new code. That one takes the calls back, and ours
ends.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from rich.console import Console

from billing.kit.errors import PrimelineError
from billing.kit.settings import read_settings
from primeline.asterisk_conf import ROOT
from primeline.running import data_dir, database_named, find

READY_SECONDS: Final = 20
AGAIN_SECONDS: Final = 60
POLL_SECONDS: Final = 0.05

READY_FILE: Final = "ari_app.ready"


class NothingToUpgrade(PrimelineError):
    """No call application takes calls."""

    code = "nothing-to-upgrade"

    def __init__(self, directory: Path) -> None:
        super().__init__(
            f"No call application takes calls with the data in {directory}"
            " (another folder: PRIMELINE_DATA_DIR)."
        )


class UpgradeFailed(PrimelineError):
    """The new code did not take the calls; the old one has them still."""

    code = "upgrade-failed"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The new call application {why}; the one before goes on. Its log says more."
        )


def upgrade() -> None:
    """Start the call application anew, on the code that is there now; calls go on."""
    console = Console(highlight=False)
    environment = _environment()
    directory = Path(environment.get("PRIMELINE_DATA_DIR", data_dir()))
    asyncio.run(_upgrade(environment, directory / READY_FILE, console))


def _environment() -> Mapping[str, str]:
    running = find(data_dir())
    if running is None or database_named() or not running.environment:
        read_settings()
        return os.environ
    return {**os.environ, **running.environment}


async def _upgrade(environment: Mapping[str, str], ready: Path, console: Console) -> None:
    before = _pid(ready)
    if before is None:
        raise NothingToUpgrade(ready.parent)
    between = _start(environment, ready.parent / "upgrade.log")
    if not await _within(READY_SECONDS, lambda: _pid(ready) == between.pid, between):
        between.terminate()
        raise UpgradeFailed("was not ready in time" if between.poll() is None else "ended")
    console.print(f"Calls were taken over from process {before}.")
    while not await _within(
        AGAIN_SECONDS, lambda: _pid(ready) not in {None, before, between.pid}, None
    ):
        console.print(
            "The one that was replaced is not started again by itself. Start it: until then calls"
            f" are carried by process {between.pid}, which this command waits for."
        )
    await asyncio.to_thread(between.wait)
    console.print(f"Process {_pid(ready)} has the calls, on the present code.")


def _start(environment: Mapping[str, str], log_file: Path) -> subprocess.Popen[bytes]:
    """Start a call application that our own end doesn't end: it will have the calls."""
    with log_file.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ari_app"],
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _pid(ready: Path) -> int | None:
    try:
        return int(ready.read_text())
    except (OSError, ValueError):
        return None


async def _within(
    seconds: int, is_so: Callable[[], bool], process: subprocess.Popen[bytes] | None
) -> bool:
    """Wait until something is so; False: not in time, or the process ended before."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end or (process is not None and process.poll() is not None):
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True
