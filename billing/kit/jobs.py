"""Background jobs, put off by name in the transaction that causes them.

The bodies live in `api.worker`: nothing here imports them.
"""

from typing import Any

import procrastinate
from sqlalchemy.ext.asyncio import AsyncSession

_app = procrastinate.App(connector=procrastinate.PsycopgConnector())


async def defer(s: AsyncSession, name: str, **arguments: Any) -> None:
    """Adds a job on the session's own connection: a rollback drops it, a commit keeps it.

    `arguments` must be JSON. Costs one statement.
    """
    fairy = await (await s.connection()).get_raw_connection()
    task = _app.configure_task(name, connection=fairy.driver_connection)
    await task.defer_async(**arguments)
