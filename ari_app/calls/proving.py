"""A price that a caller's number alone is not enough for: his PIN is asked for after all."""

from dataclasses import replace

from ari_app.calls.commands import Note
from ari_app.calls.data import PIN_DIGITS
from ari_app.calls.states import Leg, State
from ari_app.calls.turn import Turn


def ask_pin(turn: Turn) -> None:
    """Ask for the PIN; once it is right the same expert's price is asked for again."""
    caller = turn.data.caller
    assert caller is not None  # somebody's limit was reached
    turn.do(Note("PIN needed"))
    turn.go(
        State.IDENTIFYING,
        caller=replace(caller, pin_needed=True),
        quote=None,
        grant=None,
        digits=PIN_DIGITS,
        tries=0,
        turns=0,
    )
    turn.last(turn.data.limits.identifying_ms)
    turn.say(Leg.CALLER, "number-alone-limit-reached", "enter-pin")
