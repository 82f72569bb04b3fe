"""Orders to a call: its end, in any state and asked of nobody; a switch, as if it were keyed."""

from ari_app.calls import giving, switching
from ari_app.calls.commands import CloseOrder, DropBridge, Note, Ring
from ari_app.calls.events import EndOrdered, SwitchOrdered
from ari_app.calls.states import State
from ari_app.calls.stopping import stop
from ari_app.calls.turn import Turn
from billing.calls.values import EndReason

NOT_NOW = "not-now"
"""The call is in no talk that could be switched so."""

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


def switch(turn: Turn, event: SwitchOrdered) -> None:
    """Do what a key of the expert would do in this talk, and say what came of it."""
    data = turn.data
    talking = data.talk is not None and data.talk.from_ms is not None
    result = NOT_NOW
    if talking and data.state is State.TALKING_PAID:
        if event.to == "free":
            result = switching.back_to_free(turn)
        elif event.to == "free-minutes":
            result = giving.give(turn)
    elif talking and data.state is State.TALKING_FREE:
        if event.to == "free":
            result = giving.stay_free(turn) or NOT_NOW
        elif event.to != "free-minutes":
            result = switching.propose(turn, event.to)
    turn.do(CloseOrder(event.order_id, result))


def _settle(turn: Turn) -> None:
    turn.do(Note("end ordered"))
    turn.settle(EndReason.OPERATOR_ENDED, "operator-ended", "nothing-charged", "goodbye")
