"""`python -m agi`: the self-service lines, set by the environment."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import structlog

from agi import metrics
from agi.bridge import Bridge
from agi.server import Server
from billing.kit.database import make_engine, make_sessions
from billing.kit.logs import configure
from billing.kit.settings import Settings, read_settings
from dialplan.prompts.store import PromptStore

log = structlog.get_logger(__name__)


async def serve(settings: Settings) -> None:
    """Serve until told to stop; callers who are on a line then hear the dialplan's apology."""
    engine = make_engine(settings)
    loop = asyncio.get_running_loop()
    bridge = Bridge(loop, make_sessions(engine), settings.limits.database_ms)
    server = Server(
        bridge,
        PromptStore(settings.prompts_dir),
        settings.limits,
        settings.secret_key.get_secret_value(),
    )
    work = asyncio.ensure_future(server.serve())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    metrics.METRICS.watch_database(engine)
    metrics.OPEN.follow(lambda: {(): server.sessions})
    try:
        port = server.bind(settings.agi_port)
        _ready_file(settings).write_text(str(os.getpid()))
        log.info("lines are up", port=port)
        async with metrics.METRICS.served(settings):
            with suppress(asyncio.CancelledError):
                await work
    finally:
        log.info("stopping", sessions=server.sessions)
        _ready_file(settings).unlink(missing_ok=True)
        await server.close()
        await engine.dispose()


def _ready_file(settings: Settings) -> Path:
    """Holds the id of the process that serves the lines, while it does."""
    return settings.data_dir / "agi.ready"


if __name__ == "__main__":
    given = read_settings()
    configure(given.log_level, json=True)
    asyncio.run(serve(given))
