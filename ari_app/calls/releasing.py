"""Premium rate: both are hung up first, at once and without a word; then the money."""

from ari_app.calls.commands import Arm, Disarm, HangUp, Note
from ari_app.calls.events import (
    Answered,
    CommandFailed,
    DatabaseAway,
    EndOrdered,
    Left,
    LegEnded,
    TimerFired,
)
from ari_app.calls.states import Leg, State
from ari_app.calls.stopping import HUNG_UP, take_out
from ari_app.calls.turn import (
    CONFIRM_TIMER,
    CUT_TIMER,
    LEASE_TIMER,
    MENU_TIMER,
    NOTICE_TIMER,
    STATE_TIMER,
    WARN_TIMER,
    Turn,
)
from billing.calls.values import EndReason

HANG_UPS = 3
"""Times both are hung up before Asterisk's own limits are left to end them."""

TIMERS = (CUT_TIMER, WARN_TIMER, LEASE_TIMER, NOTICE_TIMER, CONFIRM_TIMER, MENU_TIMER)

BUSY, NO_ANSWER, NO_ROUTE, FORBIDDEN, CONGESTION = 17, 19, 20, 21, 34
"""Q.850 causes that give an unanswered caller 486, 480, 480, 403 and 503."""

CAUSE: dict[EndReason, int] = {
    EndReason.EXPERT_BUSY: BUSY,
    EndReason.EXPERT_REFUSED: BUSY,
    EndReason.EXPERT_NO_ANSWER: NO_ANSWER,
    EndReason.EXPERT_HUNG_UP: NO_ANSWER,
    EndReason.EXPERT_AWAY: NO_ROUTE,
    EndReason.EXPERT_NOT_CHECKED: NO_ROUTE,
    EndReason.EXPERT_UNREACHABLE: NO_ROUTE,
    EndReason.NO_TARIFF: NO_ROUTE,
    EndReason.LIMIT_REACHED: FORBIDDEN,
    EndReason.OPERATOR_ENDED: FORBIDDEN,
    EndReason.SERVICE_DOWN: CONGESTION,
    EndReason.DATABASE_AWAY: CONGESTION,
}


def release(turn: Turn, reason: EndReason) -> None:
    """Hang both up, the caller first: it is his money."""
    turn.do(*(Disarm(timer) for timer in TIMERS))
    # A hang-up waits for no prompt, so none is stopped before it.
    turn.go(State.STOPPING, reason=reason, saying=(), confirming=False)
    _hang_up(turn)
    turn.do(Note("stopping", {"reason": str(reason)}))
    _settle_if_gone(turn)


def _hang_up(turn: Turn) -> None:
    data = turn.data
    cause = CAUSE.get(data.reason) if data.reason and not data.answered else None
    if data.caller_up:
        turn.do(HangUp(Leg.CALLER, cause=cause))
    if data.expert_up:
        turn.do(HangUp(Leg.EXPERT, data.attempt))
    turn.do(Arm(STATE_TIMER, data.limits.stopping_ms))


def _settle_if_gone(turn: Turn) -> None:
    data = turn.data
    if data.caller_up or data.expert_up:
        return
    assert data.reason is not None  # releasing gave one
    inside = data.talk.inside if data.talk else frozenset()
    # What no event told is asked of Asterisk's record.
    untold = data.answered and (data.answered_ms is None or data.released_ms is None)
    turn.settle(data.reason, by_record=untold or len(inside) == len(Leg))


def take_leg(turn: Turn, event: LegEnded) -> None:
    """Note that a leg is gone; the caller's end stops the carrier's meter."""
    if event.leg is Leg.EXPERT:
        turn.set(expert_up=False)
    else:
        turn.set(caller_up=False, released_ms=event.at_ms)


def leg_gone(turn: Turn, event: LegEnded) -> None:
    """Somebody hung up: the other is hung up as well."""
    refusal = turn.data.refusal if event.leg is Leg.CALLER else None
    take_leg(turn, event)
    release(turn, refusal or HUNG_UP[event.leg])


def left(turn: Turn, event: Left) -> None:
    """The first leg out of the bridge ends the talk, by Asterisk's clock."""
    talk = turn.data.talk
    if talk is None or talk.bridge != event.bridge:
        return
    take_out(turn, event)
    if turn.data.state is not State.STOPPING and talk.from_ms is not None:
        release(turn, HUNG_UP[event.leg])


def stopping_leg_gone(turn: Turn, event: LegEnded) -> None:
    """Once neither is there any more, the money is written."""
    take_leg(turn, event)
    _settle_if_gone(turn)


def stopping_timer(turn: Turn, event: TimerFired) -> None:
    """A leg does not go: again, then left to its limit in Asterisk and its record."""
    del event
    turn.set(hang_ups=turn.data.hang_ups + 1)
    if turn.data.hang_ups >= HANG_UPS:
        turn.set(caller_up=False, expert_up=False)
        _settle_if_gone(turn)
    else:
        _hang_up(turn)


def stopping_failed(turn: Turn, event: CommandFailed) -> None:
    """The expert's channel was never made, so its end will not be told."""
    if event.leg is Leg.EXPERT and event.what == "CreateLeg":
        turn.set(expert_up=False)
        _settle_if_gone(turn)


def away(turn: Turn, event: DatabaseAway) -> None:
    """Without the database nobody is answered, and a menu ends."""
    del event
    release(turn, EndReason.DATABASE_AWAY)


def failed(turn: Turn, event: CommandFailed) -> None:
    """The caller's leg can't be played to or limited."""
    if event.leg is not Leg.EXPERT:
        release(turn, EndReason.SERVICE_DOWN)


def ordered(turn: Turn, event: EndOrdered) -> None:
    """An operator ends the call."""
    del event
    turn.do(Note("end ordered"))
    release(turn, EndReason.OPERATOR_ENDED)


def late_answer(turn: Turn, event: Answered) -> None:
    """The answer is told while both are hung up already."""
    if turn.data.answered_ms is None:
        turn.set(answered_ms=event.at_ms)
