"""Price lists loaded whole or not at all, and what is kept written as one."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.tollfree import check_notice
from billing.kit.errors import PrimelineError
from billing.pricelists.cells import moment_text
from billing.pricelists.errors import PriceListRefused
from billing.pricelists.planning import plan
from billing.pricelists.values import Change, Entry, Problem
from billing.pricelists.writing import write
from billing.tariffs import listing as tariff_listing
from billing.tariffs import service as tariffs
from billing.tariffs.service import TariffUnknown


async def load(
    s: AsyncSession, entries: Sequence[Entry], *, at: datetime, dry_run: bool = False
) -> tuple[Change, ...]:
    """Add all versions that aren't kept yet, and say what each entry changed.

    `dry_run`: everything is tried, and undone. Raises PriceListRefused with all that is wrong;
    then, too, nothing is left behind.
    """
    # Who loads a list meanwhile waits, and then finds what this one added.
    await s.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("price-list", 1))))
    async with s.begin_nested() as attempt:
        changes, problems = plan(entries, await tariff_listing.list_versions(s))
        found = [*problems]
        for change in changes:
            if change.what != "unchanged":
                found += await _add(s, change.entry, at)
        if found:
            # Out of this block by an error, PostgreSQL forgets all that was done in it.
            raise PriceListRefused(sorted(found, key=lambda one: one.line or 0))
        if dry_run:
            await attempt.rollback()
    return changes


async def _add(s: AsyncSession, entry: Entry, at: datetime) -> list[Problem]:
    known = await tariffs.find(s, entry.name)
    try:
        if known is not None:
            await check_notice(
                s,
                known,
                entry.tariff,
                valid_from=entry.valid_from,
                at=at,
                timetable=entry.timetable,
            )
        await tariffs.add_version(
            s,
            name=entry.name,
            tariff=entry.tariff,
            valid_from=entry.valid_from,
            at=at,
            timetable=entry.timetable,
        )
    except PrimelineError as error:
        start = moment_text(entry.valid_from)
        return [Problem(entry.line, "starts_at", start, error.sentence, "")]
    return []


async def export(s: AsyncSession, name: str | None = None) -> str:
    """Write all versions of one tariff, or of all, as a price list; raises TariffUnknown."""
    versions = await tariff_listing.list_versions(s, name)
    if name is not None and not versions:
        raise TariffUnknown(name)
    return write((one.name, one.valid_from, one.tariff, one.timetable) for one in versions)
