"""What figures mean: percentiles, good steps of a rising rate, and the next rate to try. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

GOOD_PER_MILLE: Final = 999
"""At least so many of a thousand calls of a step must be good."""

STORM_PER_MILLE: Final = 10
"""More retransmissions than this for a thousand calls are the beginning of a storm."""

STARTED_PER_MILLE: Final = 970
"""SIPp must have begun the calls at this part of the wanted rate at least."""

GROWTH_PERCENT: Final = 125
"""Each step's rate in percent of the one before."""

FIRST_PERCENT: Final = 65
"""The first rate in percent of the one at which all cores would be full."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rate, kept for some seconds. `good`: calls that did all they should."""

    rate: int
    calls: int
    good: int
    retransmissions: int
    started_per_mille: int

    @property
    def kept(self) -> bool:
        """Whether the rate was borne: good calls, no storm, and truly that rate."""
        return (
            self.calls > 0
            and self.good * 1_000 >= GOOD_PER_MILLE * self.calls
            and self.retransmissions * 1_000 <= STORM_PER_MILLE * self.calls
            and self.started_per_mille >= STARTED_PER_MILLE
        )


def percentile(values: Sequence[int], per_mille: int) -> int | None:
    """Give the smallest value that at least so many of a thousand values don't exceed.

    `percentile([1, 2, 3, 4], 500)` is 2, `percentile([1, 2, 3, 4], 990)` is 4; None of no values.
    """
    if not values:
        return None
    rank = -(-len(values) * per_mille // 1_000)
    return sorted(values)[max(rank, 1) - 1]


def first_rate(cpu_us_per_call: int, cores: int) -> int:
    """Give a rate to begin with, well below the top: a few steps then find it on any machine."""
    return max(1, FIRST_PERCENT * 10_000 * cores // max(1, cpu_us_per_call))


def next_rate(steps: Sequence[Step], first: int) -> int | None:
    """Give the next rate to try; None: the top is found.

    The rate grows by a quarter until one isn't borne; then the middle is tried once.
    """
    if not steps:
        return first
    last = steps[-1]
    if last.kept and all(step.kept for step in steps):
        return max(last.rate + 1, last.rate * GROWTH_PERCENT // 100)
    failed = [step.rate for step in steps if not step.kept]
    middle = (top_rate(steps) + min(failed)) // 2
    if len(failed) == 1 and steps[-1].rate == failed[0] and middle > top_rate(steps):
        return middle
    return None


def top_rate(steps: Sequence[Step]) -> int:
    """Give the highest rate that was borne; 0 if none was."""
    return max((step.rate for step in steps if step.kept), default=0)
