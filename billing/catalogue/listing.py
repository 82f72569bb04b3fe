"""Numbers and experts as operators see them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from billing.catalogue.models import Expert, ExpertPhone, Number, Reservation
from billing.tariffs.models import TariffRow


@dataclass(frozen=True, slots=True)
class ExpertListed:
    """An expert; `in_call`: taken by an open call. `endpoints` in the order they ring."""

    expert_id: UUID
    name: str
    extension: str
    language: str
    category: str | None
    presence: str
    in_call: bool
    endpoints: tuple[str, ...]
    tariff: str | None


@dataclass(frozen=True, slots=True)
class NumberListed:
    """A number of ours. `expert` and `tariff` by name; `tariff` None: the expert's own."""

    number_id: UUID
    e164: str
    kind: str
    language: str
    expert: str | None
    tariff: str | None
    without_payer: str
    free_limit_seconds: int
    open: bool


async def list_experts(s: AsyncSession, extension: str | None = None) -> list[ExpertListed]:
    """List all experts, or the one with that extension, by extension."""
    taken = exists().where(Reservation.expert_id == Expert.id, Reservation.released_at.is_(None))
    query = (
        select(Expert, TariffRow.name, taken)
        .outerjoin(TariffRow, TariffRow.id == Expert.tariff_id)
        .order_by(Expert.extension)
    )
    if extension is not None:
        query = query.where(Expert.extension == extension)
    endpoints: dict[UUID, list[str]] = {}
    for phone in await s.scalars(select(ExpertPhone).order_by(ExpertPhone.position)):
        endpoints.setdefault(phone.expert_id, []).append(phone.endpoint)
    return [
        ExpertListed(
            expert_id=expert.id,
            name=expert.name,
            extension=expert.extension,
            language=expert.language,
            category=expert.category,
            presence=expert.presence,
            in_call=bool(in_call),
            endpoints=tuple(endpoints.get(expert.id, [])),
            tariff=tariff,
        )
        for expert, tariff, in_call in await s.execute(query)
    ]


async def list_numbers(s: AsyncSession, e164: str | None = None) -> list[NumberListed]:
    """List all our numbers, or one."""
    expert = aliased(Expert)
    query = (
        select(Number, expert.name, TariffRow.name)
        .outerjoin(expert, expert.id == Number.expert_id)
        .outerjoin(TariffRow, TariffRow.id == Number.tariff_id)
        .order_by(Number.e164)
    )
    if e164 is not None:
        query = query.where(Number.e164 == e164)
    return [
        NumberListed(
            number_id=number.id,
            e164=number.e164,
            kind=number.kind,
            language=number.language,
            expert=expert_name,
            tariff=tariff,
            without_payer=number.without_payer,
            free_limit_seconds=number.free_limit_seconds,
            open=number.open,
        )
        for number, expert_name, tariff in await s.execute(query)
    ]
