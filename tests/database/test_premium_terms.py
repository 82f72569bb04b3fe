"""Premium terms as they are kept: versions, the one in force, what the call meets."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.catalogue import premium
from billing.catalogue import service as catalogue
from billing.catalogue.errors import NumberUnknown, PremiumCurrency, PremiumTermsTaken
from billing.catalogue.values import PremiumTerms
from billing.kit.clock import now
from billing.money.text import parse
from billing.money.values import Money
from tests.database.world import DIRECT, NOW, World, eur

TERMS = PremiumTerms(
    retail_per_minute=eur("0.80"),
    retail_per_call=eur("0"),
    outpayment_per_minute=parse("0.5432", "EUR", ledger_units=True),
    outpayment_per_call=eur("0"),
    carrier="carrier",
    announced_by="carrier",
    country="FR",
    publisher="Example SARL",
    service="Advice by Ada",
    category="advice",
    time_zone="Europe/Paris",
    month_maximum=eur("300.00"),
)
DEARER = replace(TERMS, retail_per_minute=eur("1.20"))


async def test_a_number_serves_the_terms_in_force_when_the_call_came_in(world: World) -> None:
    later = NOW + timedelta(days=9)
    async with world.sessions.begin() as s:
        await premium.add_terms(s, DIRECT, TERMS, valid_from=NOW, at=NOW)
        await premium.add_terms(s, DIRECT, DEARER, valid_from=later, at=NOW)
    async with world.sessions() as s:
        for at, terms in ((NOW, TERMS), (later - timedelta(seconds=1), TERMS), (later, DEARER)):
            served = await catalogue.find_number(s, DIRECT, None, at=at)
            assert served is not None
            assert served.premium == terms
        assert [kept.terms for kept in await premium.list_terms(s, DIRECT)] == [TERMS, DEARER]


async def test_a_number_whose_first_terms_begin_later_takes_no_call_until_then(
    world: World,
) -> None:
    later = now() + timedelta(days=1)
    async with world.sessions.begin() as s:
        kept = await premium.add_terms(s, DIRECT, TERMS, valid_from=later, at=NOW)
    async with world.sessions() as s:
        assert await catalogue.find_number(s, DIRECT, None) is None
        assert await catalogue.find_number(s, DIRECT, None, at=later) is not None
        assert await premium.list_terms(s) == [kept]


async def test_an_ordinary_number_has_no_terms(world: World) -> None:
    async with world.sessions() as s:
        served = await catalogue.find_number(s, DIRECT, None)
        assert served is not None
        assert served.premium is None
        assert await premium.in_force(s, world.number_id, NOW) is None


async def test_terms_are_never_edited_and_keep_their_currency(world: World) -> None:
    async with world.sessions.begin() as s:
        await premium.add_terms(s, DIRECT, TERMS, valid_from=NOW, at=NOW)
        with pytest.raises(PremiumTermsTaken):
            await premium.add_terms(s, DIRECT, DEARER, valid_from=NOW, at=NOW)
        pounds = replace(
            TERMS,
            retail_per_minute=Money(8_000, "GBP"),
            retail_per_call=Money(0, "GBP"),
            outpayment_per_minute=Money(5_000, "GBP"),
            outpayment_per_call=Money(0, "GBP"),
            month_maximum=None,
        )
        with pytest.raises(PremiumCurrency):
            await premium.add_terms(s, DIRECT, pounds, valid_from=NOW + timedelta(days=1), at=NOW)
        with pytest.raises(NumberUnknown):
            await premium.add_terms(s, "+33899009999", TERMS, valid_from=NOW, at=NOW)
    async with world.sessions() as s:
        with pytest.raises(DBAPIError, match="only ever added"):
            await s.execute(text("UPDATE premium_terms SET retail_per_minute = 1"))
