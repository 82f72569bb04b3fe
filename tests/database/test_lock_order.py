"""All that writes of a call locks its row first, so that no two writers wait for each other."""

import asyncio
from typing import cast

from sqlalchemy import select

from ari_app.calls import commands as c
from ari_app.calls import events as e
from ari_app.calls.actor import Actor
from ari_app.calls.data import CallData
from ari_app.calls.names import Names
from ari_app.calls.records import Records
from ari_app.calls.states import State
from ari_app.spool import Spool
from billing.calls import settling
from billing.charging.models import ChargingSession
from billing.kit.clock import to_ms
from billing.kit.limits import Limits
from tests.database.world import World


class Told(Actor):
    """Keeps what is posted."""

    def __init__(self, data: CallData) -> None:
        super().__init__(data)
        self.events: list[e.Event] = []

    def post(self, event: e.Event, at_ms: int | None = None) -> None:
        del at_ms
        self.events.append(event)


async def test_a_longer_grant_waits_for_a_settlement_with_nothing_else_in_its_hands(
    world: World,
) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    data = CallData(str(call_id), Limits(), State.TALKING_PAID)
    actor = Told(data)
    names = Names(call_id, "1.1")
    records = Records(actor, names, world.sessions, cast("Spool", None), "asterisk", None)
    async with world.sessions.begin() as s:
        await settling.lock_call(s, call_id)
        assert records.take(c.Extend(1, to_ms(world.now)), data)
        await asyncio.sleep(0.3)
        mine = select(ChargingSession.session_id).where(ChargingSession.session_id == call_id)
        # Refused at once if the other had it: whoever settles would wait for him, and he for us.
        assert await s.scalar(mine.with_for_update(nowait=True)) == call_id
    await records.close()
    assert [type(event) for event in actor.events] == [e.Extended]
