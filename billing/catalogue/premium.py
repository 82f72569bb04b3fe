"""Premium terms as they are kept: versions added to a number, the one in force found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Literal, cast
from uuid import UUID, uuid4

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue import rules, snapshot
from billing.catalogue.errors import NumberUnknown, PremiumCurrency, PremiumTermsTaken
from billing.catalogue.models import Number, PremiumTermsRow
from billing.catalogue.values import PremiumTerms, carrier_id
from billing.kit.jobs import defer
from billing.ledger import service as ledger
from billing.ledger.values import AccountKind
from billing.money.values import Money
from billing.rulesets.service import check_number
from billing.rulesets.values import PremiumNumber
from billing.tariffs import snapshot as tariff_snapshot


@dataclass(frozen=True, slots=True)
class KeptTerms:
    """A version of a number's premium terms."""

    terms_id: UUID
    number: str
    valid_from: datetime
    terms: PremiumTerms


async def add_terms(
    s: AsyncSession, number: str, terms: PremiumTerms, *, valid_from: datetime, at: datetime
) -> KeptTerms:
    """Make a number of ours (+E.164) premium-rate, or give it new terms from `valid_from` on.

    Terms are never edited; calls that came in before keep theirs. Defers the rendering of
    what callers are told, and its measuring. Raises NumberUnknown, InvalidPremiumTerms, RuleBroken
    (by the rules of the country when the terms begin), PremiumCurrency or PremiumTermsTaken.
    """
    rules.check(terms)
    # The lock makes versions added at once come one after the other.
    row = await s.scalar(
        select(Number).where(Number.e164 == number, Number.removed_at.is_(None)).with_for_update()
    )
    if row is None:
        raise NumberUnknown(number)
    earlier = (
        await s.scalars(select(PremiumTermsRow).where(PremiumTermsRow.number_id == row.id))
    ).all()
    if any(one.valid_from == valid_from for one in earlier):
        raise PremiumTermsTaken(number, valid_from)
    if earlier and earlier[0].currency != terms.currency:
        raise PremiumCurrency(number, earlier[0].currency)
    await check_number(s, as_ruled(number, terms), valid_from)
    added = PremiumTermsRow(
        id=uuid4(),
        number_id=row.id,
        valid_from=valid_from,
        created_at=at,
        **snapshot.to_json(terms),
    )
    s.add(added)
    await s.flush()
    await ledger.ensure_accounts(
        s,
        [
            (AccountKind.CLEARING, None),
            (AccountKind.CARRIER_EXPECTED, carrier_id(terms.carrier)),
            (AccountKind.PLATFORM_EXPECTED, None),
        ],
        terms.currency,
    )
    await defer(
        s,
        "render-prompts",
        tariffs=[tariff_snapshot.to_json(terms.retail)],
        currencies=[terms.currency],
    )
    await defer(s, "check-message", number=number)
    return KeptTerms(added.id, number, valid_from, terms)


def as_ruled(number: str, terms: PremiumTerms) -> PremiumNumber:
    """Give what the rules of its country look at."""
    return PremiumNumber(
        e164=number,
        country=terms.country,
        per_minute=terms.retail_per_minute,
        per_call=terms.retail_per_call,
        increment_seconds=terms.retail.next_increment_seconds,
        publisher=terms.publisher,
        service=terms.service,
        category=terms.category,
    )


_VERSIONS = (
    select(PremiumTermsRow, Number.e164)
    .join(Number, Number.id == PremiumTermsRow.number_id)
    .where(PremiumTermsRow.number_id == bindparam("number_id"))
    .order_by(PremiumTermsRow.valid_from.desc())
)


async def versions(s: AsyncSession, number_id: UUID) -> list[KeptTerms]:
    """List all terms of a number, the latest first; none: it is no premium-rate number."""
    rows = await s.execute(_VERSIONS, {"number_id": number_id})
    return [_kept(row, e164) for row, e164 in rows]


async def in_force(s: AsyncSession, number_id: UUID, at: datetime) -> KeptTerms | None:
    """Give the terms whose start is the latest not after `at`; None before the first."""
    return latest(await versions(s, number_id), at)


def latest(newest_first: Sequence[KeptTerms], at: datetime) -> KeptTerms | None:
    """Pick the terms in force at `at`."""
    return next((kept for kept in newest_first if kept.valid_from <= at), None)


def rose_at(newest_first: Sequence[KeptTerms], at: datetime) -> datetime | None:
    """Give when the retail price last rose until `at`; None: it never did."""
    begun = [kept for kept in newest_first if kept.valid_from <= at]
    return next(
        (new.valid_from for new, old in pairwise(begun) if rules.dearer(new.terms, old.terms)),
        None,
    )


async def list_terms(s: AsyncSession, number: str | None = None) -> list[KeptTerms]:
    """List the terms of one number (+E.164) or of all, by number and start."""
    query = (
        select(PremiumTermsRow, Number.e164)
        .join(Number, Number.id == PremiumTermsRow.number_id)
        .where(Number.removed_at.is_(None))
        .order_by(Number.e164, PremiumTermsRow.valid_from)
    )
    if number is not None:
        query = query.where(Number.e164 == number)
    return [_kept(row, e164) for row, e164 in await s.execute(query)]


def _kept(row: PremiumTermsRow, e164: str) -> KeptTerms:
    def money(amount: int | None) -> Money | None:
        return None if amount is None else Money(amount, row.currency)

    return KeptTerms(
        row.id,
        e164,
        row.valid_from,
        PremiumTerms(
            retail_per_minute=Money(row.retail_per_minute, row.currency),
            retail_per_call=Money(row.retail_per_call, row.currency),
            outpayment_per_minute=Money(row.outpayment_per_minute, row.currency),
            outpayment_per_call=Money(row.outpayment_per_call, row.currency),
            carrier=row.carrier,
            announced_by=cast("Literal['carrier', 'us']", row.announced_by),
            country=row.country,
            publisher=row.publisher,
            service=row.service,
            category=row.category,
            time_zone=row.time_zone,
            maximum_seconds=row.maximum_seconds,
            maximum_charge=money(row.maximum_charge),
            day_maximum=money(row.day_maximum),
            month_maximum=money(row.month_maximum),
        ),
    )
