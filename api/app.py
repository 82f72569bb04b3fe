"""The HTTP edge as an application: routers, errors, bounds, and its own description."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from api import conditional, errors, metrics, openapi
from api.auth import Guard
from api.edge import Edge
from api.live import Hub
from api.routers import (
    adjustments,
    audit,
    callers,
    calls,
    credit,
    disputes,
    experts,
    health,
    keys,
    layouts,
    limits,
    live,
    monitoring,
    notifications,
    numbers,
    orders,
    phones,
    premium,
    presence,
    prices,
    reconciliations,
    refunds,
    reports,
    rules,
    shares,
    statements,
    tariffs,
    trunks,
    twilio,
    vouchers,
)
from billing.kit.database import make_engine, make_sessions
from billing.kit.errors import PrimelineError
from billing.kit.settings import Settings
from billing.kit.versions import VersionConflict

STATEMENT_TIMEOUT_MS = 10_000
"""A report may take longer than anything in a call."""

ROUTERS = (
    numbers.router,
    premium.router,
    experts.router,
    presence.router,
    shares.router,
    tariffs.router,
    callers.router,
    credit.router,
    vouchers.router,
    limits.router,
    trunks.router,
    phones.router,
    calls.router,
    live.router,
    monitoring.router,
    reconciliations.router,
    orders.router,
    disputes.router,
    refunds.router,
    adjustments.router,
    prices.router,
    rules.router,
    reports.router,
    layouts.router,
    statements.router,
    notifications.router,
    keys.router,
    audit.router,
    health.router,
    twilio.router,
)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Make what requests share, by the application's settings, and let go of it."""
    settings: Settings = app.state.settings
    engine = make_engine(settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
    metrics.METRICS.watch_database(engine)
    hub = Hub(settings.database_url)
    app.state.sessions = make_sessions(engine)
    app.state.guard = Guard()
    app.state.live = hub
    async with metrics.METRICS.served(settings):
        yield
    hub.close()
    await engine.dispose()


def create_app(settings: Settings) -> FastAPI:
    """Make the application; the database is reached only when a request needs it."""
    app = FastAPI(
        title="Primeline",
        version=openapi.VERSION,
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.settings = settings
    app.add_middleware(Edge)
    app.add_exception_handler(PrimelineError, errors.on_primeline_error)
    app.add_exception_handler(VersionConflict, conditional.on_version_conflict)
    app.add_exception_handler(HTTPException, errors.on_http_error)
    app.add_exception_handler(RequestValidationError, errors.on_invalid)
    for away in (DBAPIError, PoolTimeoutError, TimeoutError, OSError):
        app.add_exception_handler(away, errors.on_database_error)
    v1 = APIRouter(prefix="/v1")
    for router in ROUTERS:
        v1.include_router(router)
    app.include_router(v1)
    # The addresses that supervisors asked before there was an API.
    app.add_api_route("/health", health.health, include_in_schema=False)
    app.add_api_route("/ready", health.readiness, include_in_schema=False)
    openapi.describe(app)
    return app
