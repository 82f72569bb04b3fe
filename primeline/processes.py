"""Processes of ours: each in its own session, with a log and a pid file, never outliving us."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

POLL_SECONDS: Final = 0.05


class Child:
    """A running process we started.

    It has a session of its own, so that Ctrl-C in our terminal reaches us alone and we end things
    in order; and the kernel ends it if we die ourselves.
    """

    def __init__(
        self,
        name: str,
        process: subprocess.Popen[bytes],
        pid_file: Path,
        stop_signal: signal.Signals,
    ) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._pid_file = pid_file
        self._stop_signal = stop_signal

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str],
        *,
        log_file: Path,
        pid_file: Path,
        env: Mapping[str, str],
        cwd: Path | None = None,
        prefix: Sequence[str] = (),
        stop_signal: signal.Signals = signal.SIGTERM,
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> "Child":
        """Start `command`; its output is appended to `log_file`.

        `prefix` is a program that runs ours (and changes what it may do). `death_signal` is what
        it gets if we die without ending it, `stop_signal` what asks it to end. Call it
        in a thread that lives as long as the child.
        """
        log_file.parent.mkdir(parents=True, exist_ok=True)
        pid_file.parent.mkdir(parents=True, exist_ok=True)
        death = ["setpriv", "--pdeathsig", death_signal.name.removeprefix("SIG"), "--"]
        with log_file.open("ab") as log:
            process = subprocess.Popen(
                [*prefix, *death, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )
        began = psutil.Process(process.pid).create_time()
        pid_file.write_text(json.dumps({"pid": process.pid, "began": began}))
        return cls(name, process, pid_file, stop_signal)

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    @property
    def running(self) -> bool:
        """Whether it is still there."""
        return self.exit_status is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this process alone."""
        if self.running:
            os.kill(self.pid, number)

    async def wait(self) -> int:
        """Wait for its end; gives the exit status."""
        if self.running:
            ended = asyncio.Event()
            descriptor = os.pidfd_open(self.pid)
            loop = asyncio.get_running_loop()
            loop.add_reader(descriptor, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(descriptor)
                os.close(descriptor)
        self._pid_file.unlink(missing_ok=True)
        return self._process.wait()

    async def stop(self, *, seconds: int = 5) -> None:
        """Ask it to end, and after `seconds` end it and whatever it started."""
        self.send(signal.SIGCONT)
        self.send(self._stop_signal)
        try:
            await asyncio.wait_for(self.wait(), seconds)
        except TimeoutError:
            self.kill_group()
            await self.wait()

    def stop_now(self, *, seconds: int = 5) -> None:
        """Do as `stop`, without an event loop."""
        self.send(signal.SIGCONT)
        self.send(self._stop_signal)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill_group()
            self._process.wait()
        self._pid_file.unlink(missing_ok=True)

    def kill_group(self) -> None:
        """End it and whatever it started, at once."""
        if self.running:
            os.killpg(self.pid, signal.SIGKILL)


def end_leftover(pid_file: Path, *, seconds: int = 5) -> None:
    """End the process an earlier run recorded in `pid_file`, if it is still that very process."""
    try:
        record = json.loads(pid_file.read_text())
        process = psutil.Process(record["pid"])
        # A pid is used again; the time it began tells whose it is now.
        if abs(process.create_time() - record["began"]) < 1:
            process.terminate()
            process.wait(seconds)
    except psutil.TimeoutExpired:
        process.kill()
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        pass
    pid_file.unlink(missing_ok=True)


def wait_until_gone(pids: Sequence[int], *, seconds: int = 5) -> list[int]:
    """Those of `pids` that still run after at most `seconds` (zombies count as gone)."""
    deadline = time.monotonic() + seconds
    while alive := [pid for pid in pids if _alive(pid)]:
        if time.monotonic() > deadline:
            return alive
        time.sleep(POLL_SECONDS)
    return []


def _alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
