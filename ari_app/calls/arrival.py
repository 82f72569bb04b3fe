"""Received, identifying, choosing: who calls, and whom he wants."""

from ari_app.calls import premium_arrival
from ari_app.calls.commands import Answer, CheckPin, Hush, LookUp, Note, Receive
from ari_app.calls.data import EXTENSION_DIGITS, PIN_DIGITS
from ari_app.calls.events import Key, LookedUp, PinChecked, Received, Said, TimerFired
from ari_app.calls.quoting import hold_free, quote
from ari_app.calls.refusing import no_talk
from ari_app.calls.states import Leg, State
from ari_app.calls.turn import STATE_TIMER, WAIT_TIMER, Turn
from billing.calls.values import EndReason
from billing.catalogue.values import LINES, Availability, ExpertChoice
from dialplan.menus import press
from dialplan.menus.pin import Next, after_pin
from dialplan.prompts.values import Phrase


def begin(turn: Turn) -> None:
    """A channel has come in: have it written and looked up."""
    turn.do(Note("received"), Receive())
    turn.last(turn.data.limits.received_ms)


def on_received(turn: Turn, event: Received) -> None:
    """The numbers are known: refuse unanswered, or answer and ask who calls."""
    number, caller = event.reception.number, event.reception.caller
    if number is None:
        turn.settle(EndReason.NUMBER_UNKNOWN, "number-unknown")
        return
    language = (caller.language if caller else None) or number.language
    if number.kind in LINES:
        # Nothing is sold there: another process serves it, and has it answered.
        turn.set(number=number, language=language, line=number.kind)
        turn.settle(EndReason.SELF_SERVICE, "service-down")
        return
    if number.premium is not None:
        premium_arrival.arrived(turn, number, language)
        return
    turn.set(number=number, caller=caller, language=language, answered=True)
    turn.do(Answer(), Note("answered"))
    if caller is None and number.without_payer == "refuse":
        turn.settle(EndReason.CALLER_UNKNOWN, "welcome", "caller-unknown", "goodbye")
    elif caller is not None and caller.locked:
        turn.settle(EndReason.PIN_LOCKED, "welcome", "pin-locked", "goodbye")
    elif caller is not None and caller.pin_needed:
        turn.go(State.IDENTIFYING, digits=PIN_DIGITS, tries=0, turns=0)
        turn.last(turn.data.limits.identifying_ms)
        turn.say(Leg.CALLER, "welcome", "enter-pin")
    else:
        turn.do(Note("identified", {"by": "number" if caller else "nobody"}))
        choose(turn, "welcome")


# Identifying.


def identifying_key(turn: Turn, event: Key) -> None:
    """One key of the PIN; `#` or enough keys end it."""
    if event.leg is not Leg.CALLER:
        return
    turn.hush(Leg.CALLER)
    digits = press(turn.data.digits, event.digit)
    turn.set(digits=digits)
    if digits.done:
        _check(turn)
    else:
        turn.wait(turn.data.limits.pin_digit_ms)


def identifying_said(turn: Turn, event: Said) -> None:
    """The question was asked: wait for the first key."""
    del event
    turn.wait(turn.data.limits.pin_digit_ms)


def _check(turn: Turn) -> None:
    pin = turn.data.digits.value
    turn.set(digits=PIN_DIGITS)
    turn.do(CheckPin(pin))


def identifying_timer(turn: Turn, event: TimerFired) -> None:
    """Silence: what was keyed is the PIN; nothing keyed is asked again."""
    if event.timer == STATE_TIMER:
        turn.settle(EndReason.NOTHING_KEYED, "nothing-keyed", "goodbye")
    elif turn.data.digits.value:
        _check(turn)
    else:
        _again(turn, "enter-pin")


def pin_checked(turn: Turn, event: PinChecked) -> None:
    """Right: go on. Wrong: again, three times in all. Locked: goodbye."""
    tries = turn.data.tries + 1
    match after_pin(event.check, tries, turn.data.limits.pin_tries):
        case Next.GO_ON:
            turn.do(Note("identified", {"by": "PIN"}))
            if turn.data.expert is None:
                choose(turn)
            else:
                # He was asked for it because of this expert's price.
                quote(turn)
        case Next.LOCKED:
            turn.settle(EndReason.PIN_LOCKED, "pin-locked", "goodbye")
        case Next.WRONG:
            turn.do(Note("PIN wrong", {"tries": tries}))
            turn.settle(EndReason.PIN_WRONG, "wrong-pin", "goodbye")
        case Next.AGAIN:
            turn.do(Note("PIN wrong", {"tries": tries}))
            turn.set(tries=tries)
            turn.say(Leg.CALLER, "wrong-pin", "enter-pin")


def _again(turn: Turn, phrase: str) -> None:
    """Ask again, as often as a wrong answer would be forgiven."""
    turns = turn.data.turns + 1
    if turns >= turn.data.limits.pin_tries:
        turn.settle(EndReason.NOTHING_KEYED, "nothing-keyed", "goodbye")
    else:
        turn.set(turns=turns)
        turn.say(Leg.CALLER, phrase)


# Choosing.


def choose(turn: Turn, *before: Phrase | str) -> None:
    """Tell the credit or that the call is free, then ask for an extension, if one is needed."""
    data = turn.data
    assert data.number is not None  # no number: refused in on_received
    credit: tuple[Phrase | str, ...] = (Phrase("free-call", data.number.free_limit_seconds),)
    if data.caller is not None:
        balance = ("balance-is", Phrase("amount", data.caller.available))
        credit = (*balance, *credit) if data.number.begins_free else balance
    turn.go(State.CHOOSING, digits=EXTENSION_DIGITS, tries=0, turns=0)
    turn.last(data.limits.choosing_ms)
    if data.number.kind == "direct":
        turn.set(expert=data.number.expert)
        turn.say(Leg.CALLER, *before, *credit)
    else:
        turn.say(Leg.CALLER, *before, *credit, "enter-extension")


def choosing_said(turn: Turn, event: Said) -> None:
    """The question was asked: wait for keys, or go straight on at a direct number."""
    del event
    number = turn.data.number
    if number is not None and number.kind == "direct":
        if number.expert is None:
            turn.settle(EndReason.EXPERT_AWAY, "expert-away", "goodbye")
        else:
            chosen(turn, number.expert)
    else:
        turn.wait(turn.data.limits.extension_first_digit_ms)


def choosing_key(turn: Turn, event: Key) -> None:
    """One key of the extension. At a direct number `#` skips the balance, other keys do nothing."""
    data = turn.data
    if event.leg is not Leg.CALLER or data.number is None:
        return
    if data.number.kind == "direct":
        number = data.playback(Leg.CALLER)
        if event.digit == "#" and number is not None:
            turn.do(Hush(Leg.CALLER, number))
        return
    turn.hush(Leg.CALLER)
    digits = press(data.digits, event.digit)
    turn.set(digits=digits)
    if digits.done:
        _look_up(turn)
    else:
        turn.wait(data.limits.extension_next_digit_ms)


def _look_up(turn: Turn) -> None:
    number = turn.data.number
    assert number is not None  # choosing has a number
    turn.do(LookUp(number, turn.data.digits.value))
    turn.set(digits=EXTENSION_DIGITS)


def choosing_timer(turn: Turn, event: TimerFired) -> None:
    """Silence: what was keyed is the extension; nothing keyed is asked again."""
    if event.timer == STATE_TIMER:
        turn.settle(EndReason.NOTHING_KEYED, "nothing-keyed", "goodbye")
    elif event.timer == WAIT_TIMER and turn.data.digits.value:
        _look_up(turn)
    else:
        _again(turn, "enter-extension")


def looked_up(turn: Turn, event: LookedUp) -> None:
    """An expert, or an extension nobody has: told and asked again, three times in all."""
    tries = turn.data.tries + 1
    if event.expert is not None:
        chosen(turn, event.expert)
    elif tries >= turn.data.limits.extension_tries:
        turn.settle(EndReason.EXTENSION_UNKNOWN, "unknown-extension", "goodbye")
    else:
        turn.set(tries=tries)
        turn.say(Leg.CALLER, "unknown-extension", "enter-extension")


def chosen(turn: Turn, expert: ExpertChoice) -> None:
    """An expert is wanted: ask for the price if he is there, else say why not."""
    turn.set(expert=expert)
    turn.do(Note("expert chosen", {"extension": expert.extension, "expert": expert.name}))
    if expert.availability is Availability.BUSY:
        no_talk(turn, EndReason.EXPERT_BUSY)
    elif expert.availability is Availability.AWAY or not expert.phones:
        no_talk(turn, EndReason.EXPERT_AWAY)
    elif turn.data.pays and not (turn.data.number and turn.data.number.begins_free):
        quote(turn)
    else:
        hold_free(turn)
