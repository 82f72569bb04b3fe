"""A call that a restart finds between two talks goes on as it stood."""

from dataclasses import replace
from uuid import uuid4

import pytest

from ari_app.calls import commands as c
from ari_app.calls import events as e
from ari_app.calls.data import CallData
from ari_app.calls.found import located, stands_between_talks
from ari_app.calls.returning import back
from ari_app.calls.snapshot import Snapshot
from ari_app.calls.states import BOTH, Leg, State
from billing.calls.values import Interval
from tests.unit.test_call_machine import CALL, GRANT, T0, Play, bridge_of, joined, topping_up
from tests.unit.test_found import OPEN

PAID = (Interval(T0, T0 + 61_500),)
LEGS = ("1.1", f"{CALL}-expert-1")
BRIDGE = f"{CALL}-paid-1"


def found() -> CallData:
    """All that the database knows of a call with one paid stretch behind it."""
    data = topping_up().data
    return replace(
        CallData(CALL, data.limits),
        attempt=1,
        expert_up=True,
        answered=True,
        number=data.number,
        caller=data.caller,
        expert=data.expert,
        quote=data.quote,
        grant=GRANT,
        intervals=PAID,
    )


def returned(data: CallData, was: State) -> Play:
    play = Play()
    play.data, play.last = back(data, was, 1, 1_000)
    return play


@pytest.mark.parametrize("was", [State.TOPPING_UP, State.TALKING_PAID])
def test_a_paid_talk_that_stood_still_goes_on_with_what_is_left_of_its_grant(was: State) -> None:
    play = returned(found(), was)
    assert play.at(State.TALKING_PAID)
    assert bridge_of(play).endswith("-paid-2")
    joined(play, T0 + 200_000)
    assert c.ArmAt("cut", T0 + 200_000 + 238_500 + 40) in play.last


def test_an_expert_on_hold_is_waited_for_and_nobody_pays_meanwhile() -> None:
    play = returned(found(), State.ON_HOLD)
    assert play.at(State.ON_HOLD)
    assert play.spoken() == ["expert-holds"]
    assert c.Limit(BOTH, play.data.limits.hold_ms + play.data.limits.grace_ms) in play.last
    assert play.then(e.HoldEnded(Leg.EXPERT, 1)).at(State.TALKING_PAID)


@pytest.mark.parametrize("was", [State.CONSENTING, State.FREEING, State.TALKING_FREE])
def test_who_was_asked_for_a_price_talks_on_free(was: State) -> None:
    play = returned(replace(found(), segment_from=1, earlier_seconds=61, free_ms=5_000), was)
    assert play.at(State.FREEING)
    play.said(Leg.CALLER).said(Leg.EXPERT)
    assert play.at(State.TALKING_FREE)
    joined(play, T0 + 200_000)
    # Five seconds of the ten minutes are used.
    assert c.ArmAt("cut", T0 + 200_000 + 595_000 + 40) in play.last


def test_what_was_held_for_a_talk_that_never_began_is_given_back() -> None:
    data = replace(found(), segment_from=1)
    assert returned(data, State.CONSENTING).did(c.CloseSegment) == [c.CloseSegment(PAID)]
    assert not returned(replace(data, grant=None), State.CONSENTING).did(c.CloseSegment)


def seen(*inside: str, ours: tuple[str, ...] = LEGS) -> Snapshot:
    return Snapshot(
        dict.fromkeys(ours, 9_000),
        frozenset(ours),
        frozenset(ours),
        {BRIDGE: frozenset(inside)},
        {BRIDGE: T0},
    )


CALL_OPEN = replace(
    OPEN, expert_channel=LEGS[1], talk_bridge=BRIDGE, intervals=PAID, talk_from_ms=T0
)


@pytest.mark.parametrize(
    ("state", "snapshot", "start_ms", "stands"),
    [
        (State.TOPPING_UP, seen(), T0, True),
        (State.CONSENTING, seen(), T0, True),
        (State.FREEING, seen(), T0, True),
        (State.ON_HOLD, seen(), T0, True),
        # The next talk's bridge was named, and nobody was in it.
        (State.TALKING_PAID, seen(), None, True),
        # The talk had ended, and what came of it was not written.
        (State.TALKING_PAID, seen(), T0, False),
        (State.STOPPING, seen(), T0, False),
        (State.SETTLING, seen(), T0, False),
        (State.TOPPING_UP, seen(LEGS[0]), T0, False),
        (State.TOPPING_UP, seen(ours=LEGS[:1]), T0, False),
    ],
)
def test_only_where_both_wait_outside_of_any_bridge(
    state: State, snapshot: Snapshot, start_ms: int | None, *, stands: bool
) -> None:
    call = replace(CALL_OPEN, state=str(state))
    assert stands_between_talks(call, snapshot, start_ms) is stands


def test_a_call_that_never_talked_does_not_stand_between_talks() -> None:
    call = replace(CALL_OPEN, state=str(State.TALKING_PAID), intervals=())
    assert not stands_between_talks(call, seen(), None)


def test_a_bridge_that_the_database_never_heard_of_is_found_by_its_name() -> None:
    call = replace(CALL_OPEN, talk_bridge=f"{CALL}-free-2", talk_from_ms=T0)
    shown = seen(*LEGS)
    assert located(call, shown) == replace(call, talk_bridge=BRIDGE, talk_from_ms=None)
    # One leg alone talks to nobody, and another call's bridge is none of ours.
    assert located(call, seen(LEGS[0])) == call
    elsewhere = {BRIDGE.replace(CALL, str(uuid4())): frozenset(LEGS)}
    assert located(call, replace(shown, bridges=elsewhere)) == call
    known = replace(call, talk_bridge=BRIDGE)
    assert located(known, shown) == known
