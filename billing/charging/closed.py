"""Segments that ended in mid-call, as values: what they came to, what they leave to the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

from billing.charging.rules import Bill
from billing.shares.values import ShareRule, Split
from billing.tariffs.rules import Earlier, after, rate
from billing.tariffs.values import Tariff


@dataclass(frozen=True, slots=True)
class ClosedSegment:
    """A segment as it was billed. Its intervals end at `until_ms`, the last is `last_interval`.

    `granted_seconds` count from its own start.
    """

    segment: int
    tariff: Tariff
    share_rule: ShareRule
    consented_at_ms: int | None
    until_ms: int
    last_interval: int
    granted_seconds: int
    bill: Bill
    split: Split


def earlier_of(closed: Sequence[ClosedSegment]) -> Earlier | None:
    """Sum up what closed segments have used up of the whole call; None: there are none."""
    earlier: Earlier | None = None
    for one in closed:
        earlier = after(earlier, rate(one.tariff, one.bill.billed_seconds, earlier=earlier))
    return earlier


def since(
    closed: Sequence[ClosedSegment], intervals: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Pick, of all paid intervals of a call in their order, those of the segment that isn't closed.

    A segment that cost nothing for its silence was closed without a length. What of it stands here
    is as long as it lasted, and perhaps began as it was closed: so position counts where time ties.
    """
    if not closed:
        return list(intervals)
    until_ms, last = closed[-1].until_ms, closed[-1].last_interval
    return [
        interval
        for position, interval in enumerate(intervals, 1)
        if interval[0] > until_ms or (interval[0] == until_ms and position > last)
    ]
