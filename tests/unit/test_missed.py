"""What a running call is told from a snapshot, after events were lost."""

from dataclasses import replace
from typing import cast
from uuid import UUID

import pytest

from ari_app.ari.client import AriClient
from ari_app.calls import events as e
from ari_app.calls.actor import Actor
from ari_app.calls.data import CallData
from ari_app.calls.missed import RunningLeg, tell_missed
from ari_app.calls.records import Records
from ari_app.calls.snapshot import Snapshot
from ari_app.calls.states import Leg, State
from billing.kit.limits import Limits
from tests.unit.test_call_machine import CALL
from tests.unit.test_call_machine import MENU as PREPAID
from tests.unit.test_premium_machine import DIRECT, PLAN

CALLER = "1.1"
TALKING = CallData(CALL, Limits(), State.TALKING_PAID, answered=True, number=DIRECT, premium=PLAN)


class Told(Actor):
    """Keeps what is posted."""

    def __init__(self, data: CallData) -> None:
        super().__init__(data)
        self.events: list[e.Event] = []

    def post(self, event: e.Event, at_ms: int | None = None) -> None:  # noqa: ARG002  (not kept)
        self.events.append(event)


class NoRecords(Records):
    """Only knows whether Asterisk's record must be asked."""

    def __init__(self) -> None:
        self.by_cel = False


@pytest.mark.parametrize(
    ("data", "up", "told"),
    [
        (TALKING, True, True),
        (TALKING, False, False),
        (replace(TALKING, answered_ms=1), True, False),
        (replace(TALKING, number=PREPAID, premium=None), True, False),
    ],
)
async def test_an_answer_that_no_event_told_starts_the_caps_and_leaves_the_meter_to_the_record(
    data: CallData, up: bool, told: bool
) -> None:
    actor, records = Told(data), NoRecords()
    leg = RunningLeg(UUID(CALL), actor, records, Leg.CALLER, 0, CALLER, answered=True, playback=0)
    ours = frozenset({CALLER})
    seen = Snapshot({CALLER: 60_000}, ours if up else frozenset(), ours, {}, {})
    await tell_missed(cast("AriClient", None), [leg], seen, after_loss=False)
    assert [type(event) for event in actor.events] == [e.Answered] * told
    assert records.by_cel is told
