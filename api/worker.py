"""The worker: takes jobs from PostgreSQL. `python -m api.worker` runs one."""

import asyncio
import logging
from functools import partial

import structlog

from api import worker_metrics as metrics
from api.jobs import make_app
from billing.kit.database import make_engine, make_sessions
from billing.kit.logs import configure
from billing.kit.metrics import read_for_ever
from billing.kit.settings import Settings, read_settings

log = structlog.get_logger(__name__)


async def serve(settings: Settings) -> None:
    """Work until told to stop (SIGTERM, SIGINT); a job under way is finished."""
    engine = make_engine(settings)
    sessions = make_sessions(engine)
    app = make_app(settings, sessions)
    metrics.METRICS.watch_database(engine)
    reading = asyncio.create_task(
        read_for_ever(partial(metrics.read, sessions), metrics.forget), name="figures"
    )
    try:
        async with app.open_async(), metrics.METRICS.served(settings):
            log.info("worker is up")
            await app.run_worker_async(
                concurrency=2, delete_jobs="successful", worker_middleware=[metrics.counted]
            )
    finally:
        reading.cancel()
        await engine.dispose()


if __name__ == "__main__":
    given = read_settings()
    configure(given.log_level, json=True)
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    asyncio.run(serve(given))
