"""Keys in a talk: feature codes of a few keys; what is none is passed on to the other side."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from ari_app.calls import giving, on_hold, sounding, switching, talking, topping
from ari_app.calls.commands import Arm, Disarm, PassOn
from ari_app.calls.events import Key, TimerFired
from ari_app.calls.states import Leg, State
from ari_app.calls.turn import CUT_TIMER, HOLD_TIMER, OFFER_TIMER, Turn

KEYS: Final = frozenset("0123456789*#ABCD")
_OTHER: Final = {Leg.CALLER: Leg.EXPERT, Leg.EXPERT: Leg.CALLER}
_TIMERS: Final = {Leg.CALLER: "key-caller", Leg.EXPERT: "key-expert"}
_BY_TIMER: Final = {timer: leg for leg, timer in _TIMERS.items()}

FEATURES: Final[Mapping[Leg, Mapping[str, Mapping[State, Callable[[Turn], object]]]]] = {
    Leg.EXPERT: {
        "ask_per_minute": {State.TALKING_FREE: partial(switching.propose, mode="minute")},
        "ask_per_act": {State.TALKING_FREE: partial(switching.propose, mode="act")},
        "back_to_free": {
            State.TALKING_PAID: switching.back_to_free,
            State.TALKING_FREE: giving.stay_free,
        },
        "free_minutes": {State.TALKING_PAID: giving.give},
    },
    Leg.CALLER: {
        "top_up": {State.TALKING_PAID: topping.top_up},
        "running_cost": {State.TALKING_PAID: talking.ask_cost},
    },
}
"""Who may key what, and what it does in which talk; in another one it does nothing."""


def key(turn: Turn, event: Key) -> None:
    """Take one key. The first keys of a code wait a moment for the next."""
    data = turn.data
    talk, leg = data.talk, event.leg
    if talk is None or talk.from_ms is None or event.digit not in KEYS:
        return
    sounding.sounded(turn, leg)
    before = dict(data.keying).get(leg, "")
    keyed = before + event.digit
    features = {getattr(data.codes, name): actions for name, actions in FEATURES[leg].items()}
    features.pop("", None)
    begun = any(code.startswith(keyed) for code in features)
    if begun and keyed not in features:
        _keep(turn, leg, keyed)
        return
    if before:
        _forget(turn, leg)
    if keyed not in features:
        turn.do(PassOn(_OTHER[leg], keyed))
    elif data.state in features[keyed]:
        features[keyed][data.state](turn)


def _keep(turn: Turn, leg: Leg, keyed: str) -> None:
    others = tuple(one for one in turn.data.keying if one[0] is not leg)
    turn.set(keying=(*others, (leg, keyed)))
    turn.do(Arm(_TIMERS[leg], turn.data.limits.feature_key_ms))


def _forget(turn: Turn, leg: Leg) -> str:
    keyed = dict(turn.data.keying).get(leg, "")
    turn.set(keying=tuple(one for one in turn.data.keying if one[0] is not leg))
    turn.do(Disarm(_TIMERS[leg]))
    return keyed


def timer(turn: Turn, event: TimerFired) -> None:
    """Keys that became no code are passed on; the other timers are the talk's own."""
    leg = _BY_TIMER.get(event.timer)
    if leg is not None:
        keyed = _forget(turn, leg)
        if keyed:
            turn.do(PassOn(_OTHER[leg], keyed))
    elif event.timer == HOLD_TIMER:
        on_hold.pause(turn)
    elif event.timer == OFFER_TIMER:
        switching.offer_timer(turn, event)
    elif event.timer == CUT_TIMER and turn.data.free_until_ms is not None:
        giving.over(turn)
    else:
        talking.talk_timer(turn, event)
