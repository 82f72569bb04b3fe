"""Numbers of ours changed and removed by the operator."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.errors import ExpertUnknown, NumberUnknown
from billing.catalogue.models import Expert, Number
from billing.kit import versions
from billing.kit.jobs import defer
from billing.kit.languages import check_language
from billing.kit.versions import Expected
from billing.tariffs import service as tariffs

EDITABLE: Final = frozenset(
    {
        "kind",
        "language",
        "without_payer",
        "free_limit_seconds",
        "begins_free",
        "expert_id",
        "tariff_id",
        "open",
    }
)


async def edit_number(
    s: AsyncSession, number_id: UUID, values: Mapping[str, Any], *, expected: Expected
) -> dict[str, Any]:
    """Change some of `EDITABLE`; gives what really changed. Calls that go on keep what they had.

    A number that is no longer direct loses its expert. Raises NumberUnknown, VersionConflict,
    UnknownLanguage, TariffUnknown, or ExpertUnknown, also for a direct number without one.
    """
    assert values.keys() <= EDITABLE  # the edges offer nothing else
    row = await locked(s, number_id, expected)
    after = {name: getattr(row, name) for name in EDITABLE} | dict(values)
    if after["kind"] != "direct":
        after["expert_id"] = None
    elif after["expert_id"] is None:
        raise ExpertUnknown("for the direct number")
    if after["expert_id"] is not None:
        expert = await s.get(Expert, after["expert_id"])
        if expert is None or expert.removed_at is not None:
            raise ExpertUnknown(after["expert_id"])
    if after["tariff_id"] is not None:
        await tariffs.require(s, after["tariff_id"])
    check_language(after["language"])
    changes = versions.change(row, after)
    await s.flush()
    if "free_limit_seconds" in changes:
        await defer(s, "render-prompts", free_seconds=[row.free_limit_seconds])
    return changes


async def remove_number(
    s: AsyncSession, number_id: UUID, *, expected: Expected, at: datetime
) -> dict[str, Any]:
    """Take a number out of work: new calls to it are refused, past ones keep naming it.

    Raises NumberUnknown or VersionConflict.
    """
    row = await locked(s, number_id, expected)
    changes = versions.change(row, {"removed_at": at})
    await s.flush()
    return changes


async def locked(s: AsyncSession, number_id: UUID, expected: Expected) -> Number:
    """Give a number's row, locked, at a version that is allowed."""
    row = await s.get(Number, number_id, populate_existing=True, with_for_update=True)
    if row is None or row.removed_at is not None:
        raise NumberUnknown(str(number_id))
    versions.require(row, expected, subject="number", subject_id=number_id)
    return row
