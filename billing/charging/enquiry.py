"""What a call would cost now, asked without calling. Nothing is frozen or held."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue import premium
from billing.catalogue.errors import ExpertUnknown, NumberUnknown
from billing.catalogue.models import Expert, Number
from billing.catalogue.service import tariff_for
from billing.kit.errors import PrimelineError
from billing.kit.phones import require_e164
from billing.money.values import Money
from billing.tariffs import service as tariffs
from billing.tariffs.rules import affordable_seconds, charge
from billing.tariffs.values import Tariff

SHOWN_SECONDS: Final = (60, 300, 600, 1_800, 3_600)


class PriceUnknown(PrimelineError):
    """No tariff is in force for the call, so there is no paid call."""

    code = "price-unknown"

    def __init__(self, number: str, extension: str) -> None:
        super().__init__(f"A call to {extension} by {number} has no price now.")


@dataclass(frozen=True, slots=True)
class PriceEnquiry:
    """The price that a call made now would announce. `expert` None: the number has none.

    `billed_by` the carrier: premium terms, whose price is on the caller's phone bill. `window`: of
    the tariff, where one holds now.
    """

    number: str
    extension: str | None
    expert: str | None
    billed_by: Literal["us", "carrier"]
    tariff: Tariff
    name: str
    version_id: UUID
    valid_from: datetime
    window: str | None = None

    def buys(self, amount: Money) -> int:
        """Give the longest talk in seconds; CurrencyMismatch for another currency's amount."""
        return affordable_seconds(self.tariff, amount)

    def costs(self) -> list[tuple[int, Money]]:
        """Give what talks of some lengths cost."""
        lengths = [one for one in SHOWN_SECONDS if one <= self.tariff.maximum_seconds]
        return [(one, charge(self.tariff, one)) for one in lengths]


async def enquire(
    s: AsyncSession, *, number: str, extension: str | None, at: datetime
) -> PriceEnquiry:
    """Give the price of a call to an expert by one of our numbers.

    A direct number leads to its own expert, and a premium-rate number has one price for all.
    Raises NumberInvalid, NumberUnknown, ExpertUnknown or PriceUnknown.
    """
    e164 = require_e164(number)
    served = await s.scalar(select(Number).where(Number.e164 == e164))
    if served is None:
        raise NumberUnknown(e164)
    terms = await premium.in_force(s, served.id, at)
    expert = await _expert(s, served, extension)
    if terms is not None:
        return PriceEnquiry(
            number=e164,
            extension=expert.extension if expert else None,
            expert=expert.name if expert else None,
            billed_by="carrier",
            tariff=terms.terms.retail,
            name=terms.terms.service,
            version_id=terms.terms_id,
            valid_from=terms.valid_from,
        )
    if expert is None:
        raise ExpertUnknown("without an extension")
    tariff_id = await tariff_for(s, expert_id=expert.id, number_id=served.id)
    version = await tariffs.in_force(s, tariff_id, at) if tariff_id else None
    if version is None:
        raise PriceUnknown(e164, expert.extension)
    return PriceEnquiry(
        number=e164,
        extension=expert.extension,
        expert=expert.name,
        billed_by="us",
        tariff=version.tariff,
        name=version.name,
        version_id=version.version_id,
        valid_from=version.valid_from,
        window=None if version.window is None else version.window.name,
    )


async def _expert(s: AsyncSession, served: Number, extension: str | None) -> Expert | None:
    """Give the expert that a call would reach; None: none was asked for."""
    if served.expert_id is not None:
        expert = await s.get(Expert, served.expert_id)
    elif extension is not None:
        expert = await s.scalar(select(Expert).where(Expert.extension == extension))
    else:
        return None
    if expert is None or extension not in {None, expert.extension}:
        raise ExpertUnknown(f"with extension {extension}")
    return expert
