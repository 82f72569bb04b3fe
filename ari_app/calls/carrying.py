"""All calls of a process, held between two turns so that another process can carry them on."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

import structlog

from ari_app.calls.actor import Actor
from ari_app.calls.carried import Carried
from ari_app.calls.records import Records
from ari_app.calls.registry import Registry

HOLD_MS = 4_000
"""A turn waits for Asterisk and a write for the database, both with deadlines of their own."""

log = structlog.get_logger(__name__)


class Held:
    """The calls that are held, until they go on here or are given up."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._held: dict[UUID, tuple[Actor, Records]] = {}

    async def hold(self) -> None:
        """Let each call end its turn and its writes; one that can't in time is left out."""
        each = [
            asyncio.create_task(self._hold(call_id, actor, records))
            for call_id, actor, records in self._registry.actors()
        ]
        if not each:
            return
        done, late = await asyncio.wait(each, timeout=HOLD_MS / 1000)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if late:
            log.warning("calls not held in time", calls=len(late), held=len(done))

    async def _hold(self, call_id: UUID, actor: Actor, records: Records) -> None:
        await actor.hold()
        try:
            await records.idle()
        except asyncio.CancelledError:
            actor.go_on()
            raise
        self._held[call_id] = (actor, records)

    def carried(self) -> Iterable[Carried]:
        """Give each held call that isn't over."""
        for call_id, (actor, records) in self._held.items():
            channel = self._registry.caller_channel(call_id)
            if channel is None or actor.over:
                continue
            yield Carried(
                actor.data,
                channel,
                actor.waiting(),
                records.unwritten,
                by_cel=records.by_cel,
                settled=records.settled,
            )

    def go_on(self) -> None:
        """Nobody has taken them: they go on here."""
        held, self._held = self._held, {}
        for actor, _ in held.values():
            actor.go_on()

    def give_up(self) -> None:
        """Another process has them; here they stay held until this one ends."""
        for _, records in self._held.values():
            records.give_up()
