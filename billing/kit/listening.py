"""What PostgreSQL tells by NOTIFY: hints, never facts. Whoever listens reads the rows."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import structlog
from psycopg import sql
from sqlalchemy.engine import make_url

CONNECT_AGAIN_SECONDS: Final = 1
CONNECT_TIMEOUT_SECONDS: Final = 5
KEEPALIVE: Final[dict[str, Any]] = {
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""A server that went without a word is noticed within 20 s."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """A notification."""

    channel: str
    payload: str


@dataclass(frozen=True, slots=True)
class Connected:
    """From now on nothing is missed; before, anything may have been."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is gone; it is made anew for as long as it takes."""


Heard = Told | Connected | Lost


async def listen(
    database_url: str, *channels: str
) -> AsyncGenerator[Told | Connected | Lost, None]:
    """Tell what is notified on the channels, for ever, over a connection of its own."""
    url = make_url(database_url).set(drivername="postgresql")
    conninfo = url.render_as_string(hide_password=False)
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(
                conninfo,
                autocommit=True,
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                application_name="primeline listening",
                **KEEPALIVE,
            )
            async with connection:
                for channel in channels:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                yield Connected()
                async for notify in connection.notifies():
                    yield Told(notify.channel, notify.payload)
        except (psycopg.Error, OSError) as error:
            log.warning("not listening", error=type(error).__name__)
        yield Lost()
        await asyncio.sleep(CONNECT_AGAIN_SECONDS)
