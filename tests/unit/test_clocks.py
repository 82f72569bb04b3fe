"""Somebody sets the clock in a talk: its cut comes when it is due, and nobody pays for more."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ari_app.calls import commands as c
from ari_app.calls import events as e
from ari_app.calls.actor import Actor, now_ms, steady_ms
from ari_app.calls.data import CallData
from ari_app.calls.states import Leg, State
from billing.calls.values import TimelineEntry
from tests.unit.test_call_machine import GRANT, bridge_of, joining

GRANTED_MS = 1_000
HOUR_MS = 3_600_000


class Hands:
    """Keeps the commands."""

    def __init__(self) -> None:
        self.done: list[c.Command] = []

    async def execute(self, commands: Sequence[c.Command], data: CallData) -> None:
        del data
        self.done += commands

    def note(self, entry: TimelineEntry) -> None:
        """Keep nothing."""

    async def close(self) -> None:
        """Have nothing to wait for."""

    async def until(self, kind: type[c.Command]) -> c.Command:
        async with asyncio.timeout(10):
            while not (found := [one for one in self.done if isinstance(one, kind)]):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return found[0]


@pytest.mark.parametrize(
    ("set_by_ms", "most_ms"), [(0, GRANTED_MS + 500), (HOUR_MS, GRANTED_MS + 500), (-HOUR_MS, 0)]
)
async def test_a_clock_set_in_a_talk_moves_no_cut(
    monkeypatch: pytest.MonkeyPatch, set_by_ms: int, most_ms: int
) -> None:
    off_ms = 0
    monkeypatch.setattr("ari_app.calls.actor.now_ms", lambda: now_ms() + off_ms)
    play = joining()
    bridge = bridge_of(play)
    play.said(Leg.CALLER).said(Leg.EXPERT).then(e.TalkRecorded(bridge))
    grant = replace(GRANT, granted_seconds=GRANTED_MS // 1_000, final=True)
    actor, hands = Actor(replace(play.data, grant=grant)), Hands()
    task = asyncio.create_task(actor.run(hands))
    began_ms = steady_ms()
    for leg in (Leg.EXPERT, Leg.CALLER):
        at_ms = now_ms()
        actor.post(e.Entered(leg, bridge, at_ms, steady_ms()), at_ms)
    await asyncio.sleep(0.05)
    off_ms = set_by_ms
    # Any later event, by the clock as it is now.
    actor.post(e.AvailableRose(1), now_ms() + off_ms)
    await hands.until(c.DropBridge)
    lasted_ms = steady_ms() - began_ms
    # Never early; late only by what this machine's load may do.
    assert GRANTED_MS <= lasted_ms < GRANTED_MS + 2_000
    for leg in (Leg.EXPERT, Leg.CALLER):
        actor.post(e.Left(leg, bridge, now_ms() + off_ms, steady_ms()))
    settle = await hands.until(c.Settle)
    assert isinstance(settle, c.Settle)
    (paid,) = settle.intervals
    assert 0 <= (paid.end_ms or 0) - paid.start_ms <= max(0, min(most_ms, lasted_ms + 500))
    assert actor.data.state is State.SETTLING
    task.cancel()
    await asyncio.wait({task})


async def test_what_a_held_call_waits_for_is_the_same_for_the_next_process() -> None:
    play = joining()
    after, hands = Actor(play.data), Hands()
    first = (c.Arm("wait", 5_000), c.Arm("state", 60_000), c.Disarm("state"), c.Arm("warn", 0))
    before = Actor(play.data, first)
    task = asyncio.create_task(before.run(hands))
    await asyncio.sleep(0.05)
    await before.hold()
    before.post(e.LegUp(1))
    before.post(e.TimerFired("state"))
    await asyncio.sleep(0.01)
    waiting = before.waiting()
    assert [timer for timer, _ in waiting.timers] == ["wait"]
    assert 4_000 < waiting.timers[0][1] - steady_ms() <= 5_000
    # A timer that was disarmed since it fired means nothing.
    assert waiting.events == (e.LegUp(1),)
    assert before.waiting() == waiting
    after.wait_for(waiting)
    taken = after.waiting()
    assert taken.events == waiting.events
    assert abs(taken.timers[0][1] - waiting.timers[0][1]) <= 5
    assert taken.ahead_ms == waiting.ahead_ms
    before.go_on()
    task.cancel()
    await asyncio.wait({task})
