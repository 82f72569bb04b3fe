"""W3 in the small: ten calls ask at once, on ten connections, for what one euro pays."""

import asyncio
from dataclasses import replace

import pytest

from billing.calls import books
from billing.charging.values import Grant, Quote
from billing.ledger import service as ledger
from tests.database.broken_hold import read_then_write
from tests.database.world import World, add_experts, eur

CREDIT = "1.00"


async def promised_at_once(world: World) -> int:
    """Ledger units of talk that ten calls were granted on the same credit."""
    world.limits = replace(world.limits, minimum_talk_seconds=1, grant_seconds=25)
    await world.top_up(CREDIT)
    experts = await add_experts(world, 10)
    calls = [await world.receive() for _ in experts]
    for call_id, expert_id in zip(calls, experts, strict=True):
        assert isinstance(await world.quote(call_id, expert_id), Quote)
    answers = await asyncio.gather(*(world.initial(call_id) for call_id in calls))
    return sum(answer.held.amount for answer in answers if isinstance(answer, Grant))


async def test_ten_calls_at_once_are_granted_no_more_than_there_is(world: World) -> None:
    assert await promised_at_once(world) == eur(CREDIT).amount
    async with world.sessions() as s:
        assert await books.check(s) == []


async def test_a_hold_that_reads_and_then_writes_is_caught(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "hold_in_wallet", read_then_write)
    assert await promised_at_once(world) > eur(CREDIT).amount
    async with world.sessions() as s:
        findings = await books.check(s)
    assert "wallet-pending" in {finding.check for finding in findings}
