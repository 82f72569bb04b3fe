"""What processes use, as the kernel counts it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import psutil


@dataclass(frozen=True, slots=True)
class Used:
    """CPU time so far and memory now of a process and all it started, the ended ones included."""

    cpu_ms: int
    rss_kb: int

    @classmethod
    def by(cls, pid: int) -> Self:
        """Read it now."""
        process = psutil.Process(pid)
        cpu = rss = 0.0
        for one in (process, *process.children(recursive=True)):
            try:
                times = one.cpu_times()
                cpu += times.user + times.system + times.children_user + times.children_system
                rss += one.memory_info().rss
            except psutil.NoSuchProcess:
                # It has ended since: its parent's count has it.
                continue
        return cls(round(cpu * 1_000), round(rss / 1_024))


def used(pids: Mapping[str, int]) -> dict[str, Used]:
    """Read all of them now."""
    return {name: Used.by(pid) for name, pid in pids.items()}


def cpu_between(before: Mapping[str, Used], after: Mapping[str, Used]) -> dict[str, int]:
    """Give the CPU milliseconds between two readings."""
    return {name: one.cpu_ms - before[name].cpu_ms for name, one in after.items()}
