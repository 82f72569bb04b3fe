"""The calls worked in the design, to the cent, on a real database."""

from dataclasses import replace

from billing.calls.values import EndReason
from billing.charging.values import Grant, Quote, Refusal, Refused
from billing.shares.values import Split
from tests.database.world import World, eur

SHORT = {"minimum_talk_seconds": 10}


async def test_half_a_euro_buys_25_seconds_final_at_once(world: World) -> None:
    world.limits = replace(world.limits, minimum_talk_seconds=10)
    await world.top_up("0.50")
    call_id = await world.receive()

    quote = await world.quote(call_id)
    assert isinstance(quote, Quote)
    assert (quote.available, quote.affordable_seconds) == (eur("0.50"), 25)
    assert quote.price_known is False

    grant = await world.initial(call_id)
    assert grant == Grant(0, 25, 25, final=True, held=eur("0.50"))
    assert await world.available() == eur("0")

    settlement = await world.settle(call_id, 25, EndReason.CREDIT_USED_UP)
    assert (settlement.used_seconds, settlement.billed_seconds) == (25, 25)
    assert settlement.split == Split(
        eur("0.50"), *(type(eur("0"))(units, "EUR") for units in (833, 2_917, 1_250))
    )
    assert settlement.wallet_available == eur("0")


async def test_credit_topped_up_while_talking_lengthens_the_grant(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    assert await world.available() == eur("4.00")

    assert await world.update(call_id, 1, 150) == Grant(1, 450, 500, final=False, held=eur("9.00"))
    assert await world.update(call_id, 2, 300) == Grant(2, 500, 500, final=True, held=eur("10.00"))
    await world.top_up("10.00", "second")
    assert await world.update(call_id, 3, 400) == Grant(
        3, 700, 1000, final=False, held=eur("14.00")
    )
    assert await world.update(call_id, 4, 550) == Grant(
        4, 850, 1000, final=False, held=eur("17.00")
    )
    assert await world.update(call_id, 5, 700) == Grant(
        5, 1000, 1000, final=False, held=eur("20.00")
    )

    settlement = await world.settle(call_id, 1000, EndReason.CREDIT_USED_UP)
    assert settlement.charge == eur("20.00")
    assert await world.available() == eur("0")


async def test_two_calls_at_once_share_one_wallet(world: World) -> None:
    await world.top_up("10.00")
    first = await world.granted_call()
    second = await world.receive()
    assert isinstance(await world.quote(second, world.other_expert_id), Quote)
    assert await world.initial(second) == Grant(0, 200, 200, final=True, held=eur("4.00"))

    assert await world.update(first, 1, 150) == Grant(1, 300, 300, final=True, held=eur("6.00"))
    settlement = await world.settle(second, 100)
    assert (settlement.charge, settlement.wallet_available) == (eur("2.00"), eur("2.00"))
    assert await world.update(first, 2, 160) == Grant(2, 400, 400, final=True, held=eur("8.00"))


async def test_too_little_credit_is_refused_before_anybody_rings(world: World) -> None:
    await world.top_up("1.19")
    call_id = await world.receive()
    assert await world.quote(call_id) == Refused(Refusal.CREDIT_TOO_LOW)
    assert await world.initial(call_id) == Refused(Refusal.CREDIT_TOO_LOW)
    assert await world.available() == eur("1.19")
