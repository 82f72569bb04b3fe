"""A deadline that holds even where what it ends takes its time to end.

Cancelling a query makes psycopg wait for the server to confirm, for ten seconds if that hangs.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_given_up: set[asyncio.Task[Any]] = set()


async def within(ms: int, work: Coroutine[Any, Any, T]) -> T:
    """Await `work` for at most `ms`; past that it is cancelled and ends by itself.

    Raises:
        TimeoutError: it was not done in time; it may yet have done what it was about to.

    """
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=ms / 1000)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        task.cancel()
        _given_up.add(task)
        task.add_done_callback(_forget)
        raise TimeoutError
    return task.result()


def _forget(task: asyncio.Task[Any]) -> None:
    _given_up.discard(task)
    if not task.cancelled():
        # Asked for, so that nobody complains that it wasn't.
        task.exception()
