"""A short campaign: each of the eight points is hit by a kill, and everybody's money is right."""

import os
import random
from pathlib import Path

import pytest

from tests.calls.conftest import TREE
from tests.faults.campaign import campaign
from tests.faults.report import table


# A connection whose server dies as it is made is left to the collector of garbage.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(600)
async def test_no_kill_at_any_point_of_a_call_makes_anybodys_money_wrong(tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))
    report = await campaign(tmp_path, TREE, seed=seed, seconds=0)
    assert report.right, f"SEED={seed}\n{table(report)}"
