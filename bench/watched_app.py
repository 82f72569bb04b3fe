"""The call application, and beside its work how late its event loop wakes a sleeper. For W8."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Final

import ari_app.__main__ as application
from billing.kit.settings import Settings

FILE: Final = "event-loop-lag"
"""In the data directory: wall clock (µs) and lateness (µs), a line for each time it woke."""

EVERY_SECONDS: Final = 0.02
_WRITTEN_AT_ONCE: Final = 50

serve = application.serve


async def watched(settings: Settings) -> None:
    """Serve as ever, watched."""
    watching = asyncio.create_task(_watch(settings.data_dir / FILE))
    try:
        await serve(settings)
    finally:
        watching.cancel()


async def _watch(path: Path) -> None:
    lines: list[str] = []
    while True:
        began = time.monotonic_ns()
        await asyncio.sleep(EVERY_SECONDS)
        late_us = (time.monotonic_ns() - began) // 1_000 - round(EVERY_SECONDS * 1_000_000)
        lines.append(f"{time.time_ns() // 1_000} {max(0, late_us)}\n")
        if len(lines) == _WRITTEN_AT_ONCE:
            with path.open("a") as file:
                file.writelines(lines)
            lines.clear()


if __name__ == "__main__":
    application.serve = watched
    sys.exit(application.main())
