"""What a call would cost now, asked without calling. Nothing is frozen or held."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.service import tariff_for
from billing.money.values import Money
from billing.tariffs import service as tariffs
from billing.tariffs.rules import affordable_seconds, charge
from billing.tariffs.service import KeptTariff


@dataclass(frozen=True, slots=True)
class PriceEnquiry:
    """The version of the tariff in force and what an amount buys of it.

    `affordable_seconds` None: no amount was given. `charges` are what so many seconds cost.
    """

    version: KeptTariff
    affordable_seconds: int | None
    charges: tuple[tuple[int, Money], ...]


async def enquire(
    s: AsyncSession,
    *,
    expert_id: UUID,
    number_id: UUID,
    at: datetime,
    amount: Money | None = None,
    seconds: tuple[int, ...] = (60, 300, 600),
) -> PriceEnquiry | None:
    """Give the price of a call to an expert by a number; None: there is none, so no paid call.

    Raises CurrencyMismatch where the amount is in another currency.
    """
    tariff_id = await tariff_for(s, expert_id=expert_id, number_id=number_id)
    version = await tariffs.in_force(s, tariff_id, at) if tariff_id else None
    if version is None:
        return None
    tariff = version.tariff
    return PriceEnquiry(
        version=version,
        affordable_seconds=None if amount is None else affordable_seconds(tariff, amount),
        charges=tuple(
            (one, charge(tariff, one)) for one in seconds if one <= tariff.maximum_seconds
        ),
    )
