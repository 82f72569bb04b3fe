"""Many calls of one caller at once, each on a random path: no deadlock, and the books are right."""

import asyncio
import random
from dataclasses import replace
from uuid import UUID

import pytest

from billing.calls import books
from billing.calls import service as calls
from billing.calls.values import EndReason
from billing.charging.values import Grant, Quote
from tests.database.world import World, add_experts, eur


async def one_call(world: World, expert_id: UUID, seed: int) -> None:
    choose = random.Random(seed)
    call_id = await world.receive(trunk=choose.choice(["carrier", "untrusted"]))
    if not isinstance(await world.quote(call_id, expert_id), Quote):
        await world.settle(call_id, None, EndReason.CREDIT_TOO_LOW)
        return
    grant = await world.initial(call_id)
    if choose.random() < 0.3:
        async with world.sessions.begin() as s:
            await calls.release(s, call_id, reason=EndReason.EXPERT_NO_ANSWER)
        grant = await world.initial(call_id)
    if not isinstance(grant, Grant):
        await world.settle(call_id, None, EndReason.EXPERT_BUSY)
        return
    used = 0
    for _ in range(choose.randrange(4)):
        used = choose.randrange(used, grant.granted_seconds + 1)
        grant = await world.update(call_id, grant.request_number + 1, used)
        if choose.random() < 0.3:
            await world.top_up("1.00", f"{seed}-{used}")
    seconds = choose.randrange(used, grant.granted_seconds + 3)
    if choose.random() < 0.8:
        await asyncio.gather(world.settle(call_id, seconds), world.settle(call_id, seconds))


@pytest.mark.parametrize("round_", range(3))
async def test_calls_on_random_paths_keep_the_books_right(world: World, round_: int) -> None:
    world.limits = replace(world.limits, minimum_talk_seconds=5, grant_seconds=30)
    await world.set_limits(
        number_alone_limit=eur("3.00"), day_limit=eur("25.00"), month_limit=eur("30.00")
    )
    await world.top_up("10.00")
    experts = await add_experts(world, 6)
    await asyncio.gather(
        *(one_call(world, experts[n % 6], seed=100 * round_ + n) for n in range(18))
    )
    assert await world.available() >= eur("0")
    async with world.sessions() as s:
        assert await books.check(s) == []
