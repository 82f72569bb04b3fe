"""Who we are: told apart from every copy of our database."""

from uuid import UUID

from sqlalchemy import func, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.models import InstallationRow

_NAME = text(
    "SELECT i.id || ':' || c.system_identifier || ':' || d.oid"
    " FROM installation i, pg_control_system() c, pg_database d"
    " WHERE d.datname = current_database()"
)


async def name(s: AsyncSession) -> str:
    """Give the installation's name.

    It has in it which database of which server this is: a copy made by other means than
    `primeline restore` has the same id and yet another name.
    """
    return str((await s.execute(_NAME)).scalar_one())


async def become_another(s: AsyncSession, *, restored_from: UUID) -> None:
    """Give a restored copy an id of its own."""
    await s.execute(
        update(InstallationRow).values(
            id=func.gen_random_uuid(), restored_from=restored_from, restored_at=func.now()
        )
    )
