"""The health page: alive, and ready for calls that cost something."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response, status
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from billing.kit.database import make_engine, make_sessions
from billing.kit.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """Make the application. `/health`: this process answers; `/ready`: the database does too."""
    engine = make_engine(settings)
    sessions = make_sessions(engine)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    app = FastAPI(title="Primeline", lifespan=lifespan)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready")
    async def ready(response: Response) -> dict[str, str]:
        try:
            async with sessions() as s:
                await s.execute(text("SELECT 1 FROM calls LIMIT 1"))
        except (SQLAlchemyError, OSError):
            response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
            return {"status": "database-away"}
        return {"status": "ok"}

    return app
