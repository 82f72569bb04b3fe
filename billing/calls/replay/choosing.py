"""Which other prices a call is replayed under: a tariff for all, tariffs by name, a price list."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.replay.errors import NoVersionThen
from billing.calls.replay.values import PastSegment, Prices
from billing.pricelists.values import Entry
from billing.tariffs import listing as tariff_listing
from billing.tariffs.public_holidays import holidays_of, no_holidays
from billing.tariffs.service import KeptTariff, TariffUnknown
from billing.tariffs.values import Tariff
from billing.tariffs.windows import Timetable, tariff_in, window_at


@dataclass(frozen=True, slots=True)
class Substitution:
    """Other prices by the name of the tariff that was announced, and for all names else.

    A segment whose tariff is in neither keeps its own.
    """

    by_name: Mapping[str, Prices] = field(default_factory=dict)
    every: Prices | None = None

    def __call__(self, segment: PastSegment) -> Prices | None:
        """Give the other prices of a segment; None: it keeps its own."""
        return self.by_name.get(segment.tariff_name, self.every)


async def kept_prices(s: AsyncSession, name: str, as_of: datetime | None) -> Prices:
    """Give what a tariff of ours costs: its newest version, begun or not, or that of a moment.

    Raises TariffUnknown or NoVersionThen.
    """
    versions = await tariff_listing.list_versions(s, name)
    if not versions:
        raise TariffUnknown(name)
    return newest(name, versions, as_of)


def listed_prices(entries: Iterable[Entry], as_of: datetime | None) -> dict[str, Prices]:
    """Give what the tariffs of a price list cost, by name: it need not be loaded.

    Raises NoVersionThen.
    """
    by_name: dict[str, list[Entry]] = {}
    for entry in entries:
        by_name.setdefault(entry.name, []).append(entry)
    return {name: newest(name, versions, as_of) for name, versions in by_name.items()}


def newest(
    name: str, versions: Sequence[KeptTariff] | Sequence[Entry], as_of: datetime | None
) -> Prices:
    """Pick the version that begins last, or that had begun by a moment; raises NoVersionThen."""
    begun = [kept for kept in versions if as_of is None or kept.valid_from <= as_of]
    if not begun:
        raise NoVersionThen(name, as_of)
    chosen = max(begun, key=lambda kept: kept.valid_from)
    return prices_of(chosen.tariff, chosen.timetable)


def prices_of(tariff: Tariff, timetable: Timetable | None) -> Prices:
    """Give what a version costs at a moment, in the window that holds then."""
    if timetable is None:
        return lambda _: tariff
    place = timetable.holidays_of
    is_holiday = no_holidays if place is None else holidays_of(place)

    def at(moment: datetime) -> Tariff:
        return tariff_in(tariff, window_at(timetable, moment, is_holiday))

    return at
