"""One process at a time acts on an Asterisk: its claim, a row with a lease.

The lease is kept by the database's clock, so that no host's clock matters.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.models import AsteriskClaimRow

LEASE: Final = timedelta(seconds=10)
"""A claim that nobody has renewed for so long is free."""

HOLDER: Final = "SELECT holder FROM asterisk_claims WHERE asterisk_id = %s"
"""Who holds an Asterisk, for a connection that is only being made."""

_NOW = func.clock_timestamp()
_END_SESSIONS = text(
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
    " WHERE application_name = :name AND usename = current_user"
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """The claim is ours; `before` held it until now, if anybody did."""

    before: UUID | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Another Asterisk goes by that name; its claim was renewed `renewals` times."""

    holder: UUID
    renewals: int


def application_name(holder: UUID) -> str:
    """What the holder's connections are called in the database."""
    return f"primeline ari_app {holder.hex}"


async def take(
    s: AsyncSession, asterisk_id: str, *, asterisk: UUID, holder: UUID
) -> Claimed | Standing:
    """Claim the name `asterisk_id` for `asterisk`, an Asterisk that runs.

    It is ours if nobody's, if its lease has run out, or if it is of the very same Asterisk: then we
    take over.
    """
    await s.execute(
        insert(AsteriskClaimRow)
        .values(asterisk_id=asterisk_id, asterisk=asterisk, holder=holder)
        .on_conflict_do_nothing()
    )
    row = (
        await s.scalars(
            select(AsteriskClaimRow)
            .where(AsteriskClaimRow.asterisk_id == asterisk_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    ).one()
    now = (await s.execute(select(_NOW))).scalar_one()
    before = row.holder
    free = row.renewed_at is None or now - row.renewed_at >= LEASE
    if before != holder and row.asterisk != asterisk and not free:
        return Standing(before, row.renewals)
    row.asterisk, row.holder, row.renewed_at, row.renewals = asterisk, holder, now, 0
    await s.flush()
    return Claimed(before if before != holder else None)


async def renew(s: AsyncSession, asterisk_id: str, *, asterisk: UUID, holder: UUID) -> bool:
    """Go on holding; False: another holds it by now."""
    found = await s.scalars(
        update(AsteriskClaimRow)
        .where(AsteriskClaimRow.asterisk_id == asterisk_id, AsteriskClaimRow.holder == holder)
        .values(asterisk=asterisk, renewed_at=_NOW, renewals=AsteriskClaimRow.renewals + 1)
        .returning(AsteriskClaimRow.asterisk_id)
        .execution_options(synchronize_session=False)
    )
    return found.first() is not None


async def release(s: AsyncSession, asterisk_id: str, *, holder: UUID) -> None:
    """Let go, so that another Asterisk need not wait for the lease to run out."""
    await s.execute(
        update(AsteriskClaimRow)
        .where(AsteriskClaimRow.asterisk_id == asterisk_id, AsteriskClaimRow.holder == holder)
        .values(renewed_at=None)
        .execution_options(synchronize_session=False)
    )


async def end_sessions(s: AsyncSession, holder: UUID) -> None:
    """End the database connections of a holder that lost its claim.

    What it was writing is either committed by then or never will be.
    """
    await s.execute(_END_SESSIONS, {"name": application_name(holder)})
