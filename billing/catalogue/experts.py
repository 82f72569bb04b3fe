"""Experts changed and removed by the operator."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.errors import (
    ExpertInCall,
    ExpertInUse,
    ExpertUnknown,
    ExtensionTaken,
    InvalidExtension,
    PhonesNotThose,
)
from billing.catalogue.models import Expert, ExpertPhone, Number, Reservation
from billing.catalogue.phones import remove_all_phones
from billing.catalogue.values import is_extension
from billing.kit import versions
from billing.kit.jobs import defer
from billing.kit.languages import check_language
from billing.kit.versions import Expected
from billing.tariffs import service as tariffs

EDITABLE: Final = frozenset({"name", "extension", "language", "category", "presence", "tariff_id"})


async def edit_expert(
    s: AsyncSession, expert_id: UUID, values: Mapping[str, Any], *, expected: Expected
) -> dict[str, Any]:
    """Change some of `EDITABLE`; gives what really changed. Calls that go on keep what they had.

    Raises ExpertUnknown, VersionConflict, InvalidExtension, ExtensionTaken, UnknownLanguage or
    TariffUnknown.
    """
    assert values.keys() <= EDITABLE  # the edges offer nothing else
    row = await locked(s, expert_id, expected)
    if "extension" in values and not is_extension(values["extension"]):
        raise InvalidExtension(values["extension"])
    if "language" in values:
        check_language(values["language"])
    if values.get("tariff_id") is not None:
        await tariffs.require(s, values["tariff_id"])
    if "presence" in values:
        values = {**values, "available_until": None}
    changes = versions.change(row, values)
    await versions.flush(s, ExtensionTaken(row.extension))
    if "name" in changes:
        await defer(s, "render-prompts", names=[row.name])
    return changes


async def check_expert(
    s: AsyncSession, expert_id: UUID, *, by: str, note: str, at: datetime, expected: Expected = None
) -> dict[str, Any]:
    """Note that somebody looked into who an expert is (rule R13); gives what changed.

    Raises ExpertUnknown or VersionConflict.
    """
    row = await locked(s, expert_id, expected)
    changes = versions.change(row, {"checked_at": at, "checked_by": by, "check_note": note})
    await s.flush()
    return changes


async def uncheck_expert(
    s: AsyncSession, expert_id: UUID, *, expected: Expected = None
) -> dict[str, Any]:
    """Take a check back: from the next call on he counts as unchecked; gives what changed.

    Raises ExpertUnknown or VersionConflict.
    """
    row = await locked(s, expert_id, expected)
    nothing = dict.fromkeys(("checked_at", "checked_by", "check_note"))
    changes = versions.change(row, nothing)
    await s.flush()
    return changes


async def checked_at(s: AsyncSession, expert_id: UUID) -> datetime | None:
    """Give when an expert was checked; None: he isn't."""
    found: datetime | None = await s.scalar(select(Expert.checked_at).where(Expert.id == expert_id))
    return found


async def remove_expert(
    s: AsyncSession, expert_id: UUID, *, expected: Expected, at: datetime
) -> dict[str, Any]:
    """Take an expert out of the catalogue: extension and phones are free, calls keep naming him.

    Raises ExpertUnknown, VersionConflict, ExpertInCall or ExpertInUse.
    """
    row = await locked(s, expert_id, expected)
    talking = select(Reservation.id).where(
        Reservation.expert_id == expert_id, Reservation.released_at.is_(None)
    )
    if await s.scalar(talking) is not None:
        raise ExpertInCall(row.name)
    led = select(Number.e164).where(Number.expert_id == expert_id, Number.removed_at.is_(None))
    number = await s.scalar(led.limit(1))
    if number is not None:
        raise ExpertInUse(row.name, number)
    changes = versions.change(row, {"removed_at": at})
    await s.flush()
    await remove_all_phones(s, expert_id, at)
    return changes


async def locked(s: AsyncSession, expert_id: UUID, expected: Expected) -> Expert:
    """Give an expert's row, locked, at a version that is allowed."""
    row = await s.get(Expert, expert_id, populate_existing=True, with_for_update=True)
    if row is None or row.removed_at is not None:
        raise ExpertUnknown(expert_id)
    versions.require(row, expected, subject="expert", subject_id=expert_id)
    return row


async def order_phones(
    s: AsyncSession, expert_id: UUID, order: Sequence[str], *, expected: Expected
) -> None:
    """Say in which order an expert's phones ring: all of them, by name or number.

    Raises ExpertUnknown, VersionConflict or PhonesNotThose.
    """
    row = await locked(s, expert_id, expected)
    found = await s.scalars(
        select(ExpertPhone).where(
            ExpertPhone.expert_id == expert_id, ExpertPhone.removed_at.is_(None)
        )
    )
    by_name = {phone.endpoint or phone.number: phone for phone in found}
    if len(order) != len(by_name) or set(order) != set(by_name):
        raise PhonesNotThose
    if [by_name[name].position for name in order] == sorted(
        phone.position for phone in by_name.values()
    ):
        return
    # Out of the way first: two phones never have one place.
    highest = max(phone.position for phone in by_name.values())
    for shift in (highest, 0):
        for position, name in enumerate(order, 1):
            by_name[name].position = shift + position
        await s.flush()
    row.version += 1
    await s.flush()
