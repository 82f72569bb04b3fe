"""The migration of refunds over a database in which disputes were upheld before it."""

from sqlalchemy import text

from billing.disputes.values import Outcome
from tests.database.test_disputes import close, contest, wrong
from tests.database.test_migrations import alembic
from tests.database.test_premium_calls import held_call, make_premium, settle
from tests.database.world import World, eur

BEFORE = "2026_11_23_restarts"
REFUNDS = """
    SELECT call_id, currency, amount, tax, expert, platform, reason, note, borne_by, seconds,
            made_by, made_at
        FROM refunds ORDER BY call_id
"""
SPENT = "SELECT period, posted FROM spendings WHERE scope = 'caller' ORDER BY period"


async def rows(world: World, query: str) -> list[tuple[object, ...]]:
    async with world.sessions() as s:
        return [tuple(row) for row in await s.execute(text(query))]


async def test_upheld_disputes_of_before_get_their_refund_and_free_their_limits(
    world: World,
) -> None:
    await world.set_limits(day_limit=eur("9.00"), month_limit=eur("9.00"))
    await world.top_up("10.00")
    upheld, rejected, undisputed = [await world.paid_call(60) for _ in range(3)]
    await make_premium(world)
    premium = await held_call(world)
    await settle(world, premium)
    for call_id in (upheld, premium):
        await close(world, await contest(world, call_id), Outcome.UPHELD)
    await close(world, await contest(world, rejected), Outcome.REJECTED)
    refunds, spent = await rows(world, REFUNDS), await rows(world, SPENT)
    assert {row[0] for row in refunds} == {upheld, premium}
    assert spent == [("day", 24_000), ("month", 24_000)]
    engine = world.sessions.kw["bind"]

    await alembic(engine, "downgrade", BEFORE)
    assert await rows(world, SPENT) == [("day", 36_000), ("month", 36_000)]
    await alembic(engine, "upgrade", "head")

    assert await rows(world, REFUNDS) == refunds
    assert await rows(world, SPENT) == spent
    assert undisputed not in {row[0] for row in refunds}
    assert await wrong(world) == []
