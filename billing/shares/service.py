"""Share rules as they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, case, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.models import Expert, Number
from billing.kit.errors import PrimelineError
from billing.kit.pages import After, Slice, take
from billing.shares import rules
from billing.shares.models import ShareRow
from billing.shares.values import ShareRule
from billing.tariffs.models import TariffVersion


class ShareWithoutOwner(PrimelineError):
    """A share rule that belongs to nobody, or to two."""

    code = "share-without-owner"

    def __init__(self) -> None:
        super().__init__("A share belongs either to an expert or to a number.")


@dataclass(frozen=True, slots=True)
class ShareListed:
    """A share rule in force with whose it is: an expert's, or a number's."""

    rule_id: int
    expert_id: UUID | None
    expert: str | None
    number_id: UUID | None
    number: str | None
    rule: ShareRule
    set_at: datetime


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
    highest_tax = select(func.max(TariffVersion.tax_basis_points))
    if number_id is None:
        highest_tax = highest_tax.join(Expert, Expert.tariff_id == TariffVersion.tariff_id).where(
            Expert.id == expert_id
        )
    elif own := await s.scalar(select(Number.tariff_id).where(Number.id == number_id)):
        highest_tax = highest_tax.where(TariffVersion.tariff_id == own)
    rules.check(rule, tax_basis_points=await s.scalar(highest_tax) or 0)
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


async def remove_share(s: AsyncSession, number_id: UUID) -> None:
    """Take a number's own share away: the experts' hold for its calls again."""
    await s.execute(delete(ShareRow).where(ShareRow.number_id == number_id))


async def share_of_number(s: AsyncSession, number_id: UUID) -> ShareRule | None:
    """Give a number's own share; None: the experts' hold."""
    row = await s.scalar(select(ShareRow).where(ShareRow.number_id == number_id))
    return None if row is None else _rule(row)


async def page_shares(
    s: AsyncSession, *, limit: int, after: After | None = None
) -> Slice[ShareListed]:
    """List the rules in force of whoever was not removed, in the order they were set."""
    query = (
        select(ShareRow, Expert.name, Number.e164)
        .outerjoin(Expert, Expert.id == ShareRow.expert_id)
        .outerjoin(Number, Number.id == ShareRow.number_id)
        .where(Expert.removed_at.is_(None), Number.removed_at.is_(None))
    )
    found = await take(s, query, (ShareRow.id,), limit=limit, after=after)
    listed = [
        ShareListed(row.id, row.expert_id, expert, row.number_id, number, _rule(row), row.set_at)
        for row, expert, number in found.items
    ]
    return Slice(tuple(listed), found.after)


_BY_NUMBER = ShareRow.number_id == bindparam("number")
_SHARE = (
    select(ShareRow)
    .where(_BY_NUMBER | (ShareRow.expert_id == bindparam("expert")))
    .order_by(case((_BY_NUMBER, 0), else_=1))
    .limit(1)
)


async def share_for(s: AsyncSession, *, expert_id: UUID, number_id: UUID) -> ShareRule:
    """Give the share of calls to an expert by a number; the default is 70 % of the net."""
    row = await s.scalar(_SHARE, {"number": number_id, "expert": expert_id})
    return ShareRule() if row is None else _rule(row)


async def shares_of(s: AsyncSession, expert_ids: Sequence[UUID]) -> dict[UUID, ShareRule]:
    """Give experts' own shares, the default where they have none."""
    rows = await s.scalars(select(ShareRow).where(ShareRow.expert_id.in_(expert_ids)))
    own = {row.expert_id: _rule(row) for row in rows}
    return {expert_id: own.get(expert_id, ShareRule()) for expert_id in expert_ids}


def _rule(row: ShareRow) -> ShareRule:
    return ShareRule(row.expert_basis_points, "gross" if row.basis == "gross" else "net")
