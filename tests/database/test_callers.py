"""Callers: found by number, proved by PIN, credited once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from billing.accounts import service as accounts
from billing.accounts.callers import remove_caller
from billing.accounts.errors import CallerUnknown
from billing.calls import books
from billing.charging.values import Grant, Quote, Refusal, Refused
from billing.kit.errors import PrimelineError
from billing.kit.ids import new_call_id
from billing.ledger import service as ledger
from billing.money.values import Money
from billing.pins.rules import FAILURES_TO_LOCK, FIRST_LOCK_MINUTES, source_of
from billing.pins.service import PinInvalid, hash_pin
from billing.pins.values import PinCheck
from tests.database.world import CALLER, NOW, PIN, World, eur

WRONG = "0000"
SOURCE = source_of("untrusted", CALLER)


async def try_pin(world: World, pin: str, minutes: int = 0) -> PinCheck:
    async with world.sessions.begin() as s:
        return await accounts.check_pin(
            s, world.account_id, pin, source=SOURCE, at=NOW + timedelta(minutes=minutes)
        )


async def test_the_right_pin_is_right_and_a_wrong_one_wrong(world: World) -> None:
    assert await try_pin(world, WRONG) is PinCheck.WRONG
    assert await try_pin(world, PIN) is PinCheck.RIGHT
    assert await try_pin(world, "") is PinCheck.WRONG


async def test_wrong_pins_in_a_row_lock_the_account_over_all_calls(world: World) -> None:
    answers = [await try_pin(world, WRONG) for _ in range(FAILURES_TO_LOCK)]
    assert answers == [PinCheck.WRONG] * (FAILURES_TO_LOCK - 1) + [PinCheck.LOCKED]
    assert await try_pin(world, PIN) is PinCheck.LOCKED
    reception = await world.receive_as(new_call_id())
    assert reception.caller is not None
    assert reception.caller.locked
    assert await try_pin(world, PIN, FIRST_LOCK_MINUTES) is PinCheck.RIGHT


async def test_each_lock_lasts_twice_as_long_until_a_right_pin(world: World) -> None:
    for _ in range(FAILURES_TO_LOCK):
        await try_pin(world, WRONG)
    for _ in range(FAILURES_TO_LOCK):
        await try_pin(world, WRONG, FIRST_LOCK_MINUTES)
    assert await try_pin(world, PIN, 3 * FIRST_LOCK_MINUTES - 1) is PinCheck.LOCKED
    assert await try_pin(world, PIN, 3 * FIRST_LOCK_MINUTES) is PinCheck.RIGHT
    for _ in range(FAILURES_TO_LOCK):
        await try_pin(world, WRONG, 3 * FIRST_LOCK_MINUTES)
    assert await try_pin(world, PIN, 4 * FIRST_LOCK_MINUTES) is PinCheck.RIGHT


async def test_a_right_pin_forgets_the_wrong_ones(world: World) -> None:
    for _ in range(2 * FAILURES_TO_LOCK):
        assert await try_pin(world, WRONG) is PinCheck.WRONG
        assert await try_pin(world, PIN) is PinCheck.RIGHT


async def test_many_calls_at_once_get_no_more_tries_than_one(world: World) -> None:
    answers = await asyncio.gather(*(try_pin(world, WRONG) for _ in range(10)))
    assert answers.count(PinCheck.WRONG) == FAILURES_TO_LOCK - 1


async def test_the_pin_itself_is_in_no_table(world: World) -> None:
    pin = "481516234231"
    async with world.sessions.begin() as s:
        made = await accounts.add_caller(
            s, name="Dora", numbers=[], currency="EUR", pin=pin, at=NOW
        )
        await accounts.check_pin(s, made.account_id, pin, source=SOURCE, at=NOW)
    async with world.sessions() as s:
        tables = await s.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        for table in tables.all():
            rows = await s.scalars(text(f"SELECT t::text FROM {table} AS t"))  # noqa: S608
            assert not [row for row in rows if pin in row]


@pytest.mark.parametrize("pin", ["123", "12a4", "1234567890123", "", "١٢٣٤"])
async def test_a_pin_is_four_to_twelve_digits(pin: str) -> None:
    with pytest.raises(PinInvalid):
        await hash_pin(pin)


async def test_a_pin_is_made_up_if_none_is_given(world: World) -> None:
    async with world.sessions.begin() as s:
        made = await accounts.add_caller(
            s, name="Dora", numbers=["+33639980002"], currency="EUR", at=NOW
        )
        tried = accounts.check_pin(s, made.account_id, made.pin, source=SOURCE, at=NOW)
        assert await tried is PinCheck.RIGHT
    assert len(made.pin) == 6
    assert made.pin.isdecimal()


async def test_a_number_belongs_to_one_caller(world: World) -> None:
    async with world.sessions() as s:
        with pytest.raises(PrimelineError, match="already belongs to a caller"):
            await accounts.add_caller(
                s, name="Dora", numbers=["06 39 98 00 01"], currency="EUR", at=NOW
            )


async def test_an_unknown_time_zone_is_refused_by_name(world: World) -> None:
    async with world.sessions() as s:
        with pytest.raises(PrimelineError, match="no time zone 'Mars/Base'"):
            await accounts.add_caller(
                s, name="Dora", numbers=[], currency="EUR", time_zone="Mars/Base", at=NOW
            )


async def test_a_top_up_with_the_same_key_credits_once(world: World) -> None:
    await asyncio.gather(*(world.top_up("20.00", "order-1") for _ in range(5)))
    assert await world.available() == eur("20.00")
    await world.top_up("5.00", "order-2")
    assert await world.available() == eur("25.00")


async def test_a_key_used_for_another_amount_is_an_error(world: World) -> None:
    await world.top_up("20.00", "order-1")
    with pytest.raises(PrimelineError, match="'top-up:order-1' was used before"):
        await world.top_up("30.00", "order-1")
    assert await world.available() == eur("20.00")


@pytest.mark.parametrize(
    ("money", "why"),
    [
        (Money(0, "EUR"), "more than nothing"),
        (Money(-100, "EUR"), "more than nothing"),
        (Money(12_345, "EUR"), "whole number of cents"),
        (Money(10_000, "GBP"), "GBP can't be used with one in EUR"),
    ],
)
async def test_what_cant_be_topped_up_is_refused(world: World, money: Money, why: str) -> None:
    async with world.sessions() as s:
        with pytest.raises(PrimelineError, match=why):
            await accounts.top_up(s, world.account_id, money, idempotency_key="k", at=NOW)
    assert await world.available() == eur("0")


async def test_a_caller_without_a_limit_always_needs_his_pin(world: World) -> None:
    for trunk in ("carrier", "untrusted", "unheard-of", None):
        reception = await world.receive_as(new_call_id(), trunk=trunk)
        assert reception.caller is not None
        assert reception.caller.pin_needed


@pytest.mark.parametrize(
    ("trunk", "pin_needed"),
    [("carrier", False), ("untrusted", True), ("unheard-of", True), (None, True), ("", True)],
)
async def test_a_number_alone_counts_only_from_a_trusted_trunk(
    world: World, trunk: str | None, pin_needed: bool
) -> None:
    await world.set_limits(number_alone_limit=eur("10.00"))
    reception = await world.receive_as(new_call_id(), trunk=trunk)
    assert reception.caller is not None
    assert reception.caller.pin_needed is pin_needed


async def test_a_call_by_number_alone_spends_no_more_than_is_left_that_way_today(
    world: World,
) -> None:
    await world.set_limits(number_alone_limit=eur("5.00"))
    await world.top_up("100.00")
    first = await world.receive(trunk="carrier")
    quote = await world.quote(first)
    assert isinstance(quote, Quote)
    assert (quote.available, quote.affordable_seconds) == (eur("5.00"), 250)
    alone = Refusal.NUMBER_ALONE_LIMIT
    assert await world.initial(first) == Grant(
        0, 250, 250, final=True, held=eur("5.00"), limit=alone
    )

    parallel = await world.receive_as(new_call_id(), trunk="carrier")
    assert parallel.caller is not None
    assert parallel.caller.pin_needed
    await world.settle(first, 100)

    second = await world.receive(trunk="carrier")
    quote = await world.quote(second)
    assert isinstance(quote, Quote)
    assert quote.available == eur("3.00")
    await world.settle(second, None)

    with_pin = await world.receive(trunk="untrusted")
    assert await world.quote(with_pin) != Refused(Refusal.NUMBER_ALONE_LIMIT)
    await world.initial(with_pin)
    await world.settle(with_pin, 250)
    async with world.sessions() as s:
        assert await books.check(s) == []


async def test_what_was_spent_with_a_pin_doesnt_count_as_by_number_alone(world: World) -> None:
    await world.set_limits(number_alone_limit=eur("5.00"))
    await world.top_up("100.00")
    await world.paid_call(250)
    reception = await world.receive_as(new_call_id(), trunk="carrier")
    assert reception.caller is not None
    assert not reception.caller.pin_needed


async def test_two_calls_by_number_alone_share_what_is_left(world: World) -> None:
    world.limits = replace(world.limits, minimum_talk_seconds=1)
    await world.set_limits(number_alone_limit=eur("5.00"))
    await world.top_up("100.00")
    pair = [await world.receive(trunk="carrier") for _ in range(2)]
    for call_id, expert in zip(pair, (world.expert_id, world.other_expert_id), strict=True):
        await world.quote(call_id, expert)
    answers = await asyncio.gather(*(world.initial(call_id) for call_id in pair))
    assert sum(a.held.amount for a in answers if isinstance(a, Grant)) == eur("5.00").amount


@pytest.mark.parametrize(
    "number", ["+33639980001", "0639980001", "06 39 98 00 01", "0033639980001", "33639980001"]
)
async def test_a_caller_is_found_in_any_form_of_his_number(world: World, number: str) -> None:
    reception = await world.receive_as(new_call_id(), number=number)
    assert reception.caller is not None
    assert reception.caller.account_id == world.account_id


@pytest.mark.parametrize("number", [None, "", "anonymous", "+33639989999", "alice"])
async def test_a_withheld_or_unknown_number_is_no_caller(world: World, number: str | None) -> None:
    assert (await world.receive_as(new_call_id(), number=number)).caller is None


async def test_callers_are_listed_with_what_they_have(world: World) -> None:
    await world.top_up("10.00")
    await world.granted_call()
    async with world.sessions() as s:
        (caller,) = await accounts.list_callers(s)
        assert await accounts.caller_by_number(s, CALLER) == caller.account_id
    assert (caller.posted, caller.pending, caller.available) == (
        eur("10.00"),
        eur("6.00"),
        eur("4.00"),
    )
    assert caller.numbers == (CALLER,)


async def test_nothing_is_paid_in_for_a_caller_who_is_being_removed(world: World) -> None:
    """It could neither be talked away nor be paid back."""
    async with world.sessions.begin() as s:
        await remove_caller(s, world.account_id, expected=None, at=NOW)
        paying = asyncio.create_task(world.top_up("10.00"))
        await asyncio.sleep(0.3)
    with pytest.raises(CallerUnknown):
        await paying
    async with world.sessions() as s:
        assert (await ledger.read_wallet(s, world.wallet_id)).available == 0
