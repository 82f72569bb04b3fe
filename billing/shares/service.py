"""Share rules as they are kept."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.models import Expert
from billing.kit.errors import PrimelineError
from billing.shares import rules
from billing.shares.models import ShareRow
from billing.shares.values import ShareRule
from billing.tariffs.models import TariffVersion


class ShareWithoutOwner(PrimelineError):
    """A share rule that belongs to nobody, or to two."""

    code = "share-without-owner"

    def __init__(self) -> None:
        super().__init__("A share belongs either to an expert or to a number.")


async def set_share(
    s: AsyncSession,
    rule: ShareRule,
    *,
    at: datetime,
    expert_id: UUID | None = None,
    number_id: UUID | None = None,
) -> None:
    """Set the share of an expert, or of all calls to a number (which wins).

    Raises InvalidShareRule or ShareWithoutOwner. Calls already quoted keep what was frozen.
    """
    if (expert_id is None) == (number_id is None):
        raise ShareWithoutOwner
    highest_tax = await s.scalar(
        select(func.max(TariffVersion.tax_basis_points))
        .join(Expert, Expert.tariff_id == TariffVersion.tariff_id)
        .where(Expert.id == expert_id)
    )
    rules.check(rule, tax_basis_points=highest_tax or 0)
    await s.execute(
        delete(ShareRow).where(
            ShareRow.number_id == number_id
            if expert_id is None
            else ShareRow.expert_id == expert_id
        )
    )
    s.add(
        ShareRow(
            expert_id=expert_id,
            number_id=number_id,
            expert_basis_points=rule.expert_basis_points,
            basis=rule.basis,
            set_at=at,
        )
    )
    await s.flush()


async def share_for(s: AsyncSession, *, expert_id: UUID, number_id: UUID) -> ShareRule:
    """Give the share of calls to an expert by a number; the default is 70 % of the net."""
    row = await s.scalar(
        select(ShareRow)
        .where((ShareRow.number_id == number_id) | (ShareRow.expert_id == expert_id))
        .order_by(case((ShareRow.number_id == number_id, 0), else_=1))
        .limit(1)
    )
    return ShareRule() if row is None else _rule(row)


async def shares_of(s: AsyncSession, expert_ids: Sequence[UUID]) -> dict[UUID, ShareRule]:
    """Give experts' own shares, the default where they have none."""
    rows = await s.scalars(select(ShareRow).where(ShareRow.expert_id.in_(expert_ids)))
    own = {row.expert_id: _rule(row) for row in rows}
    return {expert_id: own.get(expert_id, ShareRule()) for expert_id in expert_ids}


def _rule(row: ShareRow) -> ShareRule:
    return ShareRule(row.expert_basis_points, "gross" if row.basis == "gross" else "net")
