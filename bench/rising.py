"""A rate that rises step by step until it is no longer borne."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.rules import Step, next_rate

Load = Callable[[int, int], Awaitable["Loaded"]]
"""Makes so many calls at a rate (rate, calls)."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A step, how long answers took (µs) and the CPU time it took, by process."""

    step: Step
    answer_us: tuple[int, ...]
    cpu_ms: dict[str, int]

    def cpu_us_per_call(self, *names: str) -> int:
        """Give the CPU microseconds that a call took of the processes named, or of all."""
        wanted = names or tuple(self.cpu_ms)
        return 1_000 * sum(self.cpu_ms[name] for name in wanted) // max(1, self.step.calls)


async def rise(load: Load, *, first: int, seconds: int) -> list[Loaded]:
    """Load with a rising rate, each for so many seconds; gives all steps in order."""
    loaded: list[Loaded] = []
    while True:
        rate = next_rate([one.step for one in loaded], first)
        if rate is None:
            return loaded
        loaded.append(await load(rate, rate * seconds))
