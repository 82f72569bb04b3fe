"""Topping up in mid-call: the meter stands still, the caller keys a voucher, the talk goes on."""

from ari_app.calls import parting
from ari_app.calls.commands import Arm, Disarm, Note, RedeemVoucher
from ari_app.calls.data import VOUCHER_DIGITS
from ari_app.calls.events import (
    DatabaseAway,
    Key,
    Left,
    Said,
    TimerFired,
    VoucherRefused,
    VoucherTaken,
)
from ari_app.calls.joining import begin_talk
from ari_app.calls.states import Leg, State
from ari_app.calls.turn import PLEASE_WAIT_TIMER, STATE_TIMER, Turn
from dialplan.menus import press
from dialplan.prompts.values import Phrase

TRIES_USED_UP = "voucher-tries"


def top_up(turn: Turn) -> None:
    """The caller wants to key a voucher: the paid talk and its meter stand still."""
    turn.do(Note("topping up"))
    parting.part(turn, State.TOPPING_UP, turn.data.limits.topping_up_ms)
    turn.set(digits=VOUCHER_DIGITS)


def left(turn: Turn, event: Left) -> None:
    """Both are out of the paid bridge: the caller is asked for the code, the expert to wait."""
    if not parting.out(turn, event):
        return
    turn.do(Arm(STATE_TIMER, turn.data.limits.topping_up_ms))
    turn.say(Leg.CALLER, "enter-voucher")
    turn.say_aside(Leg.EXPERT, "caller-tops-up")


def said(turn: Turn, event: Said) -> None:
    """The caller has heard the question, or the last word; the expert is told now and then."""
    data = turn.data
    if event.leg is Leg.EXPERT:
        turn.do(Arm(PLEASE_WAIT_TIMER, data.limits.please_wait_ms))
    elif data.going_back:
        _go_back(turn)
    elif not data.asking:
        turn.wait(data.limits.voucher_key_ms)


def key(turn: Turn, event: Key) -> None:
    """One key of the code; `#` or the last digit ends it, `*` begins anew."""
    data = turn.data
    if event.leg is not Leg.CALLER or data.talk is not None or data.asking or data.going_back:
        return
    turn.hush(Leg.CALLER)
    digits = press(data.digits, event.digit)
    turn.set(digits=digits)
    if not digits.done:
        turn.wait(data.limits.voucher_key_ms)
    elif digits.value:
        _redeem(turn)
    else:
        # `#` alone: he has thought better of it.
        _go_back(turn)


def _redeem(turn: Turn) -> None:
    code = turn.data.digits.value
    turn.set(digits=VOUCHER_DIGITS, asking=True)
    turn.do(RedeemVoucher(code))


def taken(turn: Turn, event: VoucherTaken) -> None:
    """The credit is there: told, and the talk goes on under the same price, for longer."""
    turn.do(Note("voucher redeemed"))
    turn.set(asking=False, rose=True)
    _last_word(turn, "voucher-credited", Phrase("amount", event.amount))


def refused(turn: Turn, event: VoucherRefused) -> None:
    """No voucher: told why, and asked again a few times."""
    tries = turn.data.tries + 1
    turn.do(Note("voucher refused", {"tries": tries}))
    turn.set(asking=False, tries=tries)
    if event.phrase == TRIES_USED_UP or tries >= turn.data.limits.voucher_tries:
        _last_word(turn, event.phrase)
    else:
        turn.say(Leg.CALLER, event.phrase, "enter-voucher")


def away(turn: Turn, event: DatabaseAway) -> None:
    """No voucher can be looked at now; the talk goes on."""
    del event
    if turn.data.asking:
        turn.do(Note("database away"))
        turn.set(asking=False)
        _last_word(turn, "voucher-later")


def timer(turn: Turn, event: TimerFired) -> None:
    """Silence: what was keyed is the code; nothing keyed twice, or too long in all, ends it."""
    data = turn.data
    if event.timer == PLEASE_WAIT_TIMER:
        turn.say_aside(Leg.EXPERT, "caller-tops-up")
    elif data.talk is not None:
        parting.not_parted(turn)
    elif event.timer == STATE_TIMER:
        _go_back(turn)
    elif data.digits.value:
        _redeem(turn)
    elif data.turns:
        _go_back(turn)
    else:
        turn.set(turns=1)
        turn.say(Leg.CALLER, "enter-voucher")


def _last_word(turn: Turn, *phrases: Phrase | str) -> None:
    turn.set(going_back=True)
    turn.say(Leg.CALLER, *phrases)


def _go_back(turn: Turn) -> None:
    """Into a new paid bridge of the same segment."""
    turn.hush(Leg.CALLER)
    turn.hush(Leg.EXPERT)
    turn.do(Disarm(PLEASE_WAIT_TIMER))
    turn.set(asking=False, going_back=False, digits=VOUCHER_DIGITS)
    begin_talk(turn, paid=True)
