"""`make faults`: the long campaign. `python -m tests.faults --minutes 15 --seed 7`."""

import asyncio
import os
import platform
import random
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import typer

from tests.faults.campaign import campaign
from tests.faults.report import table, to_json

ROOT: Final = Path(__file__).resolve().parents[2]
MINUTES: Final = 15
RESULTS: Final = ROOT / "bench" / "results"


def run(
    minutes: Annotated[float, typer.Option(help="How long to go on.")] = MINUTES,
    seed: Annotated[int | None, typer.Option(help="The same seed: the same plan.")] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the system's data and logs in this folder.")
    ] = None,
    results: Annotated[Path, typer.Option(help="Where faults.md and faults.json go.")] = RESULTS,
) -> None:
    """Kill parts of a running system while calls go on, and judge everybody's money."""
    chosen = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    tree = Path(os.environ.get("PRIMELINE_ASTERISK_TREE", ROOT / ".asterisk"))
    sys.stderr.write(f"Seed {chosen}: to run this again, SEED={chosen} make faults\n")
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        directory = keep or Path(folder)
        report = asyncio.run(campaign(directory, tree, seed=chosen, seconds=round(minutes * 60)))
    report.versions = {
        "python": platform.python_version(),
        **{name: version(name) for name in ("sqlalchemy", "psycopg", "aiohttp")},
    }
    results.mkdir(parents=True, exist_ok=True)
    heading = "# Faults\n\nWritten by `make faults` (docs/how-to/run-the-tests.md says how).\n\n"
    (results / "faults.md").write_text(heading + table(report))
    (results / "faults.json").write_text(to_json(report))
    sys.stdout.write(f"\n{table(report)}")
    raise typer.Exit(0 if report.right else 1)


if __name__ == "__main__":
    typer.run(run)
