"""Every way in which a wallet can get less: none of them takes money under hold."""

import inspect
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

import billing
from billing.ledger import service as ledger
from tests.database.world import World, eur

Taking = Callable[[AsyncSession, World, int], Awaitable[object]]


async def _hold(s: AsyncSession, world: World, amount: int) -> object:
    return await ledger.hold_in_wallet(s, world.wallet_id, amount)


async def _resolve(s: AsyncSession, world: World, amount: int) -> object:
    return await ledger.resolve_in_wallet(s, world.wallet_id, paid=amount, held=0)


async def _credit(s: AsyncSession, world: World, amount: int) -> object:
    return await ledger.credit_wallet(s, world.wallet_id, -amount)


async def _take(s: AsyncSession, world: World, amount: int) -> object:
    return await ledger.take_from_wallet(s, world.wallet_id, amount) is not None


WAYS: Final[dict[str, Taking]] = {
    "hold_in_wallet": _hold,
    "resolve_in_wallet": _resolve,
    "credit_wallet": _credit,
    "take_from_wallet": _take,
}
"""Each function that changes a wallet, made to take an amount."""

_CHANGES: Final = re.compile(r"update\(\s*(Wallet|_WALLETS)\b|UPDATE wallets|\b_(HOLD|RESOLVE)\b")


def test_no_other_function_changes_a_wallet() -> None:
    writers = {
        name
        for name, function in inspect.getmembers(ledger, inspect.iscoroutinefunction)
        if _CHANGES.search(inspect.getsource(function))
    }
    assert writers == set(WAYS)
    root = Path(billing.__file__).parent
    elsewhere = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if re.search(r"update\(\s*(Wallet|_WALLETS)\b|UPDATE wallets", path.read_text())
    }
    assert elsewhere == {"ledger/service.py"}


@pytest.mark.parametrize("name", WAYS)
async def test_what_is_held_is_out_of_reach_to_the_last_unit(world: World, name: str) -> None:
    await world.top_up("10.00")
    await world.granted_call()
    free = (await world.available()).amount
    assert eur("0").amount < free < eur("10.00").amount

    async def take(amount: int) -> object:
        async with world.sessions.begin() as s:
            return await WAYS[name](s, world, amount)

    try:
        assert await take(free + 1) is False
    except IntegrityError as error:
        assert "floor" in str(error)  # noqa: PT017  (one way says so, the others can't)
    assert (await world.available()).amount == free
    await take(free)
    assert (await world.available()).amount == 0
