"""Where a call that a restart found goes on: pure, like the machine it leads into."""

from dataclasses import replace

from ari_app.calls import premium_talk, releasing
from ari_app.calls.commands import Arm, Command, Lease, LimitTalk, Note, RecordTalk
from ari_app.calls.data import CallData, Talk
from ari_app.calls.states import State
from ari_app.calls.talking import run_timers
from ari_app.calls.turn import EXTEND_TIMER, Turn
from billing.calls.values import EndReason

RECOVERED_SAYS = 1_000
"""Playbacks after a restart are numbered from here, so that none is taken for an earlier one."""

Next = tuple[CallData, tuple[Command, ...]]


def adopt(data: CallData, talk: Talk, talks: int) -> Next:
    """Both legs are still in the talk's bridge: its timers are armed again, from the grant.

    A grant may have been lengthened, and a talk's start seen, just before the restart: so the
    limits in Asterisk are set and the start written again.
    """
    assert talk.from_ms is not None  # a talk without a start isn't adopted
    state = State.TALKING_PAID if talk.paid else State.TALKING_FREE
    turn = Turn(
        replace(data, state=state, talk=talk, talks=talks, talked=True, says=RECOVERED_SAYS)
    )
    if data.carrier_billed:
        _adopt_premium(turn, talk)
        return turn.data, tuple(turn.commands)
    granted = data.grant.granted_seconds if data.grant and talk.paid else 0
    farewell = "credit" if talk.paid else "free-limit"
    turn.do(
        Note("adopted after a restart"),
        RecordTalk(talk.bridge, talk.paid, talk.from_ms),
        LimitTalk(turn.data.meter_from_ms + turn.data.granted_ms, granted, farewell),
    )
    # The wallet's version is not known any more: the first look at it counts as a rise.
    run_timers(turn)
    if not talk.paid and data.grant is not None:
        # The paid talk before it was over, but perhaps not paid yet.
        turn.set(grant=None, closing=True)
        turn.do(Arm(EXTEND_TIMER, 0))
    return turn.data, tuple(turn.commands)


def _adopt_premium(turn: Turn, talk: Talk) -> None:
    assert talk.from_ms is not None  # a talk without a start isn't adopted
    # Where the answer was not written yet, it was moments before the talk.
    turn.set(answered=True, answered_ms=turn.data.answered_ms or talk.from_ms, adopted=True)
    turn.do(
        Note("adopted after a restart"),
        RecordTalk(talk.bridge, talk.paid, talk.from_ms),
        Lease(premium_talk.cap_ms(turn)),
    )
    premium_talk.run_timers(turn)


def let_go(data: CallData, says: int = RECOVERED_SAYS) -> Next:
    """There was no talk yet: all is given back and the caller hears an apology."""
    turn = Turn(replace(data, says=says))
    turn.do(Note("let go after a restart"))
    if data.carrier_billed:
        releasing.release(turn, EndReason.SERVICE_DOWN)
        return turn.data, tuple(turn.commands)
    turn.settle(EndReason.SERVICE_DOWN, "apology")
    return turn.data, tuple(turn.commands)


def release(data: CallData, reason: EndReason, says: int = RECOVERED_SAYS) -> Next:
    """The talk had ended: it is settled by Asterisk's record, and who is still up let go."""
    turn = Turn(replace(data, says=says, talked=True))
    turn.do(Note("released after a restart"))
    if data.carrier_billed:
        releasing.release(turn, reason)
        return turn.data, tuple(turn.commands)
    turn.settle(reason)
    return turn.data, tuple(turn.commands)
