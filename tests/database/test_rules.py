"""Rules as numbers are saved, and figures as the operator sets them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from billing.catalogue import premium
from billing.money.text import parse
from billing.rulesets import service
from billing.rulesets.errors import FigureSure, FigureUnknown, FigureUnusable, RuleBroken
from billing.rulesets.loading import shipped
from tests.database.test_premium_terms import TERMS
from tests.database.world import DIRECT, NOW, World


async def test_terms_against_a_rule_are_not_saved(world: World) -> None:
    async with world.sessions() as s:
        for changes in (
            {"retail_per_call": parse("0.10", "EUR")},
            {"category": "adult"},
        ):
            with pytest.raises(RuleBroken):
                await premium.add_terms(
                    s, DIRECT, replace(TERMS, **changes), valid_from=NOW, at=NOW
                )
        assert await premium.list_terms(s, DIRECT) == []


async def test_a_figure_set_by_the_operator_holds_until_it_is_reset(world: World) -> None:
    async def longest() -> int | None:
        async with world.sessions() as s:
            return (await service.rules_for_call(s, "FR", "surcharge", NOW)).maximum_seconds

    assert await longest() == 1_800
    for value, before in (("900", 1_800), ("600", 900)):
        async with world.sessions.begin() as s:
            change = await service.set_figure(s, "FR", "maximum-seconds", value, at=NOW)
        assert (change.before, change.after, change.changed) == (before, int(value), True)
        assert await longest() == int(value)
    async with world.sessions.begin() as s:
        change = await service.reset_figure(s, "FR", "maximum-seconds", at=NOW)
        assert (change.before, change.after, change.version) == (600, 1_800, 3)
        again = await service.reset_figure(s, "FR", "maximum-seconds", at=NOW)
        assert (again.version, again.changed) == (3, False)
    assert await longest() == 1_800


@pytest.mark.parametrize(
    ("area", "name", "text", "error"),
    [
        ("FR", "cap-089-per-minute", "9.00", FigureSure),
        ("FR", "notice-tell", "9.00", FigureUnknown),
        ("CH", "notice-tell", "9.00", FigureUnknown),
        ("GB", "notice-tell", "-1", FigureUnusable),
        ("GB", "notice-tell", "nine", FigureUnusable),
        ("FR", "maximum-seconds", "1.5", FigureUnusable),
    ],
)
async def test_a_figure_that_is_sure_unknown_or_unreadable_is_not_set(
    world: World, area: str, name: str, text: str, error: type[Exception]
) -> None:
    async with world.sessions.begin() as s:
        with pytest.raises(error):
            await service.set_figure(s, area, name, text, at=NOW)


async def test_a_set_of_next_month_holds_for_calls_from_its_first_day(world: World) -> None:
    (french,) = [one for one in shipped() if one.area == "FR"]
    figure = replace(french.figures["maximum-seconds"], value=600)
    december = datetime(2026, 12, 1, tzinfo=UTC)
    later = replace(
        french,
        valid_from=december.date(),
        figures={**french.figures, "maximum-seconds": figure},
    )
    async with world.sessions() as s:
        for at, seconds in ((NOW, 1_800), (december, 600)):
            asked = await service.rules_for_call(s, "FR", "surcharge", at, sets=(*shipped(), later))
            assert asked.maximum_seconds == seconds
