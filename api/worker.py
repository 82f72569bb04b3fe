"""The worker: takes jobs from PostgreSQL. `python -m api.worker` runs one."""

import asyncio
import logging
from functools import partial

import structlog
from procrastinate import App

from api import worker_metrics as metrics
from api.jobs import make_app
from api.redoing import redo_for_ever
from billing.kit.database import make_engine, make_sessions
from billing.kit.jobs import USUAL_QUEUE, VOICE_QUEUE
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
            await _work(app)
    finally:
        reading.cancel()
        await engine.dispose()


async def _work(app: App) -> None:
    """Take jobs of both queues, each by a worker of its own, until one of them ends."""
    workers = [
        asyncio.create_task(
            app.run_worker_async(
                queues=[queue],
                name=queue,
                concurrency=at_once,
                # One alone can hear a signal; the other is then told.
                install_signal_handlers=queue == USUAL_QUEUE,
                delete_jobs="successful",
                worker_middleware=[metrics.counted],
            )
        )
        for queue, at_once in ((USUAL_QUEUE, 2), (VOICE_QUEUE, 1))
    ]
    redoing = asyncio.create_task(redo_for_ever(app), name="redo")
    try:
        ended, _ = await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for worker in (*workers, redoing):
            worker.cancel()
        await asyncio.gather(*workers, redoing, return_exceptions=True)
    for worker in ended:
        worker.result()


if __name__ == "__main__":
    given = read_settings()
    configure(given.log_level, json=True)
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    asyncio.run(serve(given))
