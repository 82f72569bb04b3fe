"""`python -m bench`: run the works, one after the other, and write what came of them."""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench import sipp
from bench.machine import alone, described
from bench.report import write
from bench.values import Check, Result, Room
from bench.works import cuts, faults, metering, paid_calls, parallel, rating, vouchers
from primeline import postgres
from primeline.asterisk_tree import find_program

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = Path(__file__).parent / "results"

Run = Callable[[Room], Awaitable[list[Result]]]
WORKS: Final[tuple[tuple[tuple[str, ...], Run, int], ...]] = (
    (("W1", "W2"), paid_calls.run, 430),
    (("W3",), parallel.run, 60),
    (("W4",), faults.run, 120),
    (("W5",), cuts.run, 120),
    (("W6",), vouchers.run, 150),
    (("W7",), rating.run, 15),
    (("W8", "W9"), metering.run, 330),
)
"""Works that share a run stand together; the seconds that they take on two idle cores."""

LONG: Final = frozenset({"W4"})
"""Left out of a quick run unless named: `make test` plays the same."""

PATIENCE: Final = 3
"""A work that takes so many times as long is ended, and what it began with it."""


def main() -> int:
    """Exit status 0: all that must be right is; 1: something isn't."""
    given = _arguments()
    known = {name for names, *_ in WORKS for name in names}
    usual = known - LONG if given.quick else known
    wanted = set(filter(None, given.only.upper().split(","))) or usual
    if unknown := wanted - known:
        sys.stderr.write(f"No such work: {', '.join(sorted(unknown))}.\n")
        return 2
    guard = alone()
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=_data_dir()))
    room = Room(
        folder=folder,
        tree=Path(os.environ.get("PRIMELINE_ASTERISK_TREE", ROOT / ".asterisk")),
        sipp_tree=Path(os.environ.get("PRIMELINE_SIPP_TREE", ROOT / ".sipp")),
        quick=given.quick,
    )
    began = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        machine = described(
            find_program(room.tree).version, sipp.version(room.sipp_tree), _postgres_version()
        )
        results = asyncio.run(_run(room, wanted))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        guard.close()
    text = write(given.results, results, machine, began=began, quick=room.quick)
    sys.stdout.write(text)
    return 1 if any(one.wrong for one in results) else 0


async def _run(room: Room, wanted: set[str]) -> list[Result]:
    results = []
    for names, run, seconds in WORKS:
        if not wanted & set(names):
            continue
        usual = "" if room.quick else f", about {seconds} s"
        sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {', '.join(names)}{usual} …\n")
        began = time.monotonic()
        came = await tried(names, run, room, most_seconds=PATIENCE * seconds)
        sys.stderr.write(f"         took {time.monotonic() - began:.0f} s\n")
        results += [one for one in came if one.work in wanted]
    return sorted(results, key=lambda one: one.work)


async def tried(names: tuple[str, ...], run: Run, room: Room, *, most_seconds: int) -> list[Result]:
    """Run it; what fails or never ends must not take the others' results with it."""
    try:
        async with asyncio.timeout(most_seconds):
            return await run(room)
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        found = f"{type(error).__name__}: {error}".replace("\n", " ")[:200]
        check = Check("the work itself", "to come to its end", found, kept=False, must=True)
        return [Result(name, "Did not come to its end", "", (check,)) for name in names]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about four minutes")
    parser.add_argument("--only", default="", help="works, such as W1,W2")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for what came of it")
    return parser.parse_args()


def _data_dir() -> Path:
    """A folder on a real disk: what a commit costs is part of what is measured."""
    folder = ROOT / ".primeline"
    folder.mkdir(exist_ok=True)
    return folder


def _postgres_version() -> str:
    said = subprocess.run(  # noqa: S603  # the wheel's own
        [postgres.program("postgres"), "--version"], capture_output=True, text=True, check=False
    )
    return said.stdout.split()[-1] if said.stdout else "unknown"


if __name__ == "__main__":
    sys.exit(main())
