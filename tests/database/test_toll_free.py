"""Paid talk on toll-free numbers: a PIN always, accepted terms, and notice of a higher price."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from billing.accounts.callers import edit_caller
from billing.calls import service as calls
from billing.catalogue import service as catalogue
from billing.catalogue.tollfree import check_notice
from billing.charging import service as charging
from billing.charging.values import Quote, Refusal, Refused
from billing.kit.ids import new_call_id
from billing.rulesets.errors import RuleBroken
from billing.tariffs import service as tariffs
from tests.database.world import CALLER, MENU, NOW, World, eur, tariff_of

TOLL_FREE = "+18005550100"
AMERICAN = "+12125550100"


async def make_number(world: World, number: str, tariff_id: UUID | None = None) -> UUID:
    async with world.sessions.begin() as s:
        return await catalogue.add_number(
            s, number=number, kind="menu", tariff_id=tariff_id, at=NOW
        )


async def receive(world: World, number: str) -> tuple[UUID, bool]:
    """A call of a caller whom his number alone would do for; gives whether a PIN is asked for."""
    await world.set_limits(number_alone_limit=eur("5.00"))
    call_id = new_call_id()
    async with world.sessions.begin() as s:
        reception = await calls.receive(
            s,
            call_id=call_id,
            asterisk_id="asterisk",
            channel_id=f"{call_id}-caller",
            dialled=number,
            caller_number=CALLER,
            trunk="carrier",
            language_default="en",
            at=NOW,
        )
    assert reception.caller is not None
    return call_id, reception.caller.pin_needed


async def quote(world: World, call_id: UUID, number_id: UUID) -> Quote | Refused:
    async with world.sessions.begin() as s:
        return await charging.quote(
            s,
            call_id,
            account_id=world.account_id,
            expert_id=world.expert_id,
            number_id=number_id,
            limits=world.limits,
            at=NOW,
        )


async def test_a_toll_free_number_asks_for_the_pin_where_the_number_alone_would_do(
    world: World,
) -> None:
    await world.top_up("10.00")
    for number in (TOLL_FREE, AMERICAN):
        await make_number(world, number)
    assert (await receive(world, MENU))[1] is False
    assert (await receive(world, AMERICAN))[1] is False
    assert (await receive(world, TOLL_FREE))[1] is True


async def test_nothing_is_charged_on_a_toll_free_number_before_its_terms_are_accepted(
    world: World,
) -> None:
    await world.top_up("10.00")
    number_id = await make_number(world, TOLL_FREE)
    call_id, _ = await receive(world, TOLL_FREE)
    assert await quote(world, call_id, number_id) == Refused(Refusal.TERMS_NOT_ACCEPTED)
    async with world.sessions.begin() as s:
        await edit_caller(s, world.account_id, {"terms_accepted_at": NOW}, expected=None)
    assert isinstance(await quote(world, call_id, number_id), Quote)


async def test_other_numbers_need_no_accepted_terms(world: World) -> None:
    await world.top_up("10.00")
    number_id = await make_number(world, AMERICAN)
    call_id, _ = await receive(world, AMERICAN)
    assert isinstance(await quote(world, call_id, number_id), Quote)


async def test_a_higher_price_on_a_toll_free_number_needs_31_days_of_notice(world: World) -> None:
    async with world.sessions.begin() as s:
        kept = await tariffs.add_version(
            s, name="free line", tariff=tariff_of("1.20"), valid_from=NOW, at=NOW
        )
    await make_number(world, TOLL_FREE, kept.tariff_id)

    async def check(price: str, days: int) -> None:
        tariff = replace(kept.tariff, price_per_minute=eur(price))
        async with world.sessions() as s:
            start = NOW + timedelta(days=days)
            await check_notice(s, kept.tariff_id, tariff, valid_from=start, at=NOW)

    with pytest.raises(RuleBroken, match=r"R19.*price-change-notice-days.*2026-12-23"):
        await check("1.50", 30)
    await check("1.50", 31)
    await check("1.00", 0)


async def test_the_notice_counts_for_an_experts_tariff_on_a_toll_free_menu(world: World) -> None:
    async with world.sessions() as s:
        tariff_id = await catalogue.tariff_for(
            s, expert_id=world.expert_id, number_id=world.number_id
        )
    assert tariff_id is not None
    dearer = tariff_of("9.90")
    async with world.sessions() as s:
        await check_notice(s, tariff_id, dearer, valid_from=NOW, at=NOW)
    await make_number(world, TOLL_FREE)
    async with world.sessions() as s:
        with pytest.raises(RuleBroken, match="R19"):
            await check_notice(s, tariff_id, dearer, valid_from=NOW, at=NOW)
