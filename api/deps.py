"""What routes ask for: one transaction for each request, and the time it came."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Final, cast

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.clock import now
from billing.kit.database import Sessions

REQUEST_SECONDS: Final = 30
"""How long one request's work may take."""


def sessions_of(request: Request) -> Sessions:
    """Give the application's sessions: for streams and whatever outlives a transaction."""
    return cast("Sessions", request.app.state.sessions)


async def _transaction(request: Request) -> AsyncIterator[AsyncSession]:
    async with asyncio.timeout(REQUEST_SECONDS), sessions_of(request).begin() as s:
        yield s


Transaction = Annotated[AsyncSession, Depends(_transaction, scope="function")]
"""The request's one transaction: committed before the answer is sent, rolled back on any error."""


def _now() -> datetime:
    return now()


Now = Annotated[datetime, Depends(_now)]
"""When the request came: the one time that all its rows bear."""
