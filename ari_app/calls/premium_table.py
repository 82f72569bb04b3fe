"""The machine's column for premium-rate numbers, from the moment that the number is known.

What it shares with the other column (ringing, offering) is the same handler. Nothing in it answers
the caller before the expert has accepted, but for a menu; and nothing is said once a talk is over.
"""

from collections.abc import Callable, Mapping
from typing import Final

from ari_app.calls import announcing, ending, premium_arrival, premium_talk, releasing, ringing
from ari_app.calls import events as e
from ari_app.calls.states import Leg, State
from ari_app.calls.table import CALLER_GONE, EXPERT_GONE, Column, Rules, rule
from ari_app.calls.turn import CUT_TIMER, MENU_TIMER, Turn
from billing.calls.values import EndReason

RINGING: Final = frozenset({State.RINGING, State.OFFERING, State.ANNOUNCING})


def _bounded(
    handler: Callable[[Turn, e.TimerFired], None],
) -> Callable[[Turn, e.TimerFired], None]:
    """Look for the end of a menu, and of all that a caller may spend, before anything else."""

    def handle(turn: Turn, event: e.TimerFired) -> None:
        if event.timer == MENU_TIMER:
            late = turn.data.state in RINGING
            reason = EndReason.EXPERT_NO_ANSWER if late else EndReason.NOTHING_KEYED
            releasing.release(turn, turn.data.refusal or reason)
        elif event.timer == CUT_TIMER:
            releasing.release(turn, premium_talk.cut_reason(turn))
        else:
            handler(turn, event)

    return handle


S = State
_EARLY: Final[Rules] = {
    CALLER_GONE: rule(releasing.leg_gone, S.STOPPING, S.SETTLING),
    (e.Answered, None): rule(premium_talk.answered),
    (e.DatabaseAway, None): rule(releasing.away, S.STOPPING, S.SETTLING),
    (e.CommandFailed, None): rule(releasing.failed, S.STOPPING, S.SETTLING),
    (e.EndOrdered, None): rule(releasing.ordered, S.STOPPING, S.SETTLING),
}
_NO_TALK: Final = (S.CHOOSING, S.STOPPING, S.SETTLING)
_HUNG_UP: Final = (S.STOPPING, S.SETTLING)

PREMIUM: Final[Column] = {
    S.HOLDING: {
        **_EARLY,
        (e.PremiumHeld, None): rule(
            premium_arrival.held, S.RINGING, S.ANNOUNCING, S.CHOOSING, *_HUNG_UP
        ),
        (e.NotGranted, None): rule(premium_arrival.not_held, *_NO_TALK),
        (e.TimerFired, None): rule(_bounded(premium_arrival.holding_timer), *_HUNG_UP),
    },
    S.CHOOSING: {
        **_EARLY,
        (e.Key, None): rule(premium_arrival.choosing_key),
        (e.Said, None): rule(premium_arrival.choosing_said, *_HUNG_UP),
        (e.LookedUp, None): rule(premium_arrival.looked_up, S.HOLDING, *_NO_TALK),
        (e.TimerFired, None): rule(_bounded(premium_arrival.choosing_timer), *_HUNG_UP),
    },
    S.RINGING: {
        **_EARLY,
        (e.DialRecorded, None): rule(ringing.dial_recorded),
        (e.LegReady, None): rule(ringing.leg_ready),
        (e.LegUp, None): rule(ringing.leg_up, S.OFFERING),
        (e.TimerFired, None): rule(_bounded(ringing.phone_timer), *_NO_TALK),
        (e.CommandFailed, None): rule(ringing.phone_failed, *_NO_TALK),
        EXPERT_GONE: rule(ringing.phone_ended, *_NO_TALK),
    },
    S.OFFERING: {
        **_EARLY,
        (e.Said, None): rule(ringing.offering_said),
        (e.Key, None): rule(ringing.offering_key, S.ANNOUNCING, *_NO_TALK),
        (e.TimerFired, None): rule(_bounded(ringing.phone_timer), S.RINGING, *_NO_TALK),
        (e.CommandFailed, None): rule(ringing.phone_failed, S.RINGING, *_NO_TALK),
        EXPERT_GONE: rule(ringing.phone_ended, S.RINGING, *_NO_TALK),
    },
    S.ANNOUNCING: {
        **_EARLY,
        (e.Said, None): rule(announcing.announcing_said, S.TALKING_PAID, S.CHOOSING, *_HUNG_UP),
        (e.Key, None): rule(announcing.announcing_key),
        (e.TalkRecorded, None): rule(announcing.announcing_recorded, S.TALKING_PAID),
        (e.TimerFired, None): rule(
            _bounded(announcing.announcing_timer), S.TALKING_PAID, S.CHOOSING, *_HUNG_UP
        ),
        (e.CommandFailed, None): rule(premium_talk.failed, *_HUNG_UP),
        EXPERT_GONE: rule(releasing.leg_gone, *_HUNG_UP),
    },
    S.TALKING_PAID: {
        (e.Answered, None): rule(premium_talk.answered),
        (e.Entered, None): rule(premium_talk.entered),
        (e.Left, None): rule(releasing.left, *_HUNG_UP),
        (e.Key, None): rule(premium_talk.talk_key),
        (e.TimerFired, None): rule(premium_talk.talk_timer, *_HUNG_UP),
        (e.DatabaseAway, None): rule(premium_talk.away),
        (e.CommandFailed, None): rule(premium_talk.failed, *_HUNG_UP),
        (e.EndOrdered, None): rule(releasing.ordered, *_HUNG_UP),
        CALLER_GONE: rule(releasing.leg_gone, *_HUNG_UP),
        EXPERT_GONE: rule(releasing.leg_gone, *_HUNG_UP),
    },
    S.STOPPING: {
        (e.Answered, None): rule(releasing.late_answer),
        (e.Left, None): rule(releasing.left),
        (e.TimerFired, None): rule(releasing.stopping_timer, S.SETTLING),
        (e.CommandFailed, None): rule(releasing.stopping_failed, S.SETTLING),
        CALLER_GONE: rule(releasing.stopping_leg_gone, S.SETTLING),
        EXPERT_GONE: rule(releasing.stopping_leg_gone, S.SETTLING),
    },
    S.SETTLING: {
        (e.Settled, None): rule(ending.settled, S.OVER),
        (e.Spooled, None): rule(ending.spooled, S.OVER),
        (e.TimerFired, None): rule(ending.settling_timer, S.OVER),
    },
    S.OVER: {},
}
"""Every legal event of every state of a premium-rate call."""

_NO_LEG = "the expert's channel does not exist before a phone of his is dialled"
_CROSSING = "we are hanging both up: a phone's own BYE crosses ours and looks the same"
_GONE = "both were hung up before the money is written"
PREMIUM_IMPOSSIBLE: Final[Mapping[tuple[State, Leg], str]] = {
    (S.HOLDING, Leg.EXPERT): _NO_LEG,
    (S.CHOOSING, Leg.EXPERT): _NO_LEG,
    (S.STOPPING, Leg.CALLER): _CROSSING,
    (S.STOPPING, Leg.EXPERT): _CROSSING,
    (S.SETTLING, Leg.CALLER): _GONE,
    (S.SETTLING, Leg.EXPERT): _GONE,
    (S.OVER, Leg.CALLER): "no leg is left",
    (S.OVER, Leg.EXPERT): "no leg is left",
}
"""Hang-ups that a phone can't cause there, each with its reason."""
