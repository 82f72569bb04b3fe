"""The operator's limits, on all calls and on one number: exact however many calls ask at once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from billing.accounts import service as accounts
from billing.calls import books
from billing.calls import service as calls
from billing.calls.values import EndReason, Interval
from billing.charging import service as charging
from billing.charging.limits import get_limits, list_limits, set_limits
from billing.charging.sessions import proved_by_pin
from billing.charging.values import Grant, Quote, Refusal, Refused
from billing.kit.clock import to_ms
from billing.kit.versions import VersionConflict
from billing.kit.zones import TimeZoneUnknown
from billing.money.values import CurrencyMismatch, Money
from tests.database.world import NOW, World, add_experts, eur


async def limit(world: World, number_id: UUID | None = None, **values: Any) -> None:
    async with world.sessions.begin() as s:
        await set_limits(s, number_id=number_id, currency="EUR", values=values, expected=None)


async def findings(world: World) -> list[Any]:
    async with world.sessions() as s:
        return await books.check(s)


CASES = [
    ("per_call", False, Refusal.SERVICE_LIMIT),
    ("per_caller_day", False, Refusal.SERVICE_LIMIT),
    ("per_caller_month", False, Refusal.SERVICE_LIMIT),
    ("per_day", False, Refusal.SERVICE_LIMIT),
    ("per_call", True, Refusal.NUMBER_LIMIT),
    ("per_caller_day", True, Refusal.NUMBER_LIMIT),
    ("per_caller_month", True, Refusal.NUMBER_LIMIT),
    ("per_day", True, Refusal.NUMBER_LIMIT),
]


@pytest.mark.parametrize(("name", "on_number", "reached"), CASES)
async def test_each_limit_of_the_operator_bounds_a_call_and_is_named(
    world: World, name: str, on_number: bool, reached: Refusal
) -> None:
    await limit(world, world.number_id if on_number else None, **{name: eur("5.00")})
    await world.top_up("100.00")
    call_id = await world.receive()
    assert isinstance(await world.quote(call_id), Quote)
    assert await world.initial(call_id) == Grant(
        0, 250, 250, final=True, held=eur("5.00"), limit=reached
    )
    await world.settle(call_id, 220)
    second = await world.quote(await world.receive())
    if name == "per_call":
        assert isinstance(second, Quote)
    else:
        assert second == Refused(reached)
    assert await findings(world) == []


async def test_the_tightest_limit_is_the_one_that_is_told(world: World) -> None:
    await world.set_limits(day_limit=eur("3.00"))
    await limit(world, per_caller_day=eur("4.00"))
    await world.top_up("100.00")
    call_id = await world.receive()
    await world.quote(call_id)
    granted = await world.initial(call_id)
    assert isinstance(granted, Grant)
    assert (granted.held, granted.limit) == (eur("3.00"), Refusal.DAY_LIMIT)


async def test_credit_that_is_used_up_before_any_limit_is_not_called_a_limit(world: World) -> None:
    await limit(world, per_call=eur("50.00"), per_day=eur("70.00"))
    await world.top_up("2.00")
    call_id = await world.receive()
    await world.quote(call_id)
    granted = await world.initial(call_id)
    assert isinstance(granted, Grant)
    assert (granted.final, granted.limit) == (True, None)


async def test_ten_callers_at_once_spend_no_cent_more_than_all_of_them_may_in_a_day(
    world: World,
) -> None:
    world.limits = replace(world.limits, minimum_talk_seconds=1, grant_seconds=6)
    await limit(world, per_day=eur("1.00"))
    experts = await add_experts(world, 10)
    calls = []
    for index, expert_id in enumerate(experts):
        async with world.sessions.begin() as s:
            made = await accounts.add_caller(
                s, name=f"C{index}", numbers=[], currency="EUR", pin="4711", at=NOW
            )
            await accounts.top_up(
                s, made.account_id, eur("9.00"), idempotency_key=f"k{index}", at=NOW
            )
        call_id = await world.receive()
        async with world.sessions.begin() as s:
            quoted = await charging.quote(
                s,
                call_id,
                account_id=made.account_id,
                expert_id=expert_id,
                number_id=world.number_id,
                limits=world.limits,
                at=NOW,
            )
        assert isinstance(quoted, Quote)
        calls.append(call_id)

    answers = await asyncio.gather(*(world.initial(call_id) for call_id in calls))

    held = sum(one.held.amount for one in answers if isinstance(one, Grant))
    assert eur("0.98").amount < held <= eur("1.00").amount
    refused = [one for one in answers if isinstance(one, Refused)]
    assert all(one == Refused(Refusal.SERVICE_LIMIT) for one in refused)
    async with world.sessions() as s:
        (found,) = await list_limits(s, at=NOW)
    assert found.day_counted == Money(held, "EUR")
    await asyncio.gather(
        *(
            world.settle(call_id, 3 if isinstance(one, Grant) else None)
            for call_id, one in zip(calls, answers, strict=True)
        )
    )
    assert await findings(world) == []


async def test_a_day_begins_at_midnight_in_the_limits_own_zone(world: World) -> None:
    await limit(world, per_caller_day=eur("2.00"), time_zone="Asia/Tokyo")
    await world.top_up("100.00")
    call_id = await world.granted_call()
    await world.settle(call_id, 100)
    assert await world.quote(await world.receive()) == Refused(Refusal.SERVICE_LIMIT)
    world.now = NOW + timedelta(hours=3)  # 00:00 in Tokyo, still the same day in Europe.
    assert isinstance(await world.quote(await world.receive()), Quote)


async def test_a_limit_in_another_currency_bounds_nothing(world: World) -> None:
    async with world.sessions.begin() as s:
        values = {"per_call": Money.zero("GBP")}
        await set_limits(s, number_id=None, currency="GBP", values=values, expected=None)
    await world.top_up("10.00")
    await world.granted_call()


async def test_limits_are_set_from_the_version_that_was_seen(world: World) -> None:
    await limit(world, per_call=eur("5.00"))
    async with world.sessions() as s:
        seen = await get_limits(s, number_id=None, currency="EUR", at=NOW)
    assert (seen.per_call, seen.per_day, seen.version) == (eur("5.00"), None, 1)
    await limit(world, per_day=eur("50.00"))
    with pytest.raises(VersionConflict):
        async with world.sessions.begin() as s:
            await set_limits(
                s,
                number_id=None,
                currency="EUR",
                values={"per_call": None},
                expected=frozenset({seen.version}),
            )
    for values, error in (
        ({"per_call": Money(1, "GBP")}, CurrencyMismatch),
        ({"time_zone": "Europe/Nowhere"}, TimeZoneUnknown),
    ):
        with pytest.raises(error):
            await limit(world, **values)


async def test_a_counter_of_all_calls_that_is_off_is_found(world: World) -> None:
    await limit(world, per_day=eur("50.00"))
    await world.top_up("10.00")
    await world.paid_call(60)
    assert await findings(world) == []
    async with world.sessions.begin() as s:
        await s.execute(text("UPDATE spendings SET posted = posted - 1 WHERE scope = 'operator'"))
    (found,) = await findings(world)
    assert found.row == "spending operator/EUR/day/2026-11-22"


async def test_after_his_pin_the_limit_of_the_number_alone_counts_no_more(world: World) -> None:
    await world.set_limits(number_alone_limit=eur("0.50"))
    await world.top_up("10.00")
    call_id = await world.receive(trunk="carrier")
    assert await world.quote(call_id) == Refused(Refusal.NUMBER_ALONE_LIMIT)
    async with world.sessions.begin() as s:
        await proved_by_pin(s, call_id)
    assert isinstance(await world.quote(call_id), Quote)
    await world.initial(call_id)
    await world.settle(call_id, 60)
    assert await findings(world) == []


async def counted(world: World, number_id: UUID | None = None) -> Money:
    async with world.sessions() as s:
        found = await get_limits(s, number_id=number_id, currency="EUR", at=world.now)
    return found.day_counted


async def test_what_is_held_counts_at_once_and_is_free_again_when_the_call_is_settled_or_let_go(
    world: World,
) -> None:
    await limit(world, per_day=eur("8.00"))
    await limit(world, world.number_id, per_day=eur("7.00"))
    await world.top_up("100.00")
    for seconds, held in ((60, "6.00"), (None, "7.00")):  # 1.20 stays charged
        call_id = await world.granted_call()
        assert await counted(world) == eur(held)
        await world.settle(call_id, seconds)
        assert await counted(world) == await counted(world, world.number_id) == eur("1.20")
    assert await findings(world) == []


async def test_a_call_keeps_the_limit_it_began_with_and_the_next_has_the_lower_one(
    world: World,
) -> None:
    await limit(world, per_day=eur("8.00"))
    await world.top_up("100.00")
    call_id = await world.granted_call()
    await limit(world, per_day=eur("3.00"))
    granted = await world.update(call_id, 1, 150)
    assert (granted.held, granted.limit) == (eur("8.00"), Refusal.SERVICE_LIMIT)
    assert await world.quote(await world.receive()) == Refused(Refusal.SERVICE_LIMIT)
    await world.settle(call_id, 400)
    assert await counted(world) == eur("8.00")
    assert await findings(world) == []


async def test_a_call_counts_on_the_day_it_began_however_late_it_is_held_for_and_settled(
    world: World,
) -> None:
    await limit(world, per_day=eur("8.00"), time_zone="Europe/Paris")
    await world.top_up("100.00")
    began = world.now = NOW.replace(hour=22, minute=58)  # 23:58 in Paris
    call_id = await world.granted_call()
    world.now = began + timedelta(minutes=3)
    assert await counted(world) == eur("0.00")
    assert isinstance(await world.quote(await world.receive()), Quote)
    granted = await world.update(call_id, 1, 150)
    assert (granted.held, granted.limit) == (eur("8.00"), Refusal.SERVICE_LIMIT)
    world.now = began + timedelta(days=3)
    await world.settle(call_id, 300)
    assert await counted(world) == eur("0.00")
    world.now = began
    assert await counted(world) == eur("6.00")
    assert await findings(world) == []


@pytest.mark.parametrize("on_number", [False, True])
async def test_a_limit_of_nothing_lets_no_paid_call_begin(world: World, *, on_number: bool) -> None:
    await limit(world, world.number_id if on_number else None, per_call=eur("0.00"))
    await world.top_up("100.00")
    reached = Refusal.NUMBER_LIMIT if on_number else Refusal.SERVICE_LIMIT
    assert await world.quote(await world.receive()) == Refused(reached)


async def test_without_credit_it_is_the_credit_that_is_named(world: World) -> None:
    await limit(world, per_call=eur("0.00"))
    assert await world.quote(await world.receive()) == Refused(Refusal.CREDIT_TOO_LOW)


async def test_all_segments_of_a_call_count_under_the_limits_it_began_with(world: World) -> None:
    await limit(world, per_call=eur("3.00"), per_day=eur("9.00"))
    await world.top_up("100.00")
    call_id = await world.granted_call()
    start = to_ms(world.now)
    first = Interval(start, start + 60_000)
    async with world.sessions.begin() as s:
        await calls.close_segment(s, call_id, intervals=[first], at=world.now)
    assert await counted(world) == eur("1.20")
    await limit(world, per_call=eur("50.00"), per_day=None)
    assert isinstance(await world.quote(call_id), Quote)
    granted = await world.initial(call_id)
    assert isinstance(granted, Grant)
    assert (granted.held, granted.limit) == (eur("1.80"), Refusal.SERVICE_LIMIT)
    async with world.sessions.begin() as s:
        await calls.settle(
            s,
            call_id,
            intervals=[first, Interval(start + 90_000, start + 150_000)],
            reason=EndReason.CALLER_HUNG_UP,
            no_payer=None,
            at=world.now,
        )
    assert await counted(world) == eur("2.40")
    assert await findings(world) == []
