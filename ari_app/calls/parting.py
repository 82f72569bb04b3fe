"""Parting: a talk's bridge is taken down and both legs stay up, for something between two talks."""

from ari_app.calls import sounding
from ari_app.calls.commands import (
    Arm,
    Disarm,
    DropBridge,
    HangUp,
    Limit,
    Note,
    RecordTalkEnd,
)
from ari_app.calls.events import CommandFailed, EndOrdered, Left, LegEnded
from ari_app.calls.states import BOTH, Leg, State
from ari_app.calls.stopping import TALK_TIMERS, gone, take_out
from ari_app.calls.turn import PLEASE_WAIT_TIMER, STATE_TIMER, Turn
from billing.calls.values import EndReason


def part(turn: Turn, state: State, for_ms: int) -> None:
    """End the stretch by taking its bridge down; `state` bounds what comes until the next one."""
    talk, limits = turn.data.talk, turn.data.limits
    assert talk is not None  # nobody else can be parted
    turn.hush(Leg.CALLER)
    turn.hush(Leg.EXPERT)
    turn.go(
        state,
        coming=None,
        asking=False,
        extend_due=False,
        unheard=False,
        going_back=False,
        keying=(),
        turns=0,
        tries=0,
    )
    turn.do(
        *(Disarm(timer) for timer in TALK_TIMERS),
        Arm(STATE_TIMER, limits.stopping_ms),
        DropBridge(talk.bridge),
    )
    sounding.end(turn)
    turn.do(Limit(BOTH, limits.stopping_ms + for_ms + limits.grace_ms))


def out(turn: Turn, event: Left) -> bool:
    """A leg is out of the bridge; gives whether both are, so that the state's own part begins."""
    talk = turn.data.talk
    if talk is None or talk.bridge != event.bridge:
        return False
    if len(talk.inside) == len(BOTH):
        turn.do(RecordTalkEnd(talk.bridge, event.at_ms))
    take_out(turn, event)
    if turn.data.talk is not None and turn.data.talk.inside:
        return False
    turn.set(talk=None)
    return True


def not_parted(turn: Turn) -> None:
    """Asterisk does not say that the legs left: hung up, and paid is what its record proves."""
    talk = turn.data.talk
    inside = talk.inside if talk else frozenset()
    turn.do(
        *(
            HangUp(leg, turn.data.attempt if leg is Leg.EXPERT else 0)
            for leg in BOTH
            if leg in inside
        )
    )
    turn.set(talk=None)
    turn.settle(EndReason.SERVICE_DOWN, by_record=bool(inside))


def leg_ended(turn: Turn, event: LegEnded) -> None:
    """One has hung up: what was talked before is settled, and the other is told."""
    talk = turn.data.talk
    if event.leg is Leg.EXPERT:
        turn.set(expert_up=False)
    else:
        turn.set(caller_up=False)
    turn.set(saying=tuple(pair for pair in turn.data.saying if pair[0] is not event.leg))
    _end(turn, gone(turn, event.leg), by_record=talk is not None and event.leg in talk.inside)


def ordered(turn: Turn, event: EndOrdered) -> None:
    """An operator ends the call: what was talked before is settled."""
    del event
    talk = turn.data.talk
    turn.do(Note("end ordered"))
    _end(turn, EndReason.OPERATOR_ENDED, by_record=talk is not None and bool(talk.inside))


def _end(turn: Turn, reason: EndReason, *, by_record: bool) -> None:
    turn.do(Disarm(PLEASE_WAIT_TIMER))
    turn.set(talk=None)
    turn.settle(reason, by_record=by_record)


def failed(turn: Turn, event: CommandFailed) -> None:
    """Asterisk refused something: a leg that is gone tells so itself, all else is bounded."""
    turn.do(Note("command failed", {"what": event.what}))
