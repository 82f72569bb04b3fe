"""Windows as they are kept, read back with their versions."""

from collections import defaultdict
from collections.abc import Iterable
from typing import cast
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.money.values import Money
from billing.tariffs.models import TariffRow, TariffVersion, TariffWindow
from billing.tariffs.windows import DAYS, Day, Prices, Timetable, Window


async def keep(s: AsyncSession, version_id: UUID, timetable: Timetable) -> None:
    """Write the windows of a version; they have been checked."""
    for window in timetable.windows:
        prices = window.prices
        highest, act = prices.maximum_charge, prices.price_per_act
        s.add(
            TariffWindow(
                id=uuid4(),
                version_id=version_id,
                name=window.name,
                days=sorted(window.days, key=DAYS.index),
                from_minute=window.from_minute,
                to_minute=window.to_minute,
                price_per_minute=prices.price_per_minute.amount,
                connect_fee=prices.connect_fee.amount,
                minimum_charge=prices.minimum_charge.amount,
                maximum_charge=None if highest is None else highest.amount,
                price_per_act=None if act is None else act.amount,
            )
        )
    await s.flush()


async def of(
    s: AsyncSession, versions: Iterable[tuple[TariffRow, TariffVersion]]
) -> dict[UUID, Timetable]:
    """Give the timetables of those versions that have one, by the version's id.

    Versions without windows cost no query.
    """
    timed = {
        version.id: (row.currency, version.time_zone, version.holidays_of)
        for row, version in versions
        if version.time_zone is not None
    }
    if not timed:
        return {}
    windows: defaultdict[UUID, list[Window]] = defaultdict(list)
    query = (
        select(TariffWindow)
        .where(TariffWindow.version_id.in_(timed))
        .order_by(TariffWindow.from_minute, TariffWindow.name)
    )
    for row in await s.scalars(query):
        windows[row.version_id].append(_value(row, timed[row.version_id][0]))
    return {
        version_id: Timetable(zone, place, tuple(windows[version_id]))
        for version_id, (_, zone, place) in timed.items()
    }


def _value(row: TariffWindow, currency: str) -> Window:
    highest, act = row.maximum_charge, row.price_per_act
    return Window(
        name=row.name,
        days=frozenset(cast("list[Day]", row.days)),
        from_minute=row.from_minute,
        to_minute=row.to_minute,
        prices=Prices(
            price_per_minute=Money(row.price_per_minute, currency),
            connect_fee=Money(row.connect_fee, currency),
            minimum_charge=Money(row.minimum_charge, currency),
            maximum_charge=None if highest is None else Money(highest, currency),
            price_per_act=None if act is None else Money(act, currency),
        ),
    )
