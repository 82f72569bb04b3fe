"""Asterisk tells a key twice that follows another closely; the call takes it once."""

import asyncio

import pytest

from ari_app.calls import events as e
from ari_app.calls.actor import TOLD_TWICE_MS, Actor
from ari_app.calls.data import CallData
from ari_app.calls.states import Leg
from billing.kit.limits import Limits
from tests.unit.test_call_machine import CALL

AT_MS = 1_700_000_000_000


@pytest.mark.parametrize(
    ("pressed", "taken"),
    [
        ([("1", 0), ("#", 120), ("#", 120)], "1#"),
        ([("1", 0), ("#", 120), ("#", 119 + TOLD_TWICE_MS)], "1#"),
        ([("1", 0), ("1", TOLD_TWICE_MS)], "11"),
        ([("1", 0), ("2", 0), ("1", 0)], "121"),
    ],
)
async def test_a_key_told_twice_is_taken_once(pressed: list[tuple[str, int]], taken: str) -> None:
    actor = Actor(CallData(CALL, Limits()))
    for digit, after_ms in pressed:
        actor.post(e.Key(Leg.CALLER, digit), AT_MS + after_ms)
    assert "".join(_digits(actor)) == taken


async def test_the_same_key_of_both_sides_is_two_keys() -> None:
    actor = Actor(CallData(CALL, Limits()))
    for leg in (Leg.CALLER, Leg.EXPERT):
        actor.post(e.Key(leg, "1"), AT_MS)
    await asyncio.sleep(0)
    assert _digits(actor) == ["1", "1"]


def _digits(actor: Actor) -> list[str]:
    return [event.digit for event in actor.waiting().events if isinstance(event, e.Key)]
