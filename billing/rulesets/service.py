"""Rules as the system meets them: the shipped sets with the operator's figures put in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import String, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.versions import Expected, change, require
from billing.rulesets import figures, rules
from billing.rulesets.errors import FigureSure, FigureUnknown
from billing.rulesets.loading import shipped
from billing.rulesets.models import RuleOverride
from billing.rulesets.values import CallRules, Figure, FigureValue, Kind, PremiumNumber, RuleSet

SUBJECT: Final = "rule-figure"
"""What the audit log calls a figure."""


@dataclass(frozen=True, slots=True)
class ListedFigure:
    """A figure as a list shows it, with the set that it is of."""

    area: str
    valid_from: date
    currency: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class FigureChange:
    """What setting or resetting a figure came to; not `changed`: it had the value already."""

    before: FigureValue
    after: FigureValue
    version: int
    changed: bool


async def rules_for_call(
    s: AsyncSession,
    country: str,
    kind: Kind,
    at: datetime,
    *,
    sets: Sequence[RuleSet] | None = None,
) -> CallRules:
    """Give what the rules ask of a call that came in at `at` on a number of a kind."""
    return rules.call_rules(await sets_in_force(s, country, at, sets=sets), kind)


def kind_of_number(country: str, e164: str, at: datetime) -> Kind:
    """Say what a number (+E.164) is by the sets that come with Primeline."""
    return rules.kind_of(rules.in_force(shipped(), country, at.date()), e164)


async def rules_for_number(s: AsyncSession, country: str, e164: str, at: datetime) -> CallRules:
    """Give what the rules ask of a call that came in at `at` on a number (+E.164)."""
    sets = await sets_in_force(s, country, at)
    return rules.call_rules(sets, rules.kind_of(sets, e164))


async def check_number(
    s: AsyncSession,
    number: PremiumNumber,
    valid_from: datetime,
    *,
    sets: Sequence[RuleSet] | None = None,
) -> None:
    """Raise RuleBroken for the first rule that a premium-rate number or its price breaks.

    It is checked against the sets of the day on which its terms begin.
    """
    in_force = await sets_in_force(s, number.country, valid_from, sets=sets)
    for broken in rules.broken_by(in_force, number):
        raise broken


async def sets_in_force(
    s: AsyncSession, country: str, at: datetime, *, sets: Sequence[RuleSet] | None = None
) -> tuple[RuleSet, ...]:
    """Give the sets of a country at a moment, in UTC days, with the operator's figures."""
    picked = rules.in_force(sets or shipped(), country, at.date())
    if not picked:
        return ()
    overrides = await _overrides(s, [one.area for one in picked], picked)
    return tuple(rules.with_overrides(one, overrides) for one in picked)


def list_sets(area: str | None = None) -> list[RuleSet]:
    """List the sets that come with Primeline, of all areas or of one, by area and start."""
    sets = [one for one in shipped() if area is None or one.area == area]
    return sorted(sets, key=lambda one: (one.area, one.valid_from))


async def list_figures(s: AsyncSession, area: str | None = None) -> list[ListedFigure]:
    """List all figures of all sets, or of one country's or the EU's, as they hold."""
    sets = list_sets(area)
    overrides = await _overrides(s, [one.area for one in sets], sets)
    return [
        ListedFigure(one.area, one.valid_from, one.currency, figure)
        for one in sets
        for figure in rules.with_overrides(one, overrides).figures.values()
    ]


async def get_figure(s: AsyncSession, area: str, name: str) -> tuple[ListedFigure, int]:
    """Give a figure of an area's latest set that has it, and its version; raises FigureUnknown.

    The version rises each time that the operator sets or resets it; 0: he never did.
    """
    found = [one for one in await list_figures(s, area) if one.figure.name == name]
    if not found:
        raise FigureUnknown(area, name)
    row = await s.get(RuleOverride, (area, name))
    return found[-1], row.version if row else 0


async def set_figure(
    s: AsyncSession, area: str, name: str, text: str, *, at: datetime, expected: Expected = None
) -> FigureChange:
    """Set an unsure figure from what the operator typed.

    It holds for calls that come in and numbers that are saved from then on. Raises FigureUnknown,
    FigureSure, FigureUnusable or VersionConflict.
    """
    one = _unsure(area, name)
    value = figures.read_text(name, text, one.currency)
    return await _change(s, one, name, value, at, expected)


async def reset_figure(
    s: AsyncSession, area: str, name: str, *, at: datetime, expected: Expected = None
) -> FigureChange:
    """Give an unsure figure its shipped value back.

    Raises FigureUnknown, FigureSure or VersionConflict.
    """
    return await _change(s, _unsure(area, name), name, None, at, expected)


def _unsure(area: str, name: str) -> RuleSet:
    having = [one for one in list_sets(area) if name in one.figures]
    if not having:
        raise FigureUnknown(area, name)
    if having[-1].figures[name].sure:
        raise FigureSure(area, name)
    return having[-1]


async def _change(
    s: AsyncSession,
    one: RuleSet,
    name: str,
    value: FigureValue | None,
    at: datetime,
    expected: Expected,
) -> FigureChange:
    never = {"area": one.area, "name": name, "value": None, "set_at": at, "version": 0}
    await s.execute(insert(RuleOverride).values(never).on_conflict_do_nothing())
    row = await s.get_one(
        RuleOverride, (one.area, name), with_for_update=True, populate_existing=True
    )
    require(row, expected, subject=SUBJECT, subject_id=subject_id(one.area, name))
    shipped_value = one.figures[name].value
    before = shipped_value
    if row.value is not None:
        before = figures.read_text(name, row.value, one.currency)
    changed = change(row, {"value": None if value is None else figures.write(value)})
    if changed:
        row.set_at = at
    await s.flush()
    after = shipped_value if value is None else value
    return FigureChange(before, after, row.version, changed=bool(changed))


def subject_id(area: str, name: str) -> str:
    """Name a figure as the audit log does."""
    return f"{area} {name}"


_SET_FIGURES: Final = select(RuleOverride).where(
    RuleOverride.area == any_(bindparam("areas", type_=ARRAY(String()))),
    RuleOverride.value.is_not(None),
)


async def _overrides(
    s: AsyncSession, areas: Sequence[str], sets: Sequence[RuleSet]
) -> dict[tuple[str, str], FigureValue]:
    rows = await s.scalars(_SET_FIGURES, {"areas": list(areas)})
    currencies = {one.area: one.currency for one in sets}
    known = {(one.area, name) for one in sets for name in one.figures}
    return {
        (row.area, row.name): figures.read_text(row.name, row.value, currencies[row.area])
        for row in rows
        if row.value is not None and (row.area, row.name) in known
    }
