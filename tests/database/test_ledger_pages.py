"""A wallet's ledger page by page: each line, and the balance after it."""

import asyncio
from uuid import UUID

from billing.kit.pages import After
from billing.ledger import service as ledger
from billing.ledger.models import Wallet
from billing.ledger.values import ExplainedLine
from tests.database.world import World


async def pages(world: World, limit: int) -> list[ExplainedLine]:
    found: list[ExplainedLine] = []
    after: After | None = None
    while True:
        async with world.sessions() as s:
            page = await ledger.explain_page(s, world.wallet_id, limit=limit, after=after)
        assert len(page.items) <= limit
        found += page.items
        after = page.after
        if after is None:
            return found


async def posted(world: World, wallet_id: UUID) -> int:
    async with world.sessions() as s:
        wallet = await s.get(Wallet, wallet_id)
        assert wallet is not None
        return wallet.posted


async def test_pages_of_any_size_are_the_whole_ledger(world: World) -> None:
    assert await pages(world, 2) == []
    await world.top_up("10.00")
    await world.paid_call(61)
    await world.top_up("5.00", "second")
    async with world.sessions() as s:
        whole = list((await ledger.explain_page(s, world.wallet_id, limit=10_000)).items)
    assert len(whole) > 3
    for limit in (1, 2, len(whole) - 1, len(whole), 200):
        assert await pages(world, limit) == whole
    assert whole[-1].balance.amount == await posted(world, world.wallet_id)


async def test_each_page_that_ends_the_ledger_says_the_wallets_balance_while_others_post(
    world: World,
) -> None:
    await world.top_up("1.00")
    read: list[tuple[int, int, int]] = []

    async def look() -> None:
        for _ in range(6):
            before = await posted(world, world.wallet_id)
            last = (await pages(world, 200))[-1].balance.amount
            read.append((before, last, await posted(world, world.wallet_id)))

    await asyncio.gather(look(), *(world.top_up("1.00", f"{n}") for n in range(6)))
    assert all(before <= last <= after for before, last, after in read)
    lines = await pages(world, 3)
    running = 0
    for one in lines:
        running += one.amount.amount
        assert one.balance.amount == running
    assert running == await posted(world, world.wallet_id) == 70_000
