"""What a running call comes to, and how a settled one came to its charge: pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from billing.charging.rules import bill, used_ms
from billing.money.values import Money
from billing.shares.rules import split
from billing.shares.values import ShareRule, Split
from billing.tariffs.rules import Rated, rate
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
    rated: Rated
    split: Split


def arithmetic(
    tariff: Tariff,
    share_rule: ShareRule,
    intervals: Sequence[tuple[int, int]],
    granted_seconds: int,
) -> Arithmetic:
    """Do what a settlement does, step by step, by the very same rules.

    61.5 s talked of 300 s granted at 1.20: 61 s used and billed, 1.22 charged and shared.
    """
    billed = bill(intervals, granted_seconds)
    rated = rate(tariff, billed.billed_seconds)
    return Arithmetic(
        tariff=tariff,
        share_rule=share_rule,
        talked_ms=used_ms(intervals),
        used_seconds=billed.used_seconds,
        granted_seconds=granted_seconds,
        billed_seconds=billed.billed_seconds,
        overrun_ms=billed.overrun_ms,
        rated=rated,
        split=split(rated.charge, tariff.tax_basis_points, share_rule),
    )


def running(
    tariff: Tariff, intervals: Sequence[tuple[int, int]], granted_seconds: int
) -> RunningCharge:
    """Bill a talk as if the last of its `intervals` ended now."""
    billed = bill(intervals, granted_seconds)
    return RunningCharge(
        used_seconds=billed.used_seconds,
        charge=rate(tariff, billed.billed_seconds).charge,
        granted_seconds_left=max(0, granted_seconds - billed.used_seconds),
    )
