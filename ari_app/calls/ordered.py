"""An operator's order to end a call: done in any state, never asked of anybody in the call."""

from ari_app.calls.commands import DropBridge, Note, Ring
from ari_app.calls.events import EndOrdered
from ari_app.calls.states import State
from ari_app.calls.stopping import stop
from ari_app.calls.turn import Turn
from billing.calls.values import EndReason

RINGING = frozenset({State.RINGING, State.OFFERING})


def end_early(turn: Turn, event: EndOrdered) -> None:
    """There is no talk yet: nothing is charged, and the caller is told."""
    del event
    if turn.data.state in RINGING:
        turn.do(Ring(on=False))
    _settle(turn)


def end_talk(turn: Turn, event: EndOrdered) -> None:
    """The talk stops now, charged for what was talked; before both are joined, for nothing."""
    del event
    talk = turn.data.talk
    if talk is not None and talk.from_ms is not None:
        turn.do(Note("end ordered"))
        stop(turn, EndReason.OPERATOR_ENDED)
        return
    if talk is not None:
        turn.do(DropBridge(talk.bridge))
    turn.set(talk=None)
    _settle(turn)


def _settle(turn: Turn) -> None:
    turn.do(Note("end ordered"))
    turn.settle(EndReason.OPERATOR_ENDED, "operator-ended", "nothing-charged", "goodbye")
