"""Keys in a talk: feature codes of two keys; what is none is passed on to the other side."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from ari_app.calls import on_hold, sounding, switching, talking, topping
from ari_app.calls.commands import Arm, Disarm, PassOn
from ari_app.calls.events import Key, TimerFired
from ari_app.calls.states import Leg, State
from ari_app.calls.turn import HOLD_TIMER, OFFER_TIMER, Turn

FIRST: Final = "*"
KEYS: Final = frozenset("0123456789*#ABCD")
_OTHER: Final = {Leg.CALLER: Leg.EXPERT, Leg.EXPERT: Leg.CALLER}
_TIMERS: Final = {Leg.CALLER: "key-caller", Leg.EXPERT: "key-expert"}
_BY_TIMER: Final = {timer: leg for leg, timer in _TIMERS.items()}

CODES: Final[Mapping[tuple[Leg, str], Mapping[State, Callable[[Turn], object]]]] = {
    (Leg.EXPERT, "*7"): {State.TALKING_FREE: partial(switching.propose, mode="minute")},
    (Leg.EXPERT, "*8"): {State.TALKING_FREE: partial(switching.propose, mode="act")},
    (Leg.EXPERT, "*9"): {State.TALKING_PAID: switching.back_to_free},
    (Leg.CALLER, "*5"): {State.TALKING_PAID: topping.top_up},
}
"""Who may key what, and what it does in which talk; in another one it does nothing."""


def key(turn: Turn, event: Key) -> None:
    """Take one key. The first one of a code waits a moment for the second."""
    talk = turn.data.talk
    if talk is None or talk.from_ms is None or event.digit not in KEYS:
        return
    sounding.sounded(turn, event.leg)
    if event.leg not in turn.data.keyed:
        if event.digit == FIRST:
            turn.set(keyed=(*turn.data.keyed, event.leg))
            turn.do(Arm(_TIMERS[event.leg], turn.data.limits.feature_key_ms))
        else:
            turn.do(PassOn(_OTHER[event.leg], event.digit))
        return
    _forget(turn, event.leg)
    code = FIRST + event.digit
    actions = CODES.get((event.leg, code))
    if actions is None:
        turn.do(PassOn(_OTHER[event.leg], code))
    elif turn.data.state in actions:
        actions[turn.data.state](turn)


def _forget(turn: Turn, leg: Leg) -> None:
    turn.set(keyed=tuple(one for one in turn.data.keyed if one is not leg))
    turn.do(Disarm(_TIMERS[leg]))


def timer(turn: Turn, event: TimerFired) -> None:
    """A first key without a second was none of a code; the other timers are the talk's own."""
    leg = _BY_TIMER.get(event.timer)
    if leg is not None:
        if leg in turn.data.keyed:
            _forget(turn, leg)
            turn.do(PassOn(_OTHER[leg], FIRST))
    elif event.timer == HOLD_TIMER:
        on_hold.pause(turn)
    elif event.timer == OFFER_TIMER:
        switching.offer_timer(turn, event)
    else:
        talking.talk_timer(turn, event)
