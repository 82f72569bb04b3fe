"""Free minutes: the expert gives some away, and afterwards the talk is paid as before.

They are a free talk within the paid segment: price, grant and holds stay, no meter runs, and the
number's free limit counts them.
"""

from ari_app.calls import parting, talking
from ari_app.calls.commands import CloseSegment, LimitTalk, Note
from ari_app.calls.states import BOTH, State
from ari_app.calls.switching import LEAST_FREE_MS, no_free_talk_left
from ari_app.calls.turn import Turn


def give(turn: Turn) -> str:
    """Let the meter stand still for some minutes. Gives what came of it, in a word."""
    data = turn.data
    assert data.number is not None  # a talk has a number
    left_ms = data.number.free_limit_seconds * 1_000 - data.free_ms
    if left_ms < LEAST_FREE_MS:
        return no_free_talk_left(turn, "no free minutes")
    turn.do(Note("free minutes"))
    parting.part(turn, State.FREEING, data.limits.freeing_ms)
    turn.set(free_until_ms=data.free_ms + min(data.limits.free_minutes_ms, left_ms))
    return "free-minutes"


def over(turn: Turn) -> None:
    """They are used up: both are told, and a tone begins the paid talk anew."""
    turn.do(Note("free minutes over"))
    parting.part(turn, State.FREEING, turn.data.limits.freeing_ms)
    turn.set(free_until_ms=None, going_back=True)


def stay_free(turn: Turn) -> str | None:
    """The expert wants no more money after all: what was paid before is written now.

    Gives what came of it; None: these are no free minutes.
    """
    data = turn.data
    if data.free_until_ms is None:
        return None
    turn.do(Note("back to free"))
    turn.set(free_until_ms=None, grant=None, closing=True)
    talking.run_timers(turn)
    until_ms = turn.data.meter_from_ms + turn.data.granted_ms
    # Before the words: a limit waits behind what a leg hears.
    turn.do(CloseSegment(turn.paid()), LimitTalk(until_ms, 0, "free-limit"))
    for leg in BOTH:
        turn.say_aside(leg, "free-from-now")
    return "back-to-free"
