"""Holds: nobody spends what isn't there, however many calls ask at once."""

import asyncio
from dataclasses import replace

import pytest

from billing.accounts import service as accounts
from billing.calls import books
from billing.charging import holds
from billing.charging.errors import RequestOutOfOrder, SessionState, SessionUnknown
from billing.charging.values import Grant, Quote, Refusal, Refused
from billing.kit.ids import new_call_id
from billing.tariffs import service as tariffs
from billing.tariffs.rules import charge
from tests.database.world import NOW, World, add_experts, eur, tariff_of


async def test_ten_calls_at_once_on_one_euro_leave_less_than_an_increment(world: World) -> None:
    world.limits = replace(world.limits, minimum_talk_seconds=1, grant_seconds=6)
    await world.top_up("1.00")
    experts = await add_experts(world, 10)
    calls = [await world.receive() for _ in experts]
    for call_id, expert_id in zip(calls, experts, strict=True):
        assert isinstance(await world.quote(call_id, expert_id), Quote)

    answers = await asyncio.gather(*(world.initial(call_id) for call_id in calls))

    granted = [answer for answer in answers if isinstance(answer, Grant)]
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert all(answer == Refused(Refusal.CREDIT_TOO_LOW) for answer in refused)
    assert sum(grant.held.amount for grant in granted) == 10_000 - (await world.available()).amount
    assert await world.available() < charge(tariff_of(), 1)
    assert [grant.granted_seconds for grant in granted].count(6) == 8


async def test_the_last_try_is_decided_with_the_rows_locked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.limits = replace(world.limits, minimum_talk_seconds=1, grant_seconds=6)
    await world.top_up("1.00")
    monkeypatch.setattr(holds, "OPTIMISTIC_TRIES", 0)
    experts = await add_experts(world, 6)
    calls = [await world.receive() for _ in experts]
    for call_id, expert_id in zip(calls, experts, strict=True):
        await world.quote(call_id, expert_id)
    answers = await asyncio.gather(*(world.initial(call_id) for call_id in calls))
    assert all(isinstance(answer, Grant) for answer in answers)
    assert await world.available() == eur("0.28")


async def test_an_initial_said_twice_holds_once(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.receive()
    await world.quote(call_id)
    first, second = await asyncio.gather(world.initial(call_id), world.initial(call_id))
    assert first == second == Grant(0, 300, 500, final=False, held=eur("6.00"))
    assert await world.available() == eur("4.00")


async def test_an_update_said_twice_gets_its_first_answer(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    first, second = await asyncio.gather(
        world.update(call_id, 1, 150), world.update(call_id, 1, 150)
    )
    await world.update(call_id, 2, 300)
    assert first == second == await world.update(call_id, 1, 299)
    assert await world.available() == eur("0")


async def test_updates_come_in_order(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    with pytest.raises(RequestOutOfOrder, match="expects request 1, not 2"):
        await world.update(call_id, 2, 150)


async def test_an_update_without_credit_writes_a_final_grant_and_no_transfer(
    world: World,
) -> None:
    await world.top_up("6.00")
    call_id = await world.granted_call()
    assert await world.update(call_id, 1, 150) == Grant(1, 300, 300, final=True, held=eur("6.00"))
    record = await world.record(call_id)
    assert [line.kind for line in record.ledger] == ["pending"]


async def test_nothing_is_granted_without_a_quote(world: World) -> None:
    await world.top_up("10.00")
    with pytest.raises(SessionUnknown):
        await world.initial(new_call_id())
    call_id = await world.receive()
    with pytest.raises(SessionState, match="is opened: no initial now"):
        await world.initial(call_id)
    await world.quote(call_id)
    with pytest.raises(SessionState, match="is quoted: no update now"):
        await world.update(call_id, 1, 0)


async def test_a_settled_call_is_granted_and_quoted_nothing_more(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.paid_call(10)
    with pytest.raises(SessionState, match="is settled"):
        await world.update(call_id, 1, 10)
    with pytest.raises(SessionState, match="is settled"):
        await world.initial(call_id)
    with pytest.raises(SessionState, match="is settled"):
        await world.quote(call_id)


async def test_the_price_quoted_is_the_price_charged_though_the_tariff_changed(
    world: World,
) -> None:
    await world.top_up("10.00")
    call_id = await world.receive()
    await world.quote(call_id)
    async with world.sessions.begin() as s:
        await tariffs.add_version(
            s, name="standard", tariff=tariff_of("9.00"), valid_from=NOW, at=NOW
        )
    assert isinstance(await world.initial(call_id), Grant)
    settlement = await world.settle(call_id, 60)
    assert settlement.charge == eur("1.20")


async def test_a_tariff_in_another_currency_is_refused(world: World) -> None:
    await world.top_up("10.00")
    (expert,) = await add_experts(world, 1, currency="GBP")
    call_id = await world.receive()
    assert await world.quote(call_id, expert) == Refused(Refusal.CURRENCY)


async def test_an_expert_without_a_tariff_in_force_is_refused(world: World) -> None:
    await world.top_up("10.00")
    (expert,) = await add_experts(world, 1, valid_from_days=1)
    call_id = await world.receive()
    assert await world.quote(call_id, expert) == Refused(Refusal.NO_TARIFF)


async def test_a_refused_quote_takes_an_earlier_one_away(world: World) -> None:
    await world.top_up("10.00")
    (expert,) = await add_experts(world, 1, valid_from_days=1)
    call_id = await world.receive()
    assert isinstance(await world.quote(call_id), Quote)
    assert await world.quote(call_id, expert) == Refused(Refusal.NO_TARIFF)
    with pytest.raises(SessionState, match="is opened"):
        await world.initial(call_id)


async def test_a_price_accepted_before_counts_as_known(world: World) -> None:
    await world.top_up("10.00")
    await world.paid_call(10)
    call_id = await world.receive()
    quote = await world.quote(call_id)
    assert isinstance(quote, Quote)
    assert quote.price_known
    async with world.sessions.begin() as s:
        await tariffs.add_version(
            s, name="standard", tariff=tariff_of("1.30"), valid_from=NOW, at=NOW
        )
    dearer = await world.quote(call_id)
    assert isinstance(dearer, Quote)
    assert not dearer.price_known


@pytest.mark.parametrize("which", ["call_limit", "day_limit", "month_limit"])
async def test_spending_limits_bound_grants_and_refuse_by_their_own_name(
    world: World, which: str
) -> None:
    await world.set_limits(**{which: eur("5.00")})
    await world.top_up("100.00")
    call_id = await world.granted_call()
    reached = Refusal(f"{which.removesuffix('_limit')}-limit-reached")
    assert await world.update(call_id, 1, 150) == Grant(
        1, 250, 250, final=True, held=eur("5.00"), limit=reached
    )
    await world.settle(call_id, 250)

    second = await world.receive()
    quote = await world.quote(second)
    if which == "call_limit":
        assert isinstance(quote, Quote)
        assert quote.available == eur("5.00")
    else:
        assert quote == Refused(reached)
        assert await world.initial(second) == Refused(reached)
    async with world.sessions() as s:
        assert await books.check(s) == []


async def test_parallel_calls_share_one_day_limit(world: World) -> None:
    await world.set_limits(day_limit=eur("5.00"))
    await world.top_up("100.00")
    calls = [await world.receive() for _ in range(2)]
    for call_id, expert in zip(calls, (world.expert_id, world.other_expert_id), strict=True):
        await world.quote(call_id, expert)
    answers = await asyncio.gather(*(world.initial(call_id) for call_id in calls))
    held = [answer.held.amount for answer in answers if isinstance(answer, Grant)]
    assert sum(held) == eur("5.00").amount


async def test_a_limit_set_in_a_call_holds_from_the_next_one(world: World) -> None:
    await world.top_up("100.00")
    call_id = await world.granted_call()
    await world.set_limits(day_limit=eur("1.00"))
    await world.update(call_id, 1, 150)
    await world.settle(call_id, 400)
    async with world.sessions() as s:
        assert await books.check(s) == []


async def test_a_credit_rise_raises_the_wallets_version(world: World) -> None:
    async def version() -> int:
        async with world.sessions() as s:
            return (await accounts.wallet_versions(s, [world.account_id]))[world.account_id]

    before = await version()
    await world.top_up("10.00")
    after_top_up = await version()
    call_id = await world.granted_call()
    assert (after_top_up > before, await version()) == (True, after_top_up)
    await world.settle(call_id, 300)
    assert await version() == after_top_up
    second = await world.granted_call()
    await world.settle(second, 60)
    assert await version() > after_top_up
