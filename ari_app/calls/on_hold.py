"""On hold: the caller's is paid; the expert's stops the meter after a while, and at last the call.

The end of a hold may be told twice, late or never: one that is not ended has a limit.
"""

from ari_app.calls import parting, sounding
from ari_app.calls.commands import Arm, Disarm, Note
from ari_app.calls.events import HoldBegan, HoldEnded, Left, Said, TimerFired
from ari_app.calls.joining import begin_talk
from ari_app.calls.states import BOTH, Leg, State
from ari_app.calls.turn import HOLD_TIMER, PLEASE_WAIT_TIMER, STATE_TIMER, Turn
from billing.calls.values import EndReason


def began(turn: Turn, event: HoldBegan) -> None:
    """A leg puts the other on hold. The expert has a moment before the meter stops."""
    data = turn.data
    if event.leg in data.holding:
        return
    turn.do(Note("hold", {"leg": str(event.leg)}))
    turn.set(holding=(*data.holding, event.leg))
    sounding.sounded(turn, *BOTH)
    talk = data.talk
    metered = data.state is State.TALKING_PAID and talk is not None and talk.from_ms is not None
    if event.leg is Leg.EXPERT and metered:
        turn.do(Arm(HOLD_TIMER, data.limits.hold_paid_ms))


def ended(turn: Turn, event: HoldEnded) -> None:
    """The leg is back; where the meter stood still for it, the talk goes on."""
    data = turn.data
    if event.leg not in data.holding:
        return
    turn.do(Note("hold ended", {"leg": str(event.leg)}))
    turn.set(holding=tuple(leg for leg in data.holding if leg is not event.leg))
    if event.leg is not Leg.EXPERT:
        return
    turn.do(Disarm(HOLD_TIMER))
    if data.state is State.ON_HOLD and data.talk is None:
        _go_on(turn)


def pause(turn: Turn) -> None:
    """The expert holds for long: the paid talk and its meter stand still."""
    limits = turn.data.limits
    turn.do(Note("meter stopped", {"because": "on hold"}))
    parting.part(turn, State.ON_HOLD, limits.hold_ms)


def left(turn: Turn, event: Left) -> None:
    """Both are out of the paid bridge: the caller is told that he doesn't pay for waiting."""
    if not parting.out(turn, event):
        return
    if Leg.EXPERT not in turn.data.holding:
        # He came back while the bridge was taken down.
        _go_on(turn)
        return
    turn.do(Arm(STATE_TIMER, turn.data.limits.hold_ms))
    tell(turn)


def tell(turn: Turn) -> None:
    """Tell the caller that he is on hold and doesn't pay for it."""
    turn.say_aside(Leg.CALLER, "expert-holds")


def said(turn: Turn, event: Said) -> None:
    """The caller is told again now and then."""
    del event
    turn.do(Arm(PLEASE_WAIT_TIMER, turn.data.limits.please_wait_ms))


def timer(turn: Turn, event: TimerFired) -> None:
    """Told again; or the hold lasts too long and the call ends, paid until the meter stopped."""
    if event.timer == PLEASE_WAIT_TIMER:
        tell(turn)
    elif event.timer != STATE_TIMER:
        return
    elif turn.data.talk is not None:
        parting.not_parted(turn)
    else:
        turn.do(Disarm(PLEASE_WAIT_TIMER))
        turn.settle(EndReason.HELD_TOO_LONG)


def _go_on(turn: Turn) -> None:
    """Into a new paid bridge of the same segment."""
    turn.hush(Leg.CALLER)
    turn.do(Disarm(PLEASE_WAIT_TIMER))
    begin_talk(turn, paid=True)
