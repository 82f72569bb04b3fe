"""Alive, and ready for calls that cost something. No key is needed."""

from typing import Any, Literal

from fastapi import APIRouter, Request, Response, status
from pydantic import Field
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.deps import sessions_of
from api.schemas.base import Answer

router = APIRouter(tags=["health"])


class Health(Answer):
    """How the system is."""

    status: Literal["ok", "database-away"] = Field(
        description="`ok`, or what is missing.", examples=["ok"]
    )


_AWAY: dict[int | str, dict[str, Any]] = {
    503: {"description": "The database doesn't answer: calls are not taken.", "model": Health}
}


@router.get("/health", summary="Is this process alive?")
async def health() -> Health:
    """Answer whenever this process does; nothing else is asked."""
    return Health(status="ok")


@router.get("/readiness", summary="Can calls be taken?", responses=_AWAY)
async def readiness(request: Request, response: Response) -> Health:
    """Answer `ok` if the database does too and its tables are there."""
    try:
        async with sessions_of(request)() as s:
            await s.execute(text("SELECT 1 FROM calls LIMIT 1"))
    except (SQLAlchemyError, OSError):
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
        return Health(status="database-away")
    return Health(status="ok")
