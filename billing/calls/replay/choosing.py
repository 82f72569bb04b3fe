"""Which other prices a call is replayed under: a tariff for all, tariffs by name, a price list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.replay.errors import NoVersionThen
from billing.calls.replay.values import PastStretch, Prices
from billing.tariffs import service as tariffs
from billing.tariffs.service import KeptTariff, TariffUnknown
from billing.tariffs.values import Tariff


@dataclass(frozen=True, slots=True)
class Substitution:
    """Other prices by the name of the tariff that was announced, and for all names else.

    A stretch whose tariff is in neither keeps its own.
    """

    by_name: Mapping[str, Prices] = field(default_factory=dict)
    every: Prices | None = None

    def __call__(self, stretch: PastStretch) -> Prices | None:
        """Give the other prices of a stretch; None: it keeps its own."""
        return self.by_name.get(stretch.tariff_name, self.every)


async def kept_prices(s: AsyncSession, name: str, as_of: datetime | None) -> Prices:
    """Give what a tariff of ours costs: its newest version, begun or not, or that of a moment.

    Raises TariffUnknown or NoVersionThen.
    """
    return newest(name, await tariffs.list_versions(s, name), as_of)


def newest(name: str, versions: Iterable[KeptTariff], as_of: datetime | None) -> Prices:
    """Pick the version that begins last, or that had begun by a moment.

    Raises TariffUnknown or NoVersionThen.
    """
    known = sorted(versions, key=lambda kept: kept.valid_from)
    if not known:
        raise TariffUnknown(name)
    begun = [kept for kept in known if as_of is None or kept.valid_from <= as_of]
    if as_of is not None and not begun:
        raise NoVersionThen(name, as_of)
    chosen = begun[-1]

    return prices_of(chosen)


def prices_of(kept: KeptTariff) -> Prices:
    """Give what a version costs at a moment, in the window that holds then."""

    def at(moment: datetime) -> Tariff:
        return tariffs.at_moment(kept, moment).tariff

    return at
