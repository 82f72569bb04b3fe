"""The dead-man's switches as they are set in Asterisk."""

from collections.abc import Mapping
from typing import cast
from uuid import UUID

import pytest

from ari_app.ari.client import AriClient
from ari_app.calls import commands as c
from ari_app.calls.actor import Actor, now_ms
from ari_app.calls.data import CallData
from ari_app.calls.executor import SWITCH, CallExecutor
from ari_app.calls.names import Names
from ari_app.calls.records import Records
from billing.kit.limits import Limits
from dialplan.prompts.store import PromptStore
from tests.unit.test_call_machine import CALL


class FakeAri(AriClient):
    """Keeps the switches that were set, in seconds by channel."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1", "user", "password")
        self.switches: dict[str, float] = {}

    async def set_variables(self, channel: str, variables: Mapping[str, str]) -> None:
        self.switches[channel] = float(variables[SWITCH])

    async def variable(self, channel: str, name: str) -> str:
        assert name == SWITCH
        return str(self.switches[channel])


class NoRecords(Records):
    """Has no database to write to."""

    def __init__(self) -> None:
        pass

    def take(self, command: c.Command, data: CallData) -> bool:
        del command, data
        return False


@pytest.mark.parametrize(
    ("until_ms", "most_ms", "seconds"),
    [
        (None, None, 62),
        (None, 3_600_000, 62),
        (None, 30_000, 32),
        (3_600_000, 3_600_000, 62),
        (10_000, 3_600_000, 12),
        (-5_000, 3_600_000, 2),
    ],
)
async def test_a_lease_outlasts_no_cap_by_more_than_the_grace(
    until_ms: int | None, most_ms: int | None, seconds: int
) -> None:
    ari, data = FakeAri(), CallData(CALL, Limits(), attempt=1)
    names = Names(UUID(CALL), "1.1")
    prompts = cast("PromptStore", None)
    executor = CallExecutor(Actor(data), names, ari, prompts, NoRecords())
    until = None if until_ms is None else now_ms() + until_ms
    await executor.execute([c.Lease(until, most_ms)], data)
    assert set(ari.switches) == {"1.1", names.expert_channel(1)}
    assert list(ari.switches.values()) == pytest.approx([seconds, seconds], abs=0.5)
