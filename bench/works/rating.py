"""W7: random cases of rating beside the tests' slow formula, which walks through increments."""

import random
import time
from typing import Final

from bench.values import Check, Result, Room, Table
from billing.tariffs.rules import charge
from tests.property.test_rating_against_the_slow_formula import random_tariff, slow_charge

CASES: Final = 100_000
QUICK_CASES: Final = 10_000
SEED: Final = 22

METHOD: Final = (
    "Random tariffs (prices, increments, fees, free seconds, least and most) and random seconds:"
    " the rule that quotes, holds and bills, beside exact fractions added block by block."
)


async def run(room: Room) -> list[Result]:
    """Rate the cases both ways."""
    cases = QUICK_CASES if room.quick else CASES
    source = random.Random(SEED)  # noqa: S311  # cases, not secrets
    tried = [(random_tariff(source), source.randint(0, 3_600)) for _ in range(cases)]
    tried = [(tariff, min(used, tariff.maximum_seconds)) for tariff, used in tried]
    began = time.monotonic_ns()
    fast = [charge(tariff, used).amount for tariff, used in tried]
    between = time.monotonic_ns()
    slow = [slow_charge(tariff, used) for tariff, used in tried]
    ended = time.monotonic_ns()
    return [compared(fast, slow, (between - began) // cases, (ended - between) // cases)]


def compared(fast: list[int], slow: list[int], fast_ns: int, slow_ns: int) -> Result:
    """Give the result of both ways' charges (ledger units) and the time that each case took."""
    differ = sum(one != other for one, other in zip(fast, slow, strict=True))
    charged = sum(one > 0 for one in fast)
    return Result(
        "W7",
        "Rating beside a slow formula",
        METHOD,
        (
            Check(
                f"{len(fast)} random cases",
                "none differs",
                f"{differ} differ",
                differ == 0 and charged > len(fast) // 2,
                must=True,
            ),
        ),
        (
            Table(
                "A case",
                ("", "ns"),
                (("the rule", str(fast_ns)), ("the slow formula", str(slow_ns))),
            ),
        ),
        {
            "cases": len(fast),
            "charged": charged,
            "differ": differ,
            "rule_ns": fast_ns,
            "slow_ns": slow_ns,
        },
    )
