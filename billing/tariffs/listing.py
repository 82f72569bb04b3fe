"""Tariffs and their versions as they are listed."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.pages import After, Slice, take
from billing.tariffs.models import TariffRow, TariffVersion
from billing.tariffs.service import KeptTariff, at_moment, kept_of, require, version_at
from billing.tariffs.values import Tariff


@dataclass(frozen=True, slots=True)
class ListedTariff:
    """A tariff and the version in force; None: the first begins later."""

    tariff_id: UUID
    name: str
    currency: str
    created_at: datetime
    current: KeptTariff | None


async def get_tariff(s: AsyncSession, tariff_id: UUID, at: datetime) -> ListedTariff:
    """Give a tariff with its version in force; raises TariffUnknown."""
    row = await require(s, tariff_id)
    return ListedTariff(
        row.id, row.name, row.currency, row.created_at, await version_at(s, row.id, at)
    )


async def page_tariffs(
    s: AsyncSession, at: datetime, *, limit: int, after: After | None = None
) -> Slice[ListedTariff]:
    """List tariffs by name, each with its version in force, page by page."""
    found = await take(s, select(TariffRow), (TariffRow.name,), limit=limit, after=after)
    newest_first = (
        select(TariffVersion)
        .where(
            TariffVersion.tariff_id.in_([row.id for row in found.items]),
            TariffVersion.valid_from <= at,
        )
        .ext(distinct_on(TariffVersion.tariff_id))
        .order_by(TariffVersion.tariff_id, TariffVersion.valid_from.desc())
    )
    rows = {row.id: row for row in found.items}
    versions = [(rows[version.tariff_id], version) for version in await s.scalars(newest_first)]
    current = {kept.tariff_id: kept for kept in await kept_of(s, versions)}
    listed = [
        ListedTariff(row.id, row.name, row.currency, row.created_at, current.get(row.id))
        for row in found.items
    ]
    return Slice(tuple(listed), found.after)


async def page_versions(
    s: AsyncSession, tariff_id: UUID, *, limit: int, after: After | None = None
) -> Slice[KeptTariff]:
    """List a tariff's versions by their start, page by page; raises TariffUnknown."""
    row = await require(s, tariff_id)
    query = select(TariffVersion).where(TariffVersion.tariff_id == tariff_id)
    found = await take(s, query, (TariffVersion.valid_from,), limit=limit, after=after)
    return Slice(tuple(await kept_of(s, [(row, one) for one in found.items])), found.after)


async def list_versions(s: AsyncSession, name: str | None = None) -> list[KeptTariff]:
    """List the versions of one tariff or of all, by name and start."""
    query = (
        select(TariffRow, TariffVersion)
        .join(TariffVersion, TariffVersion.tariff_id == TariffRow.id)
        .order_by(TariffRow.name, TariffVersion.valid_from)
    )
    if name is not None:
        query = query.where(TariffRow.name == name)
    return await kept_of(s, [(row, version) for row, version in (await s.execute(query))])


async def announced_by(
    s: AsyncSession, version_id: UUID, tariff: Tariff, at: datetime
) -> tuple[str, str | None] | None:
    """Name the tariff and the window that gave a price announced at a moment.

    No window: the version's own price held. None: today's calendar of holidays gives another price
    for that moment than was announced, so that the window can't be told.
    """
    query = (
        select(TariffRow, TariffVersion)
        .join(TariffVersion, TariffVersion.tariff_id == TariffRow.id)
        .where(TariffVersion.id == version_id)
    )
    row, version = (await s.execute(query)).one()
    (kept,) = await kept_of(s, [(row, version)])
    held = await asyncio.to_thread(at_moment, kept, at)
    if held.tariff.by("minute") != tariff.by("minute"):
        return None
    return held.name, held.window.name if held.window else None
