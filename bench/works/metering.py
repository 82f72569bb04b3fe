"""W8: many metered calls at once: lag of the event loop, processor, memory, the database's work.

W9 (`switching`) is played among them, once they have been read.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from bench import sipp
from bench.ground import CALLERS_HOST, EXPERTS_HOST, EXPERTS_PORT, Ground, Wanted, ground
from bench.loads import ACCEPT_MS, drained
from bench.rules import percentile
from bench.usage import Used, cpu_between, used
from bench.values import Check, Result, Room, Table, shown_ms
from bench.watched_app import FILE
from bench.works import switching
from billing.kit.limits import Limits
from primeline.asterisk_conf import LOOPBACK

CALLS: Final = 500
QUICK_CALLS: Final = 20
RATE: Final = 8
"""Calls begun a second: well below what W1 finds, since the talks are what is measured."""

SECONDS: Final = 30
QUICK_SECONDS: Final = 6
BEFORE_TALK_SECONDS: Final = 8
LATE_SECONDS: Final = 60
LAG_GOAL_US: Final = 20_000
MEMORY_GOAL_KB: Final = 60

SILENT: Final = replace(Limits(), media_seconds=3_600, consent_offers=1_000)
"""These phones fall silent after a while, else each were hung up for it; and W9 asks often."""

METHOD: Final = (
    "SIPp's calls of W1, which stay in their metered talk: each with its cut, its timers, its"
    " grants prolonged in time and its sign of life. Each side sends two packets of sound a second,"
    " for two minutes and a half. Read while all of"
    " them talk, beside the same seconds of the same system before: how late a sleeper of 20 ms in"
    " the application's event loop is woken, processor time, memory, what PostgreSQL commits and"
    " writes."
)


@dataclass(frozen=True, slots=True)
class Window:
    """Some seconds of the system. `lag_us`: how late the event loop was, each time."""

    seconds: int
    calls: int
    lag_us: tuple[int, ...]
    cpu_ms: dict[str, int]
    memory_kb: int
    commits: int
    rows: int


async def run(room: Room) -> list[Result]:
    """Read an idle system, then one with all calls in their talk."""
    calls = QUICK_CALLS if room.quick else CALLS
    seconds = QUICK_SECONDS if room.quick else SECONDS
    callers = switching.QUICK_CALLS if room.quick else switching.CALLS
    answering = partial(sipp.answering, host=EXPERTS_HOST, port=EXPERTS_PORT, pause_ms=ACCEPT_MS)
    watched = {"ari_app": ("-m", "bench.watched_app")}
    async with (
        answering("expert", tree=room.sipp_tree, folder=room.folder / "experts"),
        ground(room, Wanted(calls + callers, limits=SILENT, programs=watched)) as ground_,
    ):
        # Whatever is read and made once: not part of what a call costs.
        await _load(room, ground_, QUICK_CALLS, 1)
        await drained(ground_)
        idle = await _window(ground_, seconds)
        after = switching.QUICK_SECONDS if room.quick else switching.SECONDS
        talk_seconds = calls // RATE + BEFORE_TALK_SECONDS + seconds + after
        load = asyncio.create_task(_load(room, ground_, calls, talk_seconds))
        try:
            await _all_talk(ground_, calls)
            busy = await _window(ground_, seconds)
            switched = await switching.switched(room, ground_)
            ran = await load
        finally:
            load.cancel()
        await drained(ground_)
        findings = await ground_.findings()
        compared = await switching.compared(ground_)
    return [
        judged(idle, busy, calls, ran.successful, findings),
        switching.judged(switched, compared, findings),
    ]


async def _load(room: Room, ground_: Ground, calls: int, talk_seconds: int) -> sipp.Ran:
    return await sipp.calling(
        "caller",
        ground_.pairs,
        server=(LOOPBACK, ground_.system.ports.sip),
        host=CALLERS_HOST,
        rate=RATE,
        calls=calls,
        pause_ms=talk_seconds * 1_000,
        tree=room.sipp_tree,
        folder=room.folder / "callers",
    )


async def _talking(ground_: Ground) -> int:
    query = "SELECT count(*) FROM calls WHERE ended_at IS NULL AND state = 'talking paid'"
    async with ground_.sessions() as s:
        return int(await s.scalar(text(query)) or 0)


async def _all_talk(ground_: Ground, calls: int) -> None:
    """Wait for it; gives up in time, and what is then found tells."""
    end = time.monotonic() + calls / RATE + LATE_SECONDS // 2
    # The database tells nobody of a state: it has to be asked.
    while time.monotonic() < end and await _talking(ground_) < calls:  # noqa: ASYNC110
        await asyncio.sleep(0.5)


async def _window(ground_: Ground, seconds: int) -> Window:
    processes = ground_.system.pids
    before, work = used(processes), await _work(ground_)
    began_us = time.time_ns() // 1_000
    calls = await _talking(ground_)
    await asyncio.sleep(seconds)
    ended_us = time.time_ns() // 1_000
    after, worked = used(processes), await _work(ground_)
    # The last of a second's lines is written with the next second's first.
    await asyncio.sleep(2)
    lag = await asyncio.to_thread(_lag_file, ground_.system.config.directory)
    return Window(
        seconds=seconds,
        calls=min(calls, await _talking(ground_)) if calls else 0,
        lag_us=lags_us(lag, began_us, ended_us),
        cpu_ms=cpu_between(before, after),
        memory_kb=_memory_kb(after),
        commits=worked[0] - work[0],
        rows=worked[1] - work[1],
    )


def _lag_file(directory: Path) -> str:
    return next(directory.rglob(FILE)).read_text()


def _memory_kb(after: dict[str, Used]) -> int:
    return after["ari_app"].rss_kb


async def _work(ground_: Ground) -> tuple[int, int]:
    query = text(
        "SELECT xact_commit, tup_inserted + tup_updated FROM pg_stat_database"
        " WHERE datname = current_database()"
    )
    async with ground_.sessions() as s:
        commits, rows = (await s.execute(query)).one()
        return int(commits), int(rows)


def lags_us(lines: str, from_us: int, to_us: int) -> tuple[int, ...]:
    """Pick how late the loop was (µs) between two moments (wall clock, µs)."""
    pairs = (line.split() for line in lines.splitlines())
    return tuple(int(late) for at, late in pairs if from_us <= int(at) <= to_us)


def judged(idle: Window, busy: Window, calls: int, successful: int, findings: list[str]) -> Result:
    """Give the result of both windows."""
    lag, idle_lag = (percentile(one.lag_us, 990) or 0 for one in (busy, idle))
    memory_kb = (busy.memory_kb - idle.memory_kb) // max(1, calls)
    right = not findings and successful == calls == busy.calls
    return Result(
        "W8",
        f"{calls} metered calls at once",
        METHOD,
        (
            Check(
                f"all {calls} talk at once, to their end; the books after it",
                "nothing wrong",
                "; ".join(findings[:3]) or f"{busy.calls} at once, {successful} good",
                right,
                must=True,
            ),
            Check(
                "lag of the event loop over the idle baseline, p99",
                "≤ 20 ms",
                shown_ms(lag - idle_lag),
                lag - idle_lag <= LAG_GOAL_US,
            ),
            Check(
                "the application's memory a call",
                f"≤ {MEMORY_GOAL_KB} kB",
                f"{memory_kb} kB",
                memory_kb <= MEMORY_GOAL_KB,
            ),
        ),
        (
            Table(
                f"In {busy.seconds} s",
                (
                    "", "calls", "lag p50", "lag p99", "lag most", "application's memory",
                    "commits/s", "rows written/s", *(f"CPU {name}" for name in sorted(busy.cpu_ms)),
                ),
                (_row("idle", idle), _row("metered", busy)),
            ),
        ),
        {
            "calls": calls,
            "good": successful,
            "memory_kb_per_call": memory_kb,
            "idle": _figures(idle),
            "metered": _figures(busy),
        },
    )  # fmt: skip


def _row(name: str, one: Window) -> tuple[str, ...]:
    shares = (f"{100 * ms // (1_000 * one.seconds)} %" for _, ms in sorted(one.cpu_ms.items()))
    return (
        name,
        str(one.calls),
        shown_ms(percentile(one.lag_us, 500)),
        shown_ms(percentile(one.lag_us, 990)),
        shown_ms(max(one.lag_us, default=0)),
        f"{one.memory_kb // 1_024} MB",
        str(one.commits // one.seconds),
        str(one.rows // one.seconds),
        *shares,
    )


def _figures(one: Window) -> dict[str, Any]:
    return {
        "seconds": one.seconds,
        "calls": one.calls,
        "lag_us_p50": percentile(one.lag_us, 500),
        "lag_us_p99": percentile(one.lag_us, 990),
        "lag_us_percentiles": [percentile(one.lag_us, 10 * percent) for percent in range(1, 101)],
        "memory_kb": one.memory_kb,
        "cpu_ms": one.cpu_ms,
        "commits": one.commits,
        "rows_written": one.rows,
    }
