"""The one database: engine, sessions and the base of all rows."""

from datetime import datetime
from select import POLLIN, poll
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, MetaData, Uuid, event, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase

from billing.kit.settings import Settings

Sessions = async_sessionmaker[AsyncSession]

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

CONNECT_TIMEOUT_SECONDS = 2
"""PostgreSQL's client library takes no less than 2."""


class Base(DeclarativeBase):
    """The base of every row. Times are aware; `int` is 64 bits wide, since money is in it."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        int: BigInteger(),
        UUID: Uuid(),
        dict[str, Any]: JSONB(),
    }


def make_engine(
    settings: Settings,
    *,
    statement_timeout_ms: int | None = None,
    application_name: str = "primeline",
) -> AsyncEngine:
    """An engine on which nothing waits for ever.

    `statement_timeout_ms` defaults to the limit `database_ms`; 0 means no limit (migrations). A
    connection that died with a restarted PostgreSQL is noticed and replaced before it is used, by
    a look at its socket: asking the server each time would cost a fifth of a short transaction.
    Errors don't show what a statement was given: that may be a caller's number.
    """
    timeout_ms = (
        settings.limits.database_ms if statement_timeout_ms is None else statement_timeout_ms
    )
    options = (
        f"-c statement_timeout={timeout_ms} -c lock_timeout={timeout_ms}"
        " -c idle_in_transaction_session_timeout=60000 -c timezone=UTC"
    )
    engine = create_async_engine(
        settings.database_url,
        hide_parameters=True,
        pool_size=10,
        max_overflow=10,
        pool_timeout=max(timeout_ms, 1) / 1_000 if timeout_ms else 30,
        connect_args={
            "options": options,
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "application_name": application_name,
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_dead)
    return engine


def _refuse_dead(connection: Any, _record: Any, _proxy: Any) -> None:
    # A server that nobody asked says only goodbye; then all its connections are replaced.
    driver = connection.driver_connection
    said = poll()
    if not driver.closed:
        said.register(driver.fileno(), POLLIN)
    if driver.closed or said.poll(0):
        raise InvalidatePoolError("the server has closed the connection")


def make_sessions(engine: AsyncEngine) -> Sessions:
    """Sessions for the edges: `async with sessions.begin() as s:` is one transaction."""
    return async_sessionmaker(engine, expire_on_commit=False)


async def allow(s: AsyncSession, within_ms: int) -> None:
    """Let each statement of this transaction take, and wait for locks, `within_ms`; 0: for ever."""
    longest = str(within_ms)
    await s.execute(
        select(
            func.set_config("statement_timeout", longest, True),
            func.set_config("lock_timeout", longest, True),
        )
    )
