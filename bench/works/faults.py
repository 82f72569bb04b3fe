"""W4: the campaign of faults in its short form; `make faults` is the long one."""

import random
import time
from typing import Final

from bench.values import Check, Result, Room
from tests.faults.campaign import campaign
from tests.faults.report import table

SECONDS: Final = 100
QUICK_SECONDS: Final = 0
"""Until each point was hit once."""


METHOD: Final = (
    "Parts of a running system are killed at eight points of a call while real phones talk; then"
    " every call is judged by four witnesses. The long campaign is `make faults`."
)


async def run(room: Room) -> list[Result]:
    """Run it for a while."""
    seed = random.SystemRandom().randrange(1_000_000)
    began = time.monotonic()
    seconds = QUICK_SECONDS if room.quick else SECONDS
    report = await campaign(room.folder / "faults", room.tree, seed=seed, seconds=seconds)
    return [
        Result(
            "W4",
            "Parts killed in the midst of calls",
            f"{METHOD}\n\n{table(report)}",
            (
                Check(
                    f"the campaign with seed {seed}",
                    "all right",
                    f"{'all' if report.right else 'not all'} right",
                    report.right,
                    must=True,
                ),
            ),
            figures={"seed": seed, "seconds": round(time.monotonic() - began)},
        )
    ]
