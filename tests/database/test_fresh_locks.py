"""What is locked for an edit is read anew, whatever the transaction has seen of it before."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import update

from billing.catalogue import experts
from billing.catalogue.models import Expert
from billing.endpoints import trunks
from billing.endpoints.values import Trunk
from billing.kit.versions import VersionConflict
from tests.database.world import World


async def changed_by_another(world: World, expert_id: UUID) -> None:
    async with world.sessions.begin() as s:
        await s.execute(
            update(Expert).where(Expert.id == expert_id).values(version=Expert.version + 1)
        )


async def test_an_edit_sees_what_another_changed_since_this_transaction_read_it(
    world: World,
) -> None:
    async with world.sessions() as s:
        seen = await s.get(Expert, world.expert_id)
        assert seen is not None
        version = seen.version
        await changed_by_another(world, world.expert_id)
        with pytest.raises(VersionConflict):
            await experts.locked(s, world.expert_id, frozenset({version}))


async def test_two_who_edit_a_trunk_whatever_it_is_lose_nothing_of_each_other(
    world: World,
) -> None:
    async with world.sessions.begin() as s:
        await trunks.add_trunk(s, Trunk("edited", addresses=("203.0.113.10",)))

    async def second() -> int | None:
        async with world.sessions.begin() as s:
            return (await trunks.get_trunk(s, "edited", to_edit=True)).trunk.maximum_calls

    async with world.sessions.begin() as s:
        await trunks.get_trunk(s, "edited", to_edit=True)
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.1)
        after = Trunk("edited", addresses=("203.0.113.10",), maximum_calls=3)
        await trunks.change_trunk(s, after, expected=None)
    assert await waiting == 3
