"""What an expert may ask a minute, within the operator's bounds, and changes of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.errors import (
    ExpertUnknown,
    InvalidBounds,
    PriceNotSettable,
    PriceOutOfBounds,
)
from billing.catalogue.models import Expert, Number
from billing.catalogue.tollfree import check_notice
from billing.catalogue.values import PriceBounds
from billing.money.values import Money
from billing.tariffs import service as tariffs
from billing.tariffs.service import KeptTariff

OWN_TARIFF: Final = "expert-{}"
"""The name of a tariff made for one expert, by his extension."""


@dataclass(frozen=True, slots=True)
class SettablePrice:
    """An expert's price a minute now, and what he may make of it."""

    price: Money
    bounds: PriceBounds


async def set_bounds(s: AsyncSession, expert_id: UUID, bounds: PriceBounds | None) -> None:
    """Say what an expert may ask; None: he may not change his price.

    Raises ExpertUnknown or InvalidBounds.
    """
    if bounds is not None and not _are_right(bounds):
        raise InvalidBounds
    expert = await s.get(Expert, expert_id, populate_existing=True, with_for_update=True)
    if expert is None:
        raise ExpertUnknown(expert_id)
    if bounds is not None:
        # Without a tariff nobody knew later which currency they are in.
        currency = expert.tariff_id and await tariffs.currency_of(s, expert.tariff_id)
        if currency != bounds.least.currency:
            raise InvalidBounds
    expert.price_min = None if bounds is None else bounds.least.amount
    expert.price_max = None if bounds is None else bounds.most.amount
    await s.flush()


async def bounds_of(s: AsyncSession, expert_id: UUID) -> PriceBounds | None:
    """Give what an expert may ask, in his tariff's currency; None: he may not change his price."""
    expert = await s.get(Expert, expert_id)
    if expert is None or expert.price_min is None or expert.price_max is None:
        return None
    currency = expert.tariff_id and await tariffs.currency_of(s, expert.tariff_id)
    if not currency:
        return None
    return PriceBounds(Money(expert.price_min, currency), Money(expert.price_max, currency))


async def settable_price(s: AsyncSession, expert_id: UUID, at: datetime) -> SettablePrice | None:
    """Give an expert's price and bounds; None: he may not change it, has none or has windows."""
    expert = await s.get(Expert, expert_id)
    kept = None if expert is None else await _one_price(s, expert, at)
    if expert is None or kept is None or expert.price_min is None or expert.price_max is None:
        return None
    currency = kept.tariff.currency
    bounds = PriceBounds(Money(expert.price_min, currency), Money(expert.price_max, currency))
    return SettablePrice(kept.tariff.price_per_minute, bounds)


async def change_price(
    s: AsyncSession, expert_id: UUID, price: Money, *, valid_from: datetime, at: datetime
) -> KeptTariff:
    """Give an expert another price a minute for calls quoted from `valid_from` on.

    A tariff that others use too stays as it is: he gets one of his own with all its other terms.
    Raises ExpertUnknown, PriceNotSettable, PriceOutOfBounds, or what the tariff's own rules raise.
    """
    expert = await s.get(Expert, expert_id, populate_existing=True, with_for_update=True)
    if expert is None:
        raise ExpertUnknown(expert_id)
    kept = await _one_price(s, expert, at)
    if kept is None or expert.price_min is None or expert.price_max is None:
        raise PriceNotSettable
    if price.currency != kept.tariff.currency:
        raise PriceNotSettable
    if not price.is_whole_minor or not expert.price_min <= price.amount <= expert.price_max:
        raise PriceOutOfBounds
    name = kept.name
    if await _others_use(s, kept.tariff_id, expert_id):
        name = OWN_TARIFF.format(expert.extension)
        if valid_from > at:
            own = await tariffs.add_version(s, name=name, tariff=kept.tariff, valid_from=at, at=at)
            expert.tariff_id = own.tariff_id
    raised = replace(kept.tariff, price_per_minute=price)
    assert expert.tariff_id is not None  # it has a version in force
    await check_notice(s, expert.tariff_id, raised, valid_from=valid_from, at=at)
    changed = await tariffs.add_version(
        s,
        name=name,
        tariff=raised,
        valid_from=valid_from,
        at=at,
    )
    expert.tariff_id = changed.tariff_id
    await s.flush()
    return changed


async def _one_price(s: AsyncSession, expert: Expert, at: datetime) -> KeptTariff | None:
    """Give an expert's version in force; None: he has none, or it has more prices than one.

    Of the prices of windows one key can't say which is meant.
    """
    if expert.tariff_id is None:
        return None
    kept = await tariffs.version_at(s, expert.tariff_id, at)
    return None if kept is None or kept.timetable is not None else kept


async def _others_use(s: AsyncSession, tariff_id: UUID, expert_id: UUID) -> bool:
    experts = select(func.count()).where(Expert.tariff_id == tariff_id, Expert.id != expert_id)
    numbers = select(func.count()).where(Number.tariff_id == tariff_id)
    return bool(await s.scalar(experts)) or bool(await s.scalar(numbers))


def _are_right(bounds: PriceBounds) -> bool:
    least, most = bounds.least, bounds.most
    return (
        least.currency == most.currency
        and 0 <= least.amount <= most.amount
        and least.is_whole_minor
        and most.is_whole_minor
    )
