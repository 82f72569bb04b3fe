"""Many calls at once on one system, each judged by a test of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from tests.calls.stage import Stage

AT_ONCE = 12
APART_SECONDS = 0.15
"""The first ones don't all dial in the same moment."""

Came = TypeVar("Came")
Scenario = Callable[[Stage], Awaitable[Came]]


class Outcomes(Generic[Came]):
    """What came of each scenario; a failure is raised where it is asked for."""

    def __init__(self, came: dict[str, Came | BaseException]) -> None:
        self._came = came

    def of(self, name: str) -> Came:
        """What the scenario gave; raises what it raised."""
        came = self._came[name]
        if isinstance(came, BaseException):
            raise came
        return came


class Scenarios(Generic[Came]):
    """Scenarios by the sentence that each proves."""

    def __init__(self) -> None:
        self._by_name: dict[str, Scenario[Came]] = {}

    def __call__(self, name: str) -> Callable[[Scenario[Came]], Scenario[Came]]:
        """Add a scenario under a name."""

        def add(scenario: Scenario[Came]) -> Scenario[Came]:
            assert name not in self._by_name, name
            self._by_name[name] = scenario
            return scenario

        return add

    @property
    def names(self) -> list[str]:
        """All names, in the order written."""
        return list(self._by_name)

    async def play(self, stage: Stage, *, at_once: int = AT_ONCE) -> Outcomes[Came]:
        """Play all, at most `at_once` at a time."""
        free = asyncio.Semaphore(at_once)

        async def one(place: int, scenario: Scenario[Came]) -> Came:
            await asyncio.sleep(place * APART_SECONDS)
            async with free:
                return await scenario(stage)

        came = await asyncio.gather(
            *(one(*numbered) for numbered in enumerate(self._by_name.values())),
            return_exceptions=True,
        )
        return Outcomes(dict(zip(self._by_name, came, strict=True)))
