"""The two loads set beside each other: paid calls on a ground, calls on a bare Asterisk."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from sqlalchemy import text

from bench import sipp
from bench.ground import CALLERS_HOST, Ground, Pair
from bench.rising import Load, Loaded
from bench.rules import Step
from bench.usage import cpu_between, used
from bench.values import Room
from primeline.asterisk_conf import LOOPBACK

PAIRS: Final = 1_500
"""As many calls can be open at once; each is taken again after all others."""

ACCEPT_MS: Final = 700
"""After his answer, in the middle of the offer, the expert presses his key."""

TALK_MS: Final = 4_300
"""From the caller's key to the hang-up: about three and a half seconds of talk."""

BARE_TALK_MS: Final = 3_500
DRAIN_SECONDS: Final = 30
SIPP: Final = "SIPp"


class PaidLoad:
    """Loads a ground with paid calls."""

    def __init__(self, room: Room, ground_: Ground, experts_pid: int) -> None:
        self._room = room
        self._ground = ground_
        self._experts_pid = experts_pid
        self._first = 0
        self.byes: tuple[tuple[str, int], ...] = ()
        """Who hung up when, in the last run."""

    async def __call__(self, rate: int, calls: int) -> Loaded:
        """Make so many paid calls."""
        pids = self._ground.system.pids | {SIPP: self._experts_pid}
        before, settled = used(pids), await _settled(self._ground)
        pairs = self._ground.pairs
        at = self._first % len(pairs)
        self._first += calls
        ran = await sipp.calling(
            "caller",
            pairs[at:] + pairs[:at],
            server=(LOOPBACK, self._ground.system.ports.sip),
            host=CALLERS_HOST,
            rate=rate,
            calls=calls,
            pause_ms=TALK_MS,
            tree=self._room.sipp_tree,
            folder=self._room.folder / "callers",
        )
        await drained(self._ground)
        cpu = cpu_between(before, used(pids))
        cpu[SIPP] += ran.cpu_ms
        self.byes = ran.byes
        good = min(ran.successful, await _settled(self._ground) - settled)
        step = Step(rate, calls, good, ran.retransmissions, ran.started_per_mille)
        return Loaded(step, ran.answer_us, cpu)


async def drained(ground_: Ground) -> None:
    """Wait until no call is open, at most half a minute."""
    end = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < end:
        async with ground_.sessions() as s:
            if not await s.scalar(text("SELECT count(*) FROM calls WHERE ended_at IS NULL")):
                return
        await asyncio.sleep(0.2)


async def _settled(ground_: Ground) -> int:
    async with ground_.sessions() as s:
        return int(await s.scalar(text("SELECT count(*) FROM settlements WHERE charge > 0")) or 0)


def bare_load(room: Room, sip_port: int, pids: Mapping[str, int]) -> Load:
    """Give what loads a bare Asterisk."""

    async def load(rate: int, calls: int) -> Loaded:
        before = used(pids)
        ran = await sipp.calling(
            "bare-caller",
            [Pair(f"+3363998{number:04d}", f"+331990{number:05d}") for number in range(PAIRS)],
            server=(LOOPBACK, sip_port),
            host=CALLERS_HOST,
            rate=rate,
            calls=calls,
            pause_ms=BARE_TALK_MS,
            tree=room.sipp_tree,
            folder=room.folder / "callers",
        )
        cpu = cpu_between(before, used(pids))
        cpu[SIPP] += ran.cpu_ms
        step = Step(rate, calls, ran.successful, ran.retransmissions, ran.started_per_mille)
        return Loaded(step, ran.answer_us, cpu)

    return load
