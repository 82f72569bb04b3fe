"""Trunks, as far as numbers of ours depend on them."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.models import Number, PremiumTermsRow
from billing.endpoints import trunks
from billing.endpoints.errors import TrunkInUse
from billing.kit.versions import Expected


async def remove_trunk(s: AsyncSession, name: str, *, expected: Expected = None) -> None:
    """Forget a trunk that nothing needs; calls keep its name.

    Raises TrunkUnknown, VersionConflict, or TrunkInUse where an expert is rung by it or a
    premium-rate number of ours names it as its carrier.
    """
    named = await s.scalar(
        select(Number.e164)
        .join(PremiumTermsRow, PremiumTermsRow.number_id == Number.id)
        .where(PremiumTermsRow.carrier == name, Number.removed_at.is_(None))
        .limit(1)
    )
    if named is not None:
        raise TrunkInUse(name, f"the premium-rate number {named}")
    await trunks.remove_trunk(s, name, expected=expected)
