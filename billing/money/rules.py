"""Taking an amount apart without losing or making a unit."""

from collections.abc import Sequence
from typing import Final

from billing.money.values import LEDGER_UNITS_PER_MINOR, MINOR_PER_MAJOR, UnknownCurrency

LARGEST_MINOR: Final = 10**12
"""The largest amount taken in, in cents. Nine thousand times that, in ledger units, is a bigint."""


def units_per_major(currency: str) -> int:
    """Ledger units in one euro, pound, …: 10 000."""
    if currency not in MINOR_PER_MAJOR:
        raise UnknownCurrency(currency)
    return MINOR_PER_MAJOR[currency] * LEDGER_UNITS_PER_MINOR


def allocate(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Take `total` apart in proportion to `weights`, by largest remainder, ties in order.

    The parts sum to `total`, each within one unit of its exact fraction:
    `allocate(100, (1, 1, 1))` is `(34, 33, 33)`. Fractions with a common denominator are given as
    their numerators. ValueError if anything is negative or all weights are 0.
    """
    whole = sum(weights)
    if total < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError(f"{total} can't be allocated to {tuple(weights)}.")
    parts = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    left_over = total - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda index: (-remainders[index], index))
    for index in by_remainder[:left_over]:
        parts[index] += 1
    return tuple(parts)
