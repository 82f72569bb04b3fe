"""Rules as the system meets them: the shipped sets with the operator's figures put in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.rulesets import figures, rules
from billing.rulesets.errors import FigureSure, FigureUnknown
from billing.rulesets.loading import shipped
from billing.rulesets.models import RuleOverride
from billing.rulesets.values import CallRules, Figure, FigureValue, Kind, PremiumNumber, RuleSet


@dataclass(frozen=True, slots=True)
class ListedFigure:
    """A figure as a list shows it, with the set that it is of."""

    area: str
    valid_from: date
    figure: Figure


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


async def list_figures(s: AsyncSession, area: str | None = None) -> list[ListedFigure]:
    """List all figures of all sets, or of one country's or the EU's, as they hold."""
    sets = [one for one in shipped() if area is None or one.area == area]
    overrides = await _overrides(s, [one.area for one in sets], sets)
    return [
        ListedFigure(one.area, one.valid_from, figure)
        for one in sorted(sets, key=lambda one: (one.area, one.valid_from))
        for figure in rules.with_overrides(one, overrides).figures.values()
    ]


async def set_figure(
    s: AsyncSession, area: str, name: str, text: str, *, at: datetime
) -> tuple[FigureValue, FigureValue]:
    """Set an unsure figure from what the operator typed; gives the values before and after.

    It holds for calls that come in and numbers that are saved from then on. Raises FigureUnknown,
    FigureSure or FigureUnusable.
    """
    one, before = await _unsure(s, area, name)
    value = figures.read_text(name, text, one.currency)
    values = {"area": area, "name": name, "value": figures.write(value), "set_at": at}
    await s.execute(
        insert(RuleOverride)
        .values(values)
        .on_conflict_do_update(index_elements=["area", "name"], set_=values)
    )
    return before, value


async def reset_figure(s: AsyncSession, area: str, name: str) -> tuple[FigureValue, FigureValue]:
    """Give an unsure figure its shipped value back; gives the values before and after.

    Raises FigureUnknown or FigureSure.
    """
    one, before = await _unsure(s, area, name)
    await s.execute(
        delete(RuleOverride).where(RuleOverride.area == area, RuleOverride.name == name)
    )
    return before, one.figures[name].value


async def _unsure(s: AsyncSession, area: str, name: str) -> tuple[RuleSet, FigureValue]:
    having = [one for one in shipped() if one.area == area and name in one.figures]
    if not having:
        raise FigureUnknown(area, name)
    latest = having[-1]
    if latest.figures[name].sure:
        raise FigureSure(area, name)
    overrides = await _overrides(s, [area], having)
    return latest, overrides.get((area, name), latest.figures[name].value)


async def _overrides(
    s: AsyncSession, areas: Sequence[str], sets: Sequence[RuleSet]
) -> dict[tuple[str, str], FigureValue]:
    rows = await s.scalars(select(RuleOverride).where(RuleOverride.area.in_(areas)))
    currencies = {one.area: one.currency for one in sets}
    known = {(one.area, name) for one in sets for name in one.figures}
    return {
        (row.area, row.name): figures.read_text(row.name, row.value, currencies[row.area])
        for row in rows
        if (row.area, row.name) in known
    }
