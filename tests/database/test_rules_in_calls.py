"""What the rules make of a premium-rate call: frozen as it came in, of two bounds the lower."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.catalogue import experts, premium
from billing.catalogue import service as catalogue
from billing.catalogue.values import Availability, PremiumTerms
from billing.charging.premium.values import Cap, PremiumPlan
from billing.charging.values import Refusal, Refused
from billing.money.text import parse
from billing.rulesets import service as rulesets
from billing.rulesets.loading import shipped
from billing.rulesets.values import SpendNotice
from tests.database.test_premium_calls import STRANGER, books_are_right, hold, receive, settle
from tests.database.test_premium_terms import TERMS
from tests.database.world import NOW, World, eur

LINES = {"FR": "+33199001301", "GB": "+449098790301", "US": "+19005550131"}
CURRENCIES = {"FR": "EUR", "GB": "GBP", "US": "USD"}


async def ruled(world: World, country: str, price: str = "0.60", **changes: Any) -> PremiumTerms:
    """A number of a country with terms that bound nothing themselves."""
    currency = CURRENCIES[country]
    nothing = parse("0", currency)
    terms = replace(
        TERMS,
        country=country,
        retail_per_minute=parse(price, currency),
        retail_per_call=nothing,
        outpayment_per_minute=nothing,
        outpayment_per_call=nothing,
        month_maximum=None,
        **changes,
    )
    async with world.sessions.begin() as s:
        await catalogue.add_number(
            s, number=LINES[country], kind="direct", expert_id=world.expert_id, at=NOW
        )
        await premium.add_terms(s, LINES[country], terms, valid_from=NOW, at=NOW)
    return terms


async def checked(world: World) -> None:
    """Somebody looked into who the expert is."""
    async with world.sessions.begin() as s:
        await experts.check_expert(s, world.expert_id, by="sam", note="Passport seen.", at=NOW)


async def planned(world: World, country: str, caller: str = STRANGER) -> PremiumPlan:
    """A call that comes in now, is planned, and ends without a talk."""
    call_id = await receive(world, caller, number=LINES[country])
    plan = await hold(world, call_id)
    assert isinstance(plan, PremiumPlan)
    await settle(world, call_id, talked=None)
    return plan


async def test_a_set_of_next_month_changes_only_calls_that_come_in_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ruled(world, "FR")
    (french,) = [one for one in shipped() if one.area == "FR"]
    december = datetime(2026, 12, 1, tzinfo=UTC)
    shorter = replace(french.figures["maximum-seconds"], value=600)
    later = replace(
        french,
        valid_from=december.date(),
        figures={**french.figures, "maximum-seconds": shorter},
    )
    monkeypatch.setattr(rulesets, "shipped", lambda: (*shipped(), later))
    world.now = december - timedelta(seconds=1)
    before = await receive(world, number=LINES["FR"])
    world.now = december
    plan = await hold(world, before)
    assert isinstance(plan, PremiumPlan)
    assert plan.bounds.rule_set == "EU-2018-01-13 FR-2015-10-01"
    assert plan.cap == Cap(1_800, "seconds")
    # It stays so for as long as the call lasts, whatever is asked of it again.
    assert await hold(world, before) == plan
    await settle(world, before, talked=None)
    after = await planned(world, "FR")
    assert after.bounds.rule_set == "EU-2018-01-13 FR-2026-12-01"
    assert after.cap == Cap(600, "seconds")


async def test_a_figure_set_during_a_call_leaves_it_as_it_is(world: World) -> None:
    await ruled(world, "FR")
    call_id = await receive(world, number=LINES["FR"])
    plan = await hold(world, call_id)
    async with world.sessions.begin() as s:
        await rulesets.set_figure(s, "FR", "maximum-seconds", "60", at=NOW)
    assert await hold(world, call_id) == plan
    await settle(world, call_id, talked=None)
    assert (await planned(world, "FR")).cap == Cap(60, "seconds")


@pytest.mark.parametrize(
    ("own", "cap"),
    [
        ({}, Cap(60, "amount")),
        ({"maximum_charge": eur("60.00")}, Cap(60, "amount")),
        ({"maximum_charge": eur("25.00")}, Cap(30, "amount")),
        ({"maximum_seconds": 20}, Cap(20, "seconds")),
    ],
)
async def test_r22_a_call_costs_50_euros_at_most_or_what_its_terms_say_if_that_is_less(
    world: World, own: dict[str, Any], cap: Cap
) -> None:
    await ruled(world, "FR", "50.00", **own)
    assert (await planned(world, "FR")).cap == cap


async def test_r22_the_next_call_of_a_number_that_spent_300_euros_in_a_month_is_refused(
    world: World,
) -> None:
    await ruled(world, "FR", "50.00")
    for _ in range(6):
        call_id = await receive(world, number=LINES["FR"])
        assert isinstance(await hold(world, call_id), PremiumPlan)
        await settle(world, call_id, talked=None, metered=60)
    assert await hold(world, await receive(world, number=LINES["FR"])) == Refused(
        Refusal.LIMIT_REACHED
    )
    await planned(world, "FR", caller="+33639980078")
    world.now = datetime(2026, 12, 1, tzinfo=UTC)
    await planned(world, "FR")
    await books_are_right(world)


async def test_r13_an_expert_has_british_calls_only_once_he_was_checked(world: World) -> None:
    await ruled(world, "GB", "3.60")
    refused = await receive(world, number=LINES["GB"])
    assert await hold(world, refused) == Refused(Refusal.EXPERT_NOT_CHECKED)
    assert await world.availability(world.expert_id) is Availability.AVAILABLE
    await settle(world, refused, talked=None)
    await checked(world)
    await planned(world, "GB")
    async with world.sessions.begin() as s:
        await experts.uncheck_expert(s, world.expert_id)
    again = await receive(world, number=LINES["GB"])
    assert await hold(world, again) == Refused(Refusal.EXPERT_NOT_CHECKED)
    await settle(world, again, talked=None)
    await books_are_right(world)


async def test_r13_french_calls_need_no_check(world: World) -> None:
    await ruled(world, "FR")
    await planned(world, "FR")


async def test_r10_a_british_call_is_told_confirmed_and_ended_at_the_operators_amounts(
    world: World,
) -> None:
    await ruled(world, "GB", "3.60")
    await checked(world)
    assert (await planned(world, "GB")).cap == Cap(666, "amount")
    async with world.sessions.begin() as s:
        await rulesets.set_figure(s, "GB", "notice-end", "0.60", at=NOW)
        await rulesets.set_figure(s, "GB", "notice-tell", "0.12", at=NOW)
    plan = await planned(world, "GB")
    assert plan.cap == Cap(10, "amount")
    assert plan.bounds.notices == (
        SpendNotice(parse("0.12", "GBP"), "tell"),
        SpendNotice(parse("30", "GBP"), "confirm"),
        SpendNotice(parse("0.60", "GBP"), "end"),
    )


@pytest.mark.parametrize(
    ("price", "days", "skippable"),
    [("0.61", 29, False), ("0.61", 30, True), ("0.60", 29, True), ("0.59", 29, True)],
)
async def test_r16_no_key_skips_the_message_for_a_while_after_the_price_rose(
    world: World, price: str, days: int, skippable: bool
) -> None:
    terms = await ruled(world, "US")
    assert (await planned(world, "US")).bounds.message_skippable
    changed = replace(terms, retail_per_minute=parse(price, "USD"))
    # A later cut doesn't undo the rise for those who know the first price.
    cheaper = replace(terms, retail_per_minute=parse("0.10", "USD"))
    since = NOW + timedelta(days=1)
    async with world.sessions.begin() as s:
        await premium.add_terms(s, LINES["US"], changed, valid_from=since, at=NOW)
        await premium.add_terms(
            s, LINES["US"], cheaper, valid_from=since + timedelta(days=2), at=NOW
        )
    assert (await planned(world, "US")).bounds.message_skippable
    world.now = since + timedelta(days=days)
    assert (await planned(world, "US")).bounds.message_skippable is skippable


async def test_r18_the_message_is_left_out_only_below_an_amount_that_the_operator_set(
    world: World,
) -> None:
    await ruled(world, "US", maximum_charge=parse("2.00", "USD"))
    assert "price" in (await planned(world, "US")).bounds.message
    async with world.sessions.begin() as s:
        await rulesets.set_figure(s, "US", "message-free-below", "2.00", at=NOW)
    assert (await planned(world, "US")).bounds.message == ()
