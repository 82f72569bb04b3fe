"""Premium rate, before the answer: who can't be reached is refused; a menu's thirty seconds."""

from ari_app.calls.announcing import announce_menu
from ari_app.calls.commands import HoldPremium, LookUp, Note
from ari_app.calls.data import EXTENSION_DIGITS
from ari_app.calls.events import Key, LookedUp, NotGranted, PremiumHeld, Said, TimerFired
from ari_app.calls.refusing import no_premium_talk
from ari_app.calls.releasing import release
from ari_app.calls.ringing import ring
from ari_app.calls.states import Leg, State
from ari_app.calls.turn import WAIT_TIMER, Turn
from billing.calls.values import EndReason
from billing.catalogue.values import Availability, ExpertChoice, ServedNumber
from dialplan.menus import press


def arrived(turn: Turn, number: ServedNumber, language: str) -> None:
    """The number is known: refuse at once, or freeze terms and take the expert."""
    turn.set(number=number, language=language, expert=number.expert)
    if number.kind == "menu":
        _hold(turn)
    elif number.expert is None:
        release(turn, EndReason.EXPERT_AWAY)
    else:
        _wanted(turn, number.expert)


def _wanted(turn: Turn, expert: ExpertChoice) -> None:
    turn.set(expert=expert)
    turn.do(Note("expert chosen", {"extension": expert.extension, "expert": expert.name}))
    if expert.availability is Availability.BUSY:
        no_premium_talk(turn, EndReason.EXPERT_BUSY)
    elif expert.availability is Availability.AWAY or not expert.phones:
        no_premium_talk(turn, EndReason.EXPERT_AWAY)
    else:
        _hold(turn)


def _hold(turn: Turn) -> None:
    turn.go(State.HOLDING)
    turn.last(turn.data.limits.holding_ms)
    turn.do(HoldPremium(turn.data.expert))


def held(turn: Turn, event: PremiumHeld) -> None:
    """All is frozen: ring, or answer and let the caller choose."""
    turn.set(premium=event.plan)
    turn.do(Note("terms frozen", {"cap_seconds": event.plan.cap.seconds}))
    if turn.data.expert is None:
        announce_menu(turn)
    else:
        ring(turn)


def not_held(turn: Turn, event: NotGranted) -> None:
    """A cap is used up, or the expert was taken a moment before."""
    no_premium_talk(turn, EndReason(event.refusal.value))


def holding_timer(turn: Turn, event: TimerFired) -> None:
    """The database is too slow."""
    del event
    release(turn, EndReason.DATABASE_AWAY)


# A menu: every second is paid by the caller.


def choosing_said(turn: Turn, event: Said) -> None:
    """The question was asked; or the caller was told why there is no talk."""
    del event
    if turn.data.refusal is not None:
        release(turn, turn.data.refusal)
    else:
        turn.wait(turn.data.limits.extension_first_digit_ms)


def choosing_key(turn: Turn, event: Key) -> None:
    """One key of the extension."""
    if event.leg is not Leg.CALLER or turn.data.refusal is not None:
        return
    turn.hush(Leg.CALLER)
    digits = press(turn.data.digits, event.digit)
    turn.set(digits=digits)
    if digits.done:
        _look_up(turn)
    else:
        turn.wait(turn.data.limits.extension_next_digit_ms)


def _look_up(turn: Turn) -> None:
    number = turn.data.number
    assert number is not None  # choosing has a number
    turn.do(LookUp(number, turn.data.digits.value))
    turn.set(digits=EXTENSION_DIGITS)


def choosing_timer(turn: Turn, event: TimerFired) -> None:
    """Silence: what was keyed is the extension; nothing keyed ends the call."""
    if event.timer == WAIT_TIMER and turn.data.digits.value:
        _look_up(turn)
    else:
        release(turn, turn.data.refusal or EndReason.NOTHING_KEYED)


def looked_up(turn: Turn, event: LookedUp) -> None:
    """An expert, or an extension nobody has: asked again, three times in all."""
    tries = turn.data.tries + 1
    if turn.data.refusal is not None:
        return
    if event.expert is not None:
        _wanted(turn, event.expert)
    elif tries >= turn.data.limits.extension_tries:
        release(turn, EndReason.EXTENSION_UNKNOWN)
    else:
        turn.set(tries=tries)
        turn.say(Leg.CALLER, "unknown-extension")
