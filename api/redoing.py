"""Jobs that a worker left in the middle when it died: begun anew by one that lives."""

import asyncio
from typing import Final

import structlog
from procrastinate import App
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Status

DEAD_SECONDS: Final = 30
"""A worker that gave no sign of life for so long is dead; it gives one every ten seconds."""

LOOK_SECONDS: Final = 10

log = structlog.get_logger(__name__)


async def redo(app: App, *, dead_seconds: float = DEAD_SECONDS) -> None:
    """Put off anew what dead workers were doing; a job must bear being done twice in part."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=dead_seconds):
        log.warning("job of a dead worker begun anew", job=job.task_name)
        try:
            await app.job_manager.retry_job(job)
        except UniqueViolation:
            # A job that may wait only once, and the next of its kind waits already.
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)


async def redo_for_ever(app: App) -> None:
    """Look for such jobs until cancelled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await redo(app)
        except ConnectorException as error:
            log.warning("jobs of dead workers not looked for", error=type(error).__name__)
