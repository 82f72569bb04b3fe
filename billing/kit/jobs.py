"""Background jobs, put off by name in the transaction that causes them.

The bodies live in `api.worker`: nothing here imports them.
"""

from dataclasses import dataclass
from typing import Any, Final

import procrastinate
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

USUAL_QUEUE: Final = "default"
VOICE_QUEUE: Final = "voices"
"""For jobs that have sentences said: minutes of work, which no receipt and no sweep waits for."""

_VOICED: Final = frozenset({"render-prompts", "check-message"})

_app = procrastinate.App(connector=procrastinate.PsycopgConnector())


async def defer(s: AsyncSession, name: str, **arguments: Any) -> None:
    """Adds a job on the session's own connection: a rollback drops it, a commit keeps it.

    `arguments` must be JSON. Costs one statement.
    """
    fairy = await (await s.connection()).get_raw_connection()
    queue = VOICE_QUEUE if name in _VOICED else USUAL_QUEUE
    task = _app.configure_task(name, connection=fairy.driver_connection, queue=queue)
    await task.defer_async(**arguments)


_WAITING = text(
    "SELECT count(*), coalesce(extract(epoch FROM now() - min(greatest(j.scheduled_at, e.at))), 0)"
    " FROM procrastinate_jobs j LEFT JOIN LATERAL (SELECT max(at) AS at FROM procrastinate_events"
    " WHERE job_id = j.id AND type IN ('deferred', 'deferred_for_retry', 'scheduled')) e ON true"
    " WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())"
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Jobs that are due and not begun, and for how long the oldest of them has been due."""

    count: int
    oldest_seconds: float


async def waiting(s: AsyncSession) -> Waiting:
    """Count the jobs that wait for a worker."""
    count, seconds = (await s.execute(_WAITING)).one()
    return Waiting(int(count), float(seconds))
