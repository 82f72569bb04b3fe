"""Alembic's environment: the models' metadata, the database of the settings."""

import asyncio
from typing import Any

from alembic import context
from sqlalchemy import Connection

import billing.calls.models
import billing.catalogue.purchases
import billing.charging.models
import billing.charging.premium.models
import billing.disputes.models
import billing.identity.models
import billing.kit.models
import billing.monitoring.models
import billing.notifications.models
import billing.reconciliation.asterisk.models
import billing.reconciliation.models
import billing.rulesets.models
import billing.shares.models  # noqa: F401
from billing.kit.database import Base, make_engine
from billing.kit.settings import read_settings


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Leaves the job queue's own tables alone: its library makes and knows them."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


def run(connection: Connection) -> None:
    """Migrates on a connection, in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=include_name,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_on_engine() -> None:
    """Connects as the settings say: those handed over, or the environment's."""
    settings = context.config.attributes.get("settings") or read_settings()
    engine = make_engine(settings, statement_timeout_ms=0)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()


if context.is_offline_mode():
    context.configure(target_metadata=Base.metadata, dialect_name="postgresql", literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    asyncio.run(run_on_engine())
