"""Tariffs as they are kept: versions added, the one in force found."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.errors import PrimelineError
from billing.kit.jobs import defer
from billing.money.values import CurrencyMismatch, Money
from billing.tariffs import overlaps, rules, snapshot, timetables, windows
from billing.tariffs.models import TariffRow, TariffVersion
from billing.tariffs.public_holidays import holidays_of, no_holidays
from billing.tariffs.values import Tariff
from billing.tariffs.windows import Timetable, Window


class TariffUnknown(PrimelineError):
    """No tariff has that name or id."""

    code = "tariff-unknown"

    def __init__(self, which: str | UUID) -> None:
        known_as = f"called {which!r}" if isinstance(which, str) else f"{which}"
        super().__init__(f"There is no tariff {known_as}.")


class TariffNotBegun(PrimelineError):
    """A moment before a tariff's first version."""

    code = "tariff-not-begun"

    def __init__(self, name: str, at: datetime) -> None:
        super().__init__(f"Tariff {name!r} has no version at {at.isoformat()} yet.")


class TariffVersionTaken(PrimelineError):
    """A version of the tariff begins at that very moment; versions are never edited."""

    code = "tariff-version-taken"

    def __init__(self, name: str, valid_from: datetime) -> None:
        super().__init__(
            f"Tariff {name!r} already has a version from {valid_from.isoformat()};"
            " choose another start."
        )


@dataclass(frozen=True, slots=True)
class KeptTariff:
    """A version of a named tariff.

    `tariff` is what calls cost outside all windows, except where a moment was asked about: then it
    is what a call costs at that moment, and `window` the window that holds (None: outside all).
    """

    tariff_id: UUID
    version_id: UUID
    name: str
    valid_from: datetime
    tariff: Tariff
    timetable: Timetable | None = None
    window: Window | None = None


class TariffTaken(PrimelineError):
    """There is a tariff of that name."""

    code = "tariff-taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a tariff called {name!r} already; add a version to it.")


def _value(row: TariffVersion, currency: str) -> Tariff:
    highest, act = row.maximum_charge, row.price_per_act
    return Tariff(
        price_per_minute=Money(row.price_per_minute, currency),
        connect_fee=Money(row.connect_fee, currency),
        minimum_charge=Money(row.minimum_charge, currency),
        maximum_charge=None if highest is None else Money(highest, currency),
        first_increment_seconds=row.first_increment_seconds,
        next_increment_seconds=row.next_increment_seconds,
        free_seconds=row.free_seconds,
        maximum_seconds=row.maximum_seconds,
        tax_basis_points=row.tax_basis_points,
        price_per_act=None if act is None else Money(act, currency),
        act_minimum_seconds=row.act_minimum_seconds,
        act_maximum_seconds=row.act_maximum_seconds,
    )


def check(tariff: Tariff, timetable: Timetable | None) -> None:
    """Raise, with a sentence, unless a version can be made of both.

    Raises InvalidTariff, InvalidWindow, WindowsOverlap, TimeZoneUnknown or HolidaysUnknown.
    """
    rules.check(tariff)
    if timetable is not None:
        overlaps.check(tariff, timetable)
        if timetable.holidays_of is not None:
            holidays_of(timetable.holidays_of)


async def add_version(
    s: AsyncSession,
    *,
    name: str,
    tariff: Tariff,
    valid_from: datetime,
    at: datetime,
    timetable: Timetable | None = None,
) -> KeptTariff:
    """Add a version to the tariff called `name`, which is made if there is none.

    Defers the rendering of its spoken prices. Raises what `check` does, CurrencyMismatch (a tariff
    keeps its currency) or TariffVersionTaken.
    """
    tariff = tariff.by("minute")
    check(tariff, timetable)
    await s.execute(
        insert(TariffRow)
        .values(id=uuid4(), name=name, currency=tariff.currency, created_at=at)
        .on_conflict_do_nothing(index_elements=[TariffRow.name])
    )
    # The lock makes versions added at once come one after the other.
    found = await s.scalars(select(TariffRow).where(TariffRow.name == name).with_for_update())
    row = found.one()
    if row.currency != tariff.currency:
        raise CurrencyMismatch(row.currency, tariff.currency)
    taken = select(TariffVersion.id).where(
        TariffVersion.tariff_id == row.id, TariffVersion.valid_from == valid_from
    )
    if await s.scalar(taken):
        raise TariffVersionTaken(name, valid_from)
    values = snapshot.to_json(tariff)
    del values["currency"], values["mode"]
    version = TariffVersion(
        id=uuid4(),
        tariff_id=row.id,
        valid_from=valid_from,
        created_at=at,
        time_zone=None if timetable is None else timetable.time_zone,
        holidays_of=None if timetable is None else timetable.holidays_of,
        **values,
    )
    s.add(version)
    await s.flush()
    if timetable is not None:
        await timetables.keep(s, version.id, timetable)
    spoken = dict.fromkeys(windows.flat_tariffs(tariff, timetable))
    await defer(s, "render-prompts", tariffs=[snapshot.to_json(one) for one in spoken])
    return KeptTariff(row.id, version.id, name, valid_from, tariff, timetable)


async def add_tariff(
    s: AsyncSession,
    *,
    name: str,
    tariff: Tariff,
    valid_from: datetime,
    at: datetime,
    timetable: Timetable | None = None,
) -> KeptTariff:
    """Make a tariff with its first version. Raises TariffTaken or what `add_version` does."""
    # Whoever adds one of that name at the same moment waits here.
    await s.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 1))))
    if await s.scalar(select(TariffRow.id).where(TariffRow.name == name)) is not None:
        raise TariffTaken(name)
    return await add_version(
        s, name=name, tariff=tariff, valid_from=valid_from, at=at, timetable=timetable
    )


async def in_force(s: AsyncSession, tariff_id: UUID, at: datetime) -> KeptTariff | None:
    """Give what a call costs at a moment: the version then, and of it the window then.

    None before the first version.
    """
    kept = await version_at(s, tariff_id, at)
    if kept is None:
        return None
    if kept.timetable is not None and kept.timetable.holidays_of is not None:
        # A process loads its first calendar in a tenth of a second: not while other calls wait.
        await asyncio.to_thread(holidays_of, kept.timetable.holidays_of)
    return at_moment(kept, at)


def at_moment(kept: KeptTariff, at: datetime) -> KeptTariff:
    """Give a version with the prices of the window that holds at a moment."""
    timetable = kept.timetable
    if timetable is None:
        return kept
    place = timetable.holidays_of
    is_holiday = no_holidays if place is None else holidays_of(place)
    window = windows.window_at(timetable, at, is_holiday)
    return replace(kept, tariff=windows.tariff_in(kept.tariff, window), window=window)


_VERSION_AT: Final = (
    select(TariffRow, TariffVersion)
    .join(TariffVersion, TariffVersion.tariff_id == TariffRow.id)
    .where(TariffRow.id == bindparam("tariff"), TariffVersion.valid_from <= bindparam("at"))
    .order_by(TariffVersion.valid_from.desc())
    .limit(1)
)


async def version_at(s: AsyncSession, tariff_id: UUID, at: datetime) -> KeptTariff | None:
    """Give the version whose start is the latest not after `at`, with all its windows.

    None before the first.
    """
    found = (await s.execute(_VERSION_AT, {"tariff": tariff_id, "at": at})).first()
    if found is None:
        return None
    row, version = found
    return (await kept_of(s, [(row, version)]))[0]


async def currency_of(s: AsyncSession, tariff_id: UUID) -> str | None:
    """Give the currency that a tariff keeps; None: no such tariff."""
    found: str | None = await s.scalar(select(TariffRow.currency).where(TariffRow.id == tariff_id))
    return found


async def by_name(s: AsyncSession, name: str) -> UUID:
    """Give a tariff's id; raises TariffUnknown."""
    found = await find(s, name)
    if found is None:
        raise TariffUnknown(name)
    return found


async def find(s: AsyncSession, name: str) -> UUID | None:
    """Give a tariff's id; None: there is none of that name."""
    found: UUID | None = await s.scalar(select(TariffRow.id).where(TariffRow.name == name))
    return found


async def require(s: AsyncSession, tariff_id: UUID) -> TariffRow:
    """Give a tariff's row; raises TariffUnknown."""
    row = await s.get(TariffRow, tariff_id)
    if row is None:
        raise TariffUnknown(tariff_id)
    return row


async def kept_of(
    s: AsyncSession, found: Sequence[tuple[TariffRow, TariffVersion]]
) -> list[KeptTariff]:
    """Give rows as versions with all their windows."""
    tables = await timetables.of(s, found)
    return [
        KeptTariff(
            row.id,
            version.id,
            row.name,
            version.valid_from,
            _value(version, row.currency),
            tables.get(version.id),
        )
        for row, version in found
    ]
