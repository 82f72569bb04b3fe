"""Call applications beside the one that has the calls, which they take over."""

import asyncio
import os
import signal
import sys
import time
from typing import Final

from primeline.asterisk_conf import ROOT
from tests.calls.stage import Stage

REPLACED: Final = 3
"""What one that was replaced ends with."""

SOON_SECONDS: Final = 30


class Beside:
    """Call applications started beside the system's own; none is left afterwards."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.processes: list[asyncio.subprocess.Process] = []

    async def start(self) -> asyncio.subprocess.Process:
        """Start one and wait until it takes calls."""
        system = self.stage.system
        with system.log_file("ari_app").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "ari_app"),
                cwd=ROOT,
                env={**os.environ, **system.environment},
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        ready = system.config.directory / "ari_app.ready"
        end = time.monotonic() + SOON_SECONDS
        while not ready.exists() or ready.read_text() != str(process.pid):
            assert process.returncode is None, "ended at its start"
            assert time.monotonic() < end, "not ready"
            await asyncio.sleep(0.02)
        return process

    async def close(self) -> None:
        """End them all."""
        for process in self.processes:
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            await process.wait()
