"""One whole running system for each test process that runs call tests."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.calls.stage import Stage, whole_system

ROOT = Path(__file__).resolve().parents[2]
TREE = Path(os.environ.get("PRIMELINE_ASTERISK_TREE", ROOT / ".asterisk"))


@pytest.fixture(scope="session")
def tree() -> Path:
    """Where Asterisk's tree is, for tests that start systems of their own."""
    return TREE


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The system that all call tests share; each makes its own people and numbers on it."""
    async with whole_system(tmp_path_factory.mktemp("system"), TREE) as stage:
        yield stage
