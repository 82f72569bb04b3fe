"""What premium terms would mean, asked before they are saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue import rules
from billing.catalogue.errors import PremiumCurrency
from billing.catalogue.listing import get_number
from billing.catalogue.premium import as_ruled, versions
from billing.catalogue.values import PremiumTerms
from billing.money.values import Money
from billing.rulesets.errors import RuleBroken
from billing.rulesets.rules import broken_by, call_rules, kind_of
from billing.rulesets.service import sets_in_force


@dataclass(frozen=True, slots=True)
class MeteredCall:
    """What a call of so many seconds on the carrier's meter comes to."""

    metered_seconds: int
    retail: Money
    outpayment: Money


@dataclass(frozen=True, slots=True)
class Preview:
    """The rules that terms would break, none if they could be saved, and what calls come to.

    `message` are the parts of the free message that the rules ask for, in order.
    """

    broken: tuple[RuleBroken, ...]
    calls: tuple[MeteredCall, ...]
    message: tuple[str, ...]


async def preview(
    s: AsyncSession,
    number_id: UUID,
    terms: PremiumTerms,
    *,
    valid_from: datetime,
    seconds: Sequence[int],
) -> Preview:
    """Try terms of a number from `valid_from` on; calls beyond the longest one are left out.

    Raises NumberUnknown, InvalidPremiumTerms or PremiumCurrency; broken rules are all listed.
    """
    rules.check(terms)
    number = await get_number(s, number_id)
    for kept in await versions(s, number_id):
        if kept.terms.currency != terms.currency:
            raise PremiumCurrency(number.e164, kept.terms.currency)
    sets = await sets_in_force(s, terms.country, valid_from)
    return Preview(
        broken=broken_by(sets, as_ruled(number.e164, terms)),
        calls=tuple(
            MeteredCall(one, rules.retail(terms, one), rules.outpayment(terms, one))
            for one in seconds
            if one <= terms.maximum_seconds
        ),
        message=call_rules(sets, kind_of(sets, number.e164)).message,
    )
