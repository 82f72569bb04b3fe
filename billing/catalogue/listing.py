"""Numbers and experts as operators see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.errors import ExpertUnknown, NumberUnknown
from billing.catalogue.models import Expert, ExpertPhone, Number, Reservation
from billing.kit.pages import After, Slice, take
from billing.tariffs.models import TariffRow


@dataclass(frozen=True, slots=True)
class ExpertListed:
    """An expert; `in_call`: taken by an open call.

    `endpoints` in the order they ring: names of SIP phones, and ordinary numbers (E.164).
    """

    expert_id: UUID
    name: str
    extension: str
    language: str
    category: str | None
    presence: str
    available_until: datetime | None
    in_call: bool
    endpoints: tuple[str, ...]
    tariff: str | None
    tariff_id: UUID | None
    checked_at: datetime | None
    checked_by: str | None
    check_note: str | None
    version: int


@dataclass(frozen=True, slots=True)
class NumberListed:
    """A number of ours. `expert` and `tariff` by name; `tariff` None: the expert's own."""

    number_id: UUID
    e164: str
    kind: str
    language: str
    expert: str | None
    expert_id: UUID | None
    tariff: str | None
    tariff_id: UUID | None
    without_payer: str
    free_limit_seconds: int
    begins_free: bool
    open: bool
    version: int


async def list_experts(
    s: AsyncSession, extension: str | None = None, *, expert_id: UUID | None = None
) -> list[ExpertListed]:
    """List all experts, or the one with that extension or id, by extension."""
    query = _experts().order_by(Expert.extension)
    if extension is not None:
        query = query.where(Expert.extension == extension)
    if expert_id is not None:
        query = query.where(Expert.id == expert_id)
    return await _experts_listed(s, (await s.execute(query)).all())


async def get_expert(s: AsyncSession, expert_id: UUID) -> ExpertListed:
    """Give an expert; raises ExpertUnknown, also for one who was removed."""
    found = await list_experts(s, expert_id=expert_id)
    if not found:
        raise ExpertUnknown(expert_id)
    return found[0]


async def page_experts(
    s: AsyncSession,
    *,
    limit: int,
    after: After | None = None,
    extension: str | None = None,
    presence: str | None = None,
) -> Slice[ExpertListed]:
    """List experts by extension, page by page; with one extension, or of one presence."""
    query = _experts()
    if extension is not None:
        query = query.where(Expert.extension == extension)
    if presence is not None:
        query = query.where(Expert.presence == presence)
    found = await take(s, query, (Expert.extension,), limit=limit, after=after)
    return Slice(tuple(await _experts_listed(s, found.items)), found.after)


def _experts() -> Select[Expert, str, bool]:
    taken = exists().where(Reservation.expert_id == Expert.id, Reservation.released_at.is_(None))
    return (
        select(Expert, TariffRow.name, taken)
        .outerjoin(TariffRow, TariffRow.id == Expert.tariff_id)
        .where(Expert.removed_at.is_(None))
    )


async def _experts_listed(s: AsyncSession, rows: Sequence[Any]) -> list[ExpertListed]:
    endpoints: dict[UUID, list[str]] = {}
    phones = (
        select(ExpertPhone)
        .where(
            ExpertPhone.expert_id.in_([expert.id for expert, _, _ in rows]),
            ExpertPhone.removed_at.is_(None),
        )
        .order_by(ExpertPhone.position)
    )
    for phone in await s.scalars(phones):
        endpoints.setdefault(phone.expert_id, []).append(phone.endpoint or phone.number or "")
    return [
        ExpertListed(
            expert_id=expert.id,
            name=expert.name,
            extension=expert.extension,
            language=expert.language,
            category=expert.category,
            presence=expert.presence,
            available_until=expert.available_until,
            in_call=bool(in_call),
            endpoints=tuple(endpoints.get(expert.id, [])),
            tariff=tariff,
            tariff_id=expert.tariff_id,
            checked_at=expert.checked_at,
            checked_by=expert.checked_by,
            check_note=expert.check_note,
            version=expert.version,
        )
        for expert, tariff, in_call in rows
    ]


async def list_numbers(
    s: AsyncSession, e164: str | None = None, *, number_id: UUID | None = None
) -> list[NumberListed]:
    """List all our numbers, or one."""
    query = _numbers().order_by(Number.e164)
    if e164 is not None:
        query = query.where(Number.e164 == e164)
    if number_id is not None:
        query = query.where(Number.id == number_id)
    return [_number_listed(*row) for row in await s.execute(query)]


async def get_number(s: AsyncSession, number_id: UUID) -> NumberListed:
    """Give a number; raises NumberUnknown, also for one that was removed."""
    found = await list_numbers(s, number_id=number_id)
    if not found:
        raise NumberUnknown(str(number_id))
    return found[0]


async def page_numbers(
    s: AsyncSession, *, limit: int, after: After | None = None, kind: str | None = None
) -> Slice[NumberListed]:
    """List numbers by their digits, page by page; or only those of a kind."""
    query = _numbers()
    if kind is not None:
        query = query.where(Number.kind == kind)
    found = await take(s, query, (Number.e164,), limit=limit, after=after)
    return Slice(tuple(_number_listed(*row) for row in found.items), found.after)


def _numbers() -> Select[Number, str, str]:
    return (
        select(Number, Expert.name, TariffRow.name)
        .outerjoin(Expert, Expert.id == Number.expert_id)
        .outerjoin(TariffRow, TariffRow.id == Number.tariff_id)
        .where(Number.removed_at.is_(None))
    )


def _number_listed(number: Number, expert: str | None, tariff: str | None) -> NumberListed:
    return NumberListed(
        number_id=number.id,
        e164=number.e164,
        kind=number.kind,
        language=number.language,
        expert=expert,
        expert_id=number.expert_id,
        tariff=tariff,
        tariff_id=number.tariff_id,
        without_payer=number.without_payer,
        free_limit_seconds=number.free_limit_seconds,
        begins_free=number.begins_free,
        open=number.open,
        version=number.version,
    )


async def free_extensions(s: AsyncSession, digits: int, limit: int) -> list[str]:
    """Find the lowest extensions of so many digits that no expert has, without leading zeros."""
    query = select(Expert.extension).where(
        Expert.removed_at.is_(None), func.length(Expert.extension) == digits
    )
    taken = set(await s.scalars(query))
    first = 10 ** (digits - 1)
    candidates = (str(one) for one in range(first, first * 10) if str(one) not in taken)
    return list(islice(candidates, limit))
