"""The end of a talk: the first leg out of its bridge ends the paid time, by Asterisk's clock."""

from dataclasses import replace

from ari_app.calls import sounding
from ari_app.calls.commands import (
    Arm,
    Disarm,
    DropBridge,
    HangUp,
    Limit,
    Note,
)
from ari_app.calls.events import (
    Counted,
    Left,
    LegEnded,
    MediaLost,
    TimerFired,
)
from ari_app.calls.states import BOTH, Leg, State
from ari_app.calls.turn import (
    CUT_TIMER,
    EXTEND_TIMER,
    HOLD_TIMER,
    STATE_TIMER,
    WARN_TIMER,
    Turn,
    settling_ms,
)
from billing.calls.rules import sounding_until_ms
from billing.calls.values import MEDIA_LOST, EndReason, Interval

TALK_TIMERS = (CUT_TIMER, EXTEND_TIMER, WARN_TIMER, HOLD_TIMER)
CLOCKS_APART_MS = 250
"""More than events are ever late: somebody set the clock, or we stood still."""

HUNG_UP = {Leg.CALLER: EndReason.CALLER_HUNG_UP, Leg.EXPERT: EndReason.EXPERT_HUNG_UP}


def media_lost(turn: Turn, event: MediaLost) -> None:
    """A leg is hung up for its silence: what is paid ends when it was last heard."""
    limits = turn.data.limits
    held = event.leg in turn.data.holding
    silent_seconds = limits.media_held_seconds if held else limits.media_seconds
    turn.do(Note(MEDIA_LOST, {"leg": str(event.leg), "silent_seconds": silent_seconds}))
    turn.set(sound_until_ms=sounding_until_ms(event.at_ms, silent_seconds))


def gone(turn: Turn, leg: Leg) -> EndReason:
    """Why a leg is gone that we didn't hang up."""
    return HUNG_UP[leg] if turn.data.sound_until_ms is None else EndReason.MEDIA_LOST


def abandon(turn: Turn) -> None:
    """The talk could not begin: nothing is charged."""
    talk = turn.data.talk
    if talk is not None:
        turn.do(DropBridge(talk.bridge))
    turn.set(talk=None)
    turn.settle(EndReason.SERVICE_DOWN, "service-down", "goodbye")


def stop(turn: Turn, reason: EndReason) -> None:
    """Take the bridge down: one request ends the paid time of both."""
    talk = turn.data.talk
    turn.do(*(Disarm(timer) for timer in TALK_TIMERS))
    turn.go(State.STOPPING, reason=reason)
    turn.do(
        Note("stopping", {"reason": str(reason)}), Arm(STATE_TIMER, turn.data.limits.stopping_ms)
    )
    if talk is not None:
        for leg in BOTH:
            turn.hush(leg)
        turn.do(DropBridge(talk.bridge))
        sounding.end(turn)
        # Who is still up has the talk's limit, which may be minutes away. Settling counts as well.
        limits = turn.data.limits
        up = tuple(leg for leg in BOTH if leg in talk.inside and turn.data.up(leg))
        ms = limits.stopping_ms + settling_ms(limits) + limits.grace_ms
        turn.do(Limit(up, ms, "silent"))


def left(turn: Turn, event: Left) -> None:
    """The first leg out of the bridge ends the interval, by Asterisk's clock."""
    talk = turn.data.talk
    if talk is None or talk.bridge != event.bridge:
        return
    take_out(turn, event)
    if talk.from_ms is None:
        return
    sounding.told(turn, event)
    if turn.data.state is not State.STOPPING:
        stop(turn, gone(turn, event.leg))
    if turn.data.talk is not None and not turn.data.talk.inside:
        talk_over(turn)


def take_out(turn: Turn, event: Left) -> None:
    """A leg is out of the bridge; the first of both to leave ends the paid interval.

    The first by Asterisk's clock, whichever is told first.
    """
    talk = turn.data.talk
    assert talk is not None  # somebody left it
    if talk.from_ms is not None and event.leg in talk.inside and talk.paid:
        end_ms = _end_ms(turn, event, talk.from_ms, talk.steady_from_ms)
        before = turn.data.intervals
        if len(talk.inside) < len(BOTH):
            before, ended = before[:-1], before[-1]
            end_ms = min(end_ms, ended.end_ms or end_ms)
        turn.set(intervals=(*before, Interval(talk.from_ms, end_ms)))
    elif talk.from_ms is not None and len(talk.inside) == len(BOTH):
        turn.set(free_ms=turn.data.free_ms + max(0, event.at_ms - talk.from_ms))
    inside, left = talk.inside - {event.leg}, talk.left | {event.leg}
    turn.set(talk=replace(talk, inside=inside, left=left))


def _end_ms(turn: Turn, event: Left, from_ms: int, steady_from_ms: int | None) -> int:
    """The end by Asterisk's clock, checked against the steady one: where they differ, the sooner.

    A clock that was set in the talk must not make anybody pay for time that wasn't talked; one set
    back beyond its beginning leaves nothing to pay.
    """
    if steady_from_ms is None or event.steady_ms is None:
        return max(from_ms, event.at_ms)
    steady_ms = event.steady_ms - steady_from_ms
    apart_ms = event.at_ms - from_ms - steady_ms
    if abs(apart_ms) <= CLOCKS_APART_MS:
        return event.at_ms
    turn.do(Note("clocks differ", {"milliseconds": apart_ms}))
    return max(from_ms, min(event.at_ms, from_ms + steady_ms))


def talk_over(turn: Turn) -> None:
    """No leg is in the bridge any more: now the money, once it is known who sent any sound."""
    if turn.data.counting is not None:
        return
    reason = turn.data.reason
    assert reason is not None  # stopping gave one
    turn.settle(reason)


def counted(turn: Turn, event: Counted) -> None:
    """The packets are counted: the money waited for them."""
    sounding.counted(turn, event)
    talk = turn.data.talk
    if talk is not None and talk.from_ms is not None and not talk.inside:
        talk_over(turn)


def talk_leg_ended(turn: Turn, event: LegEnded) -> None:
    """A leg is gone. Its `Left` came before it; without one the talk had not begun.

    Should that `Left` be missing, the other must not go on talking to nobody for money.
    """
    talk = turn.data.talk
    if event.leg is Leg.EXPERT:
        turn.set(expert_up=False)
    else:
        turn.set(caller_up=False)
    if talk is not None and talk.from_ms is None:
        turn.do(DropBridge(talk.bridge))
        turn.set(talk=None)
        if event.leg is Leg.CALLER:
            turn.settle(EndReason.CALLER_HUNG_UP)
        else:
            turn.settle(EndReason.EXPERT_HUNG_UP, "expert-hung-up", "nothing-charged", "goodbye")
    elif talk is not None and event.leg in talk.inside:
        stop(turn, gone(turn, event.leg))


def stopping_leg_ended(turn: Turn, event: LegEnded) -> None:
    """The other leg goes as well while the talk is being stopped."""
    if event.leg is Leg.EXPERT:
        turn.set(expert_up=False)
    else:
        turn.set(caller_up=False)


def stopping_timer(turn: Turn, event: TimerFired) -> None:
    """Asterisk does not say that the legs left: hung up, and paid is what its record proves.

    They may have parted long before, unheard by us, or still talk.
    """
    del event
    data = turn.data
    assert data.reason is not None  # stopping gave one
    inside = data.talk.inside if data.talk else frozenset()
    turn.do(
        *(HangUp(leg, data.attempt if leg is Leg.EXPERT else 0) for leg in BOTH if leg in inside)
    )
    turn.set(talk=None, silent=frozenset(), counting=None)
    turn.settle(data.reason, by_record=bool(inside))
