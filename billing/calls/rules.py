"""What a running call comes to, and how a settled one came to its charge: pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from billing.calls.values import Interval
from billing.charging.closed import ClosedSegment, earlier_of
from billing.charging.rules import bill, used_ms
from billing.money.values import Money
from billing.shares.rules import split
from billing.shares.values import ShareRule, Split
from billing.tariffs.rules import Earlier, Rated, rate
from billing.tariffs.values import Tariff


@dataclass(frozen=True, slots=True)
class RunningCharge:
    """What a talk would cost if it ended now, and how long it may still go on as granted."""

    used_seconds: int
    charge: Money
    granted_seconds_left: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """From milliseconds talked to everybody's part; each value comes from the one before."""

    tariff: Tariff
    share_rule: ShareRule
    talked_ms: int
    used_seconds: int
    granted_seconds: int
    billed_seconds: int
    overrun_ms: int
    earlier: Earlier | None
    rated: Rated
    split: Split


def arithmetic(
    tariff: Tariff,
    share_rule: ShareRule,
    intervals: Sequence[tuple[int, int]],
    granted_seconds: int,
    earlier: Earlier | None = None,
) -> Arithmetic:
    """Do what the end of a segment does, step by step, by the very same rules.

    61.5 s talked of 300 s granted at 1.20: 61 s used and billed, 1.22 charged and shared.
    """
    billed = bill(intervals, granted_seconds)
    rated = rate(tariff, billed.billed_seconds, earlier=earlier)
    return Arithmetic(
        tariff=tariff,
        share_rule=share_rule,
        talked_ms=used_ms(intervals),
        used_seconds=billed.used_seconds,
        granted_seconds=granted_seconds,
        billed_seconds=billed.billed_seconds,
        overrun_ms=billed.overrun_ms,
        earlier=earlier,
        rated=rated,
        split=split(rated.charge, tariff.tax_basis_points, share_rule),
    )


def of_closed(
    closed: Sequence[ClosedSegment], intervals: Sequence[tuple[int, int]]
) -> tuple[Arithmetic, ...]:
    """Do what each closing of a segment did; `intervals` are all of the call's, in their order."""
    done = []
    first = 0
    for number, one in enumerate(closed):
        own = intervals[first : one.last_interval]
        before = earlier_of(closed[:number])
        done.append(arithmetic(one.tariff, one.share_rule, own, one.granted_seconds, before))
        first = one.last_interval
    return tuple(done)


def running(
    tariff: Tariff,
    intervals: Sequence[tuple[int, int]],
    granted_seconds: int,
    earlier: Earlier | None = None,
) -> RunningCharge:
    """Bill a segment as if its last interval ended now; the charge is the whole call's."""
    billed = bill(intervals, granted_seconds)
    charge = rate(tariff, billed.billed_seconds, earlier=earlier).charge
    return RunningCharge(
        used_seconds=billed.used_seconds,
        charge=charge + earlier.charged if earlier else charge,
        granted_seconds_left=max(0, granted_seconds - billed.used_seconds),
    )


def sounding_until_ms(lost_ms: int, silent_seconds: int) -> int:
    """Give the last moment at which a leg that was hung up for its silence surely sent sound.

    Asterisk counts in whole seconds of the clock: hung up at 40.7 s after 30 s, its last packet
    came at 10.0 s or up to a second later.
    """
    return (lost_ms // 1_000 - silent_seconds) * 1_000


def until_silence(intervals: Sequence[Interval], until_ms: int) -> tuple[Interval, ...]:
    """Cut off what comes after `until_ms`: 0 to 50 s until 20 s is 0 to 20 s; 30 to 50 s is none.

    An interval of which nothing is left stays, with no length: intervals are known by position.
    """
    return tuple(
        Interval(one.start_ms, max(one.start_ms, min(one.end_ms or until_ms, until_ms)))
        for one in intervals
    )
