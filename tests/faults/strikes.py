"""What is done to the processes and sockets of a system, and how it comes back."""

import asyncio
import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import psutil

from tests.calls.aftermath import family, send
from tests.calls.loose_socket import LooseSocket
from tests.calls.stage import Stage
from tests.faults import database
from tests.faults.points import Victim, Way

BACK_SECONDS: Final = 60
LONGEST_FREEZE_MS: Final = 4_000


class NotBack(AssertionError):
    """What was killed didn't come back."""


@dataclass(frozen=True, slots=True)
class Blow:
    """One thing done: to whom, how, and for how long it lasts (a freeze, a lost socket)."""

    victim: Victim
    way: Way
    for_ms: int = 0
    backend: bool = False
    """Not the first process of PostgreSQL, but the one that serves a call."""

    def __str__(self) -> str:
        who = "a process of postgres" if self.backend else str(self.victim)
        lasting = f" for {self.for_ms / 1_000:.1f} s" if self.for_ms else ""
        return f"{self.way} of {who}{lasting}"


def random_blow(choose: random.Random) -> Blow:
    """Choose what happens next."""
    victim = choose.choice([*Victim, Victim.APP, Victim.POSTGRES, Victim.ASTERISK])
    lasting = choose.randrange(300, LONGEST_FREEZE_MS)
    if victim in {Victim.ARI_SOCKET, Victim.DATABASE_SOCKET}:
        return Blow(victim, Way.CUT, lasting if victim is Victim.ARI_SOCKET else 0)
    if choose.random() < 0.25:
        return Blow(victim, Way.FREEZE, lasting)
    return Blow(victim, Way.KILL, backend=victim is Victim.POSTGRES and choose.random() < 0.4)


class Striker:
    """Strikes one system: only what it started itself, by pid."""

    def __init__(self, stage: Stage, ari_socket: LooseSocket) -> None:
        self._stage = stage
        self._socket = ari_socket
        self.asterisk_frozen: list[tuple[int, int]] = []
        """From when to when (wall clock, ms)."""

    async def strike(self, blow: Blow) -> None:
        """Do it; it is done when the process is dead, frozen, or the socket is lost."""
        system, name = self._stage.system, str(blow.victim)
        if blow.victim is Victim.ARI_SOCKET:
            self._socket.break_off()
        elif blow.victim is Victim.DATABASE_SOCKET:
            await database.cut(self._stage)
        elif blow.way is Way.FREEZE:
            send(family(system.pids[name]), signal.SIGSTOP)
        else:
            serving = await database.backends(self._stage) if blow.backend else []
            if serving:
                pid = serving[0]
                os.kill(pid, signal.SIGKILL)
            else:
                pid = system.kill(name)
            while psutil.pid_exists(pid) and _lives(pid):  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def heal(self, blow: Blow, pids: dict[str, int]) -> None:
        """Thaw or mend, or wait until the supervisor has started the victim again."""
        began_ms = time.time_ns() // 1_000_000
        await asyncio.sleep(blow.for_ms / 1_000)
        if blow.victim is Victim.ARI_SOCKET:
            self._socket.mend()
        elif blow.way is Way.FREEZE:
            send(family(pids[str(blow.victim)]), signal.SIGCONT)
            if blow.victim is Victim.ASTERISK:
                self.asterisk_frozen.append((began_ms, time.time_ns() // 1_000_000))
        elif blow.way is Way.KILL and not blow.backend:
            await self._back(str(blow.victim), pids[str(blow.victim)])
        if blow.victim in {Victim.POSTGRES, Victim.DATABASE_SOCKET}:
            await database.rows(self._stage, database.OPEN)

    async def _back(self, name: str, killed: int) -> None:
        end = time.monotonic() + BACK_SECONDS
        while self._stage.system.pids.get(name, killed) == killed:
            if time.monotonic() > end:
                raise NotBack(f"{name} was not started again within {BACK_SECONDS} s")
            await asyncio.sleep(0.05)


def _lives(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False
