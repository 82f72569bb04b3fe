"""Fixtures of the database tests."""

import pytest

from billing.kit.database import Sessions
from tests.database.world import World, make_world


@pytest.fixture
async def world(sessions: Sessions) -> World:
    """The world with nothing in the caller's wallet and everybody available."""
    return await make_world(sessions)
