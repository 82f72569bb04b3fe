"""Calls found by what they were."""

from datetime import timedelta
from uuid import UUID

import pytest

from billing.calls.searching import CallFilter, search
from billing.calls.values import EndReason
from tests.database.world import CALLER, MENU, NOW, World, eur

STRANGER = "+33639980099"
HOUR = timedelta(hours=1)


@pytest.fixture
async def calls_of_a_day(world: World) -> list[UUID]:
    """A paid call of 60 s, one that a stranger hung up, one that still goes on; oldest first."""
    await world.top_up("10.00")
    found = [await world.paid_call(60)]
    world.now += HOUR
    stranger = await world.receive(number=STRANGER)
    await world.settle(stranger, None, EndReason.CALLER_UNKNOWN)
    world.now += HOUR
    found += [stranger, await world.receive()]
    return found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (CallFilter(), [2, 1, 0]),
        (CallFilter(state="open"), [2]),
        (CallFilter(state="ended"), [1, 0]),
        (CallFilter(state="received"), [2]),
        (CallFilter(since=NOW + HOUR), [2, 1]),
        (CallFilter(until=NOW + HOUR), [0]),
        (CallFilter(number="01 99 00 12 34"), [2, 1, 0]),
        (CallFilter(number="01 99 00 12 35"), []),
        (CallFilter(caller=CALLER), [2, 0]),
        (CallFilter(caller="06 39 98 00 99"), [1]),
        (CallFilter(expert="11"), [0]),
        (CallFilter(expert="12"), []),
        (CallFilter(reason="caller-unknown"), [1]),
        (CallFilter(least_charge=eur("1.20").amount), [0]),
        (CallFilter(least_charge=eur("1.21").amount), []),
        (CallFilter(currency="EUR"), [0]),
        (CallFilter(currency="GBP"), []),
        (CallFilter(reason="caller-hung-up", expert="11", since=NOW, until=NOW + HOUR), [0]),
    ],
)
async def test_calls_are_found_by_each_filter(
    world: World, calls_of_a_day: list[UUID], wanted: CallFilter, found: list[int]
) -> None:
    async with world.sessions() as s:
        listed = await search(s, wanted, limit=10)
    assert [call.call_id for call in listed.items] == [calls_of_a_day[index] for index in found]
    assert all(call.dialled == MENU for call in listed.items)


async def test_calls_are_found_by_the_ids_of_caller_and_expert(
    world: World, calls_of_a_day: list[UUID]
) -> None:
    paid, _, open_ = calls_of_a_day
    async with world.sessions() as s:
        by_caller = await search(s, CallFilter(caller=world.account_id), limit=10)
        by_expert = await search(s, CallFilter(expert=world.expert_id), limit=10)
    assert [call.call_id for call in by_caller.items] == [open_, paid]
    assert [call.call_id for call in by_expert.items] == [paid]


async def test_pages_hold_each_call_once(world: World) -> None:
    ids = [await world.receive() for _ in range(7)]
    seen: list[UUID] = []
    after = None
    async with world.sessions() as s:
        while True:
            page = await search(s, CallFilter(), limit=3, after=after)
            seen += [call.call_id for call in page.items]
            after = page.after
            if after is None:
                break
    assert seen == sorted(ids, reverse=True)
