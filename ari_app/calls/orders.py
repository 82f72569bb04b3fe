"""Orders to the calls of this process: looked for every second, and at once when told of one."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Final, Literal
from uuid import UUID

import structlog

from ari_app.calls import events as e
from ari_app.calls.registry import Registry
from billing.calls import orders
from billing.calls.orders import Order, OrderKind
from billing.kit.listening import listen
from billing.tariffs.values import Mode

EVERY_MS: Final = 1_000

log = structlog.get_logger(__name__)


_SWITCHES: Final[dict[OrderKind, Mode | Literal["free", "free-minutes"]]] = {
    OrderKind.PROPOSE_PAID: "minute",
    OrderKind.PROPOSE_ACT: "act",
    OrderKind.BACK_TO_FREE: "free",
    OrderKind.FREE_MINUTES: "free-minutes",
}


def _event(order: Order) -> e.Event:
    if order.kind is OrderKind.END_CALL:
        return e.EndOrdered()
    return e.SwitchOrdered(order.order_id, _SWITCHES[order.kind])


class Orders:
    """Hands each order to its call, once; a process that is started anew hands it out again."""

    def __init__(self, registry: Registry, database_url: str) -> None:
        self._registry = registry
        self._database_url = database_url
        self._hint = asyncio.Event()
        self._in_hand: set[UUID] = set()

    async def listen(self) -> None:
        """Look sooner where an order is told of; without the hint only the second is waited."""
        async for _ in listen(self._database_url, orders.CHANNEL):
            self._hint.set()

    async def follow(self) -> None:
        """Look for orders, for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_MS / 1000):
                    await self._hint.wait()
            self._hint.clear()
            await self._look()

    async def _look(self) -> None:
        registry = self._registry
        running = [call_id for call_id, _, _ in registry.actors()]
        if not running and not self._in_hand:
            # Orders of calls that no process carries expire as they are read.
            return
        attended = await registry.quietly(
            partial(
                orders.attend,
                asterisk_id=registry.asterisk_id,
                running=running,
                in_hand=self._in_hand,
                at=datetime.now(UTC),
            )
        )
        if attended is None:
            return
        for order in attended.to_do:
            log.info("order", call_id=str(order.call_id), kind=str(order.kind))
            registry.tell(order.call_id, _event(order))
            self._in_hand.add(order.order_id)
        self._in_hand -= attended.closed
