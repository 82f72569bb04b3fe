"""Where a call goes on that a restart found between two talks, with both still there: pure.

The talk goes on as it stood: paid, where the caller was topping up or on hold; free, where he was
being asked for a price, which counts as declined.
"""

from dataclasses import replace
from typing import Final

from ari_app.calls import on_hold
from ari_app.calls.adopting import Next
from ari_app.calls.commands import Arm, CloseSegment, Limit, Note
from ari_app.calls.data import CallData
from ari_app.calls.joining import begin_talk
from ari_app.calls.states import BOTH, Leg, State
from ari_app.calls.turn import OFFER_TIMER, STATE_TIMER, Turn

PAID: Final = frozenset({State.TOPPING_UP, State.ON_HOLD, State.TALKING_PAID})
FREE: Final = frozenset({State.CONSENTING, State.FREEING, State.TALKING_FREE})
JOINING: Final = frozenset({State.TALKING_PAID, State.TALKING_FREE})
"""Between two talks only while the next one has not begun."""

_TOLD: Final = {
    State.CONSENTING: ("price-not-possible", "stays-free"),
    State.FREEING: ("free-from-now", "free-from-now"),
    State.TALKING_FREE: ("free-from-now", "free-from-now"),
}


def back(data: CallData, was: State, talks: int, says: int) -> Next:
    """Go on from `was`; `talks` bridges were named before, and `says` playbacks."""
    turn = Turn(replace(data, talked=True, talks=talks, says=says))
    turn.do(Note("brought back after a restart", {"from": str(was)}))
    if was is State.ON_HOLD:
        # Whether he is back can't be asked. Nobody pays while it isn't known.
        turn.go(State.ON_HOLD, holding=(Leg.EXPERT,))
        _bound(turn, data.limits.hold_ms)
        on_hold.tell(turn)
    elif was in PAID:
        begin_talk(turn, paid=True)
    else:
        _free(turn, was)
    return turn.data, tuple(turn.commands)


def _free(turn: Turn, was: State) -> None:
    limits = turn.data.limits
    # What is still held belongs to a talk that is over, or to one that never began.
    closing = turn.data.grant is not None
    turn.go(State.FREEING, grant=None, closing=closing, offer_later=True)
    _bound(turn, limits.freeing_ms)
    turn.do(Arm(OFFER_TIMER, limits.consent_apart_ms))
    if closing:
        turn.do(CloseSegment(turn.data.intervals))
    to_expert, to_caller = _TOLD[was]
    turn.say(Leg.EXPERT, to_expert)
    turn.say(Leg.CALLER, to_caller)


def _bound(turn: Turn, ms: int) -> None:
    turn.do(Arm(STATE_TIMER, ms), Limit(BOTH, ms + turn.data.limits.grace_ms))
