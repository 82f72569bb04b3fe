"""Paid talk on toll-free numbers: what their country asks for beyond a price (rule R19)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.models import Expert, Number
from billing.catalogue.values import LINES
from billing.kit.phones import country_of
from billing.rulesets import rules
from billing.rulesets.errors import RuleBroken
from billing.rulesets.service import kind_of_number, rules_for_number, sets_in_force
from billing.tariffs import service as tariffs
from billing.tariffs.values import Tariff
from billing.tariffs.windows import Timetable, dearer


async def pin_required(s: AsyncSession, e164: str, at: datetime) -> bool:
    """Whether a call that came in at `at` on a number (+E.164) may be paid for only with a PIN.

    There the caller must have accepted the terms of paying, too.
    """
    country = country_of(e164)
    if country is None or kind_of_number(country, e164, at) != "toll-free":
        # What a number is isn't for the operator to set: nothing need be read for most calls.
        return False
    return (await rules_for_number(s, country, e164, at)).caller_pin_required


async def check_notice(
    s: AsyncSession,
    tariff_id: UUID,
    tariff: Tariff,
    *,
    valid_from: datetime,
    at: datetime,
    timetable: Timetable | None = None,
) -> None:
    """Raise RuleBroken for a dearer version that begins too soon for a toll-free number.

    Callers are taken to be told when the version is added. A version is dearer if it is so at any
    time of the week.
    """
    before = await tariffs.version_at(s, tariff_id, valid_from)
    if before is None or not dearer((tariff, timetable), (before.tariff, before.timetable)):
        return
    for e164 in await _numbers_of(s, tariff_id):
        country = country_of(e164)
        sets = await sets_in_force(s, country, at) if country else ()
        first = rules.change_allowed_from(sets, rules.kind_of(sets, e164), at.date())
        if valid_from.date() < first:
            problem = (
                f"A higher price on the toll-free number {e164} needs notice"
                f" (price-change-notice-days); it may begin on {first} at the earliest."
            )
            raise RuleBroken("R19", problem)


async def _numbers_of(s: AsyncSession, tariff_id: UUID) -> list[str]:
    """List the numbers where calls may cost what the tariff says: its own, and its experts'."""
    theirs = exists().where(
        Expert.tariff_id == tariff_id,
        Expert.removed_at.is_(None),
        or_(Number.kind == "menu", Number.expert_id == Expert.id),
    )
    found = await s.scalars(
        select(Number.e164)
        .where(
            Number.removed_at.is_(None),
            Number.kind.not_in(LINES),
            or_(Number.tariff_id == tariff_id, and_(Number.tariff_id.is_(None), theirs)),
        )
        .order_by(Number.e164)
    )
    return list(found)
