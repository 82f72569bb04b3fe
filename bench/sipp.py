"""SIPp at both ends of calls: one that answers for as long as it is wanted, one that calls."""

import asyncio
import csv
import os
import resource
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.ground import Pair
from bench.keys import write_key, write_voice
from billing.kit.errors import PrimelineError
from primeline.processes import Child
from primeline.sipp_fetch import find_sipp

SCENARIOS: Final = Path(__file__).parent / "scenarios"
OVERTIME_SECONDS: Final = 90
"""A run of SIPp that takes so much longer than its calls should is ended."""

_MEDIA_PORTS: Final = {"caller": (46_000, 56_000), "expert": (34_000, 44_000)}
PRESSES: Final = {"willing-caller": 35, "willing-caller-quick": 8}
PRESS_MS: Final = 2_000
"""Between the presses of a caller who says yes to whatever he is asked; how often, by scenario."""

_OUTCOMES: Final = (0, 1)
"""Exit statuses of SIPp: all calls were successful, or at least one failed."""


class SippMissing(PrimelineError):
    """There is no SIPp."""

    code = "sipp-missing"

    def __init__(self) -> None:
        super().__init__("SIPp is missing: run `make sipp`, or set PRIMELINE_SIPP_TREE.")


class SippFailed(PrimelineError):
    """SIPp itself didn't work."""

    code = "sipp-failed"

    def __init__(self, scenario: str, said: str) -> None:
        super().__init__(f"SIPp with {scenario}.xml did not work: {said}")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a calling SIPp counted. `byes`: caller's number and wall clock (µs) of each hang-up."""

    calls: int
    successful: int
    retransmissions: int
    started_per_mille: int
    answer_us: tuple[int, ...]
    byes: tuple[tuple[str, int], ...]
    cpu_ms: int


def program(tree: Path) -> tuple[str, ...]:
    """Give SIPp's command line; raises SippMissing."""
    found = find_sipp(tree)
    if found is None:
        raise SippMissing
    return found


def version(tree: Path) -> str:
    """Give SIPp's version."""
    said = subprocess.run(  # noqa: S603  # what was found or fetched
        [*program(tree), "-v"], capture_output=True, text=True, check=False
    )
    return next((word for word in said.stdout.split() if word.startswith("v")), "unknown")


@asynccontextmanager
async def answering(
    scenario: str, *, host: str, port: int, pause_ms: int, tree: Path, folder: Path
) -> AsyncIterator[int]:
    """Answer calls by a scenario until the end of the block; gives SIPp's process id."""
    _prepare(folder)
    command = [
        *program(tree),
        *("-sf", str(folder / f"{scenario}.xml"), "-i", host, "-p", str(port), "-mi", host),
        *("-d", str(pause_ms), "-nostdin", *_media("expert")),
        *("-trace_err", "-error_file", str(folder / f"{scenario}.errors")),
    ]
    child = Child.start(
        scenario,
        command,
        log_file=folder / f"{scenario}.screen",
        pid_file=folder / f"{scenario}.pid",
        env=_environment(),
        cwd=folder,
    )
    try:
        await asyncio.sleep(0.5)
        if not child.running:
            raise SippFailed(scenario, (folder / f"{scenario}.screen").read_text()[-300:])
        yield child.pid
    finally:
        await child.stop()


async def calling(
    scenario: str,
    pairs: Iterable[Pair],
    *,
    server: tuple[str, int],
    host: str,
    rate: int,
    calls: int,
    pause_ms: int,
    tree: Path,
    folder: Path,
    more_seconds: int = 0,
) -> Ran:
    """Make so many calls at a rate, one pair after the other, and wait until all are over.

    `more_seconds`: what a call takes beyond its pause.
    """
    shutil.rmtree(folder, ignore_errors=True)
    _prepare(folder)
    (folder / "pairs.csv").write_text(
        "SEQUENTIAL\n" + "".join(f"{pair.caller};{pair.dials}\n" for pair in pairs)
    )
    seconds = calls // rate + pause_ms // 1_000 + more_seconds + OVERTIME_SECONDS
    command = [
        *program(tree),
        *("-sf", str(folder / f"{scenario}.xml"), "-i", host, "-mi", host, *_media("caller")),
        *("-inf", str(folder / "pairs.csv"), "-r", str(rate), "-m", str(calls), "-l", str(calls)),
        *("-d", str(pause_ms), "-nostdin", "-timeout", f"{seconds}s"),
        *("-trace_stat", "-stf", str(folder / "stat.csv"), "-fd", "1"),
        *("-trace_rtt", "-rtt_freq", "1", "-trace_logs", "-log_file", str(folder / "byes.log")),
        *("-trace_err", "-error_file", str(folder / "errors.log")),
        f"{server[0]}:{server[1]}",
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with (folder / "screen.log").open("wb") as screen:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=screen,
            stderr=asyncio.subprocess.STDOUT,
            cwd=folder,
            env=_environment(),
        )
        try:
            status = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status not in _OUTCOMES:
        raise SippFailed(scenario, (folder / "screen.log").read_text(errors="replace")[-300:])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return _read(folder, rate=rate, calls=calls, cpu_ms=round(cpu * 1_000))


def _read(folder: Path, *, rate: int, calls: int, cpu_ms: int) -> Ran:
    rows = _statistics(folder / "stat.csv")
    last = rows[-1]
    return Ran(
        calls=calls,
        successful=int(last["SuccessfulCall(C)"]),
        retransmissions=int(last["Retransmissions(C)"]),
        started_per_mille=_started(rows, rate, calls),
        answer_us=tuple(_answers(folder)),
        byes=tuple(_byes(folder / "byes.log")),
        cpu_ms=cpu_ms,
    )


def _statistics(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def _started(rows: list[dict[str, str]], rate: int, calls: int) -> int:
    """In per mille of the wanted rate: statistics come each second, the doubt is SIPp's."""
    began = _epoch_us(rows[0]["StartTime"])
    before_last = [row for row in rows if int(row["OutgoingCall(C)"]) < calls]
    taken_us = _epoch_us(before_last[-1]["CurrentTime"]) - began if before_last else 0
    wanted_us = calls * 1_000_000 // rate
    return 1_000 * wanted_us // max(wanted_us, taken_us)


def _epoch_us(stamp: str) -> int:
    """Read SIPp's `date  time  seconds.fraction`."""
    seconds, _, fraction = stamp.rsplit(maxsplit=1)[-1].partition(".")
    return int(seconds) * 1_000_000 + int(fraction)


def _answers(folder: Path) -> list[int]:
    path = next(folder.glob("*_rtt.csv"), None)
    if path is None:
        return []
    with path.open(newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    return [round(1_000 * float(row[1])) for row in rows if row[0].replace(".", "").isdecimal()]


def _byes(path: Path) -> list[tuple[str, int]]:
    if not path.exists():
        return []
    found = []
    for line in path.read_text().splitlines():
        number, _, stamp = line.partition(" ")
        found.append((number, _epoch_us(stamp)))
    return found


def _prepare(folder: Path) -> None:
    """SIPp looks for captures beside the scenario."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in SCENARIOS.glob("*.xml"):
        shutil.copyfile(path, folder / path.name)
    write_key(folder / "key-1.pcap", "1", then_speak=True)
    write_voice(folder / "voice.pcap")
    for number in range(1, max(PRESSES.values()) + 1):
        write_key(folder / f"yes-{number}.pcap", "1", number)
    for name, presses in PRESSES.items():
        (folder / f"{name}.xml").write_text(willing_caller(presses))


def willing_caller(times: int) -> str:
    """Give the scenario of a caller who presses 1 so many times in his talk."""
    presses = "".join(
        f'  <nop><action><exec play_pcap_audio="yes-{number}.pcap"/></action></nop>\n'
        f'  <pause milliseconds="{PRESS_MS}"/>\n'
        for number in range(1, times + 1)
    )
    scenario = (SCENARIOS / "caller.xml").read_text()
    before, pause, after = scenario.partition("  <pause/>\n")
    assert pause  # the talk
    return f"{before}{pause}{presses}{after}"


def _media(side: str) -> tuple[str, ...]:
    first, last = _MEDIA_PORTS[side]
    return ("-min_rtp_port", str(first), "-max_rtp_port", str(last))


def _environment() -> dict[str, str]:
    return {"TERM": "xterm", "PATH": os.environ.get("PATH", os.defpath)}
