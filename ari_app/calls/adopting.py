"""Where a call that a restart found goes on: pure, like the machine it leads into."""

from dataclasses import replace

from ari_app.calls.commands import Command, HangUp, Note
from ari_app.calls.data import CallData, Talk
from ari_app.calls.states import Leg, State
from ari_app.calls.talking import run_timers
from ari_app.calls.turn import Turn
from billing.calls.values import EndReason

RECOVERED_SAYS = 1_000
"""Playbacks after a restart are numbered from here, so that none is taken for an earlier one."""

Next = tuple[CallData, tuple[Command, ...]]


def adopt(data: CallData, talk: Talk, talks: int) -> Next:
    """Both legs are still in the talk's bridge: its timers are armed again, from the grant."""
    state = State.TALKING_PAID if talk.paid else State.TALKING_FREE
    turn = Turn(
        replace(
            data, state=state, talk=talk, talks=talks, talked=True, says=RECOVERED_SAYS, rose=True
        )
    )
    turn.do(Note("adopted after a restart"))
    run_timers(turn)
    return turn.data, tuple(turn.commands)


def let_go(data: CallData) -> Next:
    """There was no talk yet: all is given back and the caller hears an apology."""
    turn = Turn(replace(data, says=RECOVERED_SAYS))
    turn.do(Note("let go after a restart"))
    if data.expert_up:
        turn.do(HangUp(Leg.EXPERT, data.attempt))
    turn.settle(EndReason.SERVICE_DOWN, "apology")
    return turn.data, tuple(turn.commands)


def release(data: CallData, reason: EndReason) -> Next:
    """The talk had ended: it is settled by Asterisk's record, and who is still up let go."""
    turn = Turn(replace(data, says=RECOVERED_SAYS, talked=True))
    turn.do(Note("released after a restart"))
    turn.settle(reason)
    return turn.data, tuple(turn.commands)
