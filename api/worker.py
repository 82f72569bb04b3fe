"""The worker: takes jobs from PostgreSQL. `python -m api.worker` runs one."""

import asyncio
import logging

import structlog

from api.jobs import make_app
from billing.kit.database import make_engine, make_sessions
from billing.kit.logs import configure
from billing.kit.settings import Settings, read_settings

log = structlog.get_logger(__name__)


async def serve(settings: Settings) -> None:
    """Work until told to stop (SIGTERM, SIGINT); a job under way is finished."""
    engine = make_engine(settings)
    app = make_app(settings, make_sessions(engine))
    try:
        async with app.open_async():
            log.info("worker is up")
            await app.run_worker_async(concurrency=2, delete_jobs="successful")
    finally:
        await engine.dispose()


if __name__ == "__main__":
    given = read_settings()
    configure(given.log_level, json=True)
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    asyncio.run(serve(given))
