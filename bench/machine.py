"""The machine: what of it a bench may use, and what it and the programs on it are."""

import os
import platform
import shutil
import socket
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

from billing.kit.errors import PrimelineError

RTP_FIRST: Final = 26_000
RTP_LAST: Final = 32_767
"""Above all slots of `primeline.ports` and below the kernel's ephemeral range: 3 384 legs."""

OPEN_FILES: Final = 12_000
"""What Asterisk needs for that many."""

_GUARD: Final = "\0primeline-bench"


class BenchRuns(PrimelineError):
    """Two benches on one machine would measure each other."""

    code = "bench-runs"

    def __init__(self) -> None:
        super().__init__("A bench runs on this machine already.")


def alone() -> socket.socket:
    """Be the only bench of this machine until the socket is closed; raises BenchRuns."""
    guard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        guard.bind(_GUARD)
    except OSError:
        guard.close()
        raise BenchRuns from None
    return guard


def described(asterisk: str, sipp: str, postgres: str) -> dict[str, str | int]:
    """Give what must be known of a machine to read its figures."""
    return {
        "processor": _processor(),
        "cores": cores(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_048_576,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "asterisk": asterisk,
        "postgresql": postgres,
        "sipp": sipp,
        "commit": _commit(),
        **{name: version(name) for name in ("aiohttp", "psycopg", "sqlalchemy")},
    }


def cores() -> int:
    """Give the processor cores that this process may use."""
    return len(os.sched_getaffinity(0))


def _commit() -> str:
    """What of Primeline was measured; `-dirty`: with changes that no commit has."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    command = [git, "describe", "--always", "--dirty"]
    said = subprocess.run(  # noqa: S603  # nothing in it is from outside
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent
    )
    return said.stdout.strip() or "unknown"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
