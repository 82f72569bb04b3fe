"""Quoting and holding: the price is heard and agreed to, then the money for it is set aside."""

from ari_app.calls.commands import AskQuote, Hold, Note
from ari_app.calls.events import Held, Key, NotGranted, Quoted, Said, TimerFired
from ari_app.calls.proving import ask_pin
from ari_app.calls.refusing import no_talk
from ari_app.calls.ringing import ring
from ari_app.calls.states import Leg, State
from ari_app.calls.turn import STATE_TIMER, Turn
from billing.calls.values import EndReason
from billing.catalogue.values import ExpertChoice
from dialplan.prompts.values import Phrase


def quote(turn: Turn) -> None:
    """Ask for the price of a talk with the chosen expert."""
    turn.go(State.QUOTING, quote=None, grant=None, price_said=False, price_heard=False, turns=0)
    turn.last(turn.data.limits.quoting_ms)
    turn.do(AskQuote(_expert(turn)))


def quoted(turn: Turn, event: Quoted) -> None:
    """Say name, price with all its parts, and the time that the credit buys."""
    turn.set(quote=event.quote)
    turn.do(Note("quoted", {"affordable_seconds": event.quote.affordable_seconds}))
    _say_price(turn)


def _say_price(turn: Turn) -> None:
    quote_ = turn.data.quote
    assert quote_ is not None  # said only once quoted
    turn.say(
        Leg.CALLER,
        Phrase("expert-name", _expert(turn).name),
        Phrase("price", quote_.tariff),
        Phrase("credit-buys", quote_.affordable_seconds),
    )


def quoting_said(turn: Turn, event: Said) -> None:
    """After the price comes the question; after the question the wait for its key."""
    if not turn.data.price_said:
        if not event.heard:
            # What was not announced in full must not be charged.
            turn.broke_off()
            return
        turn.set(price_said=True, price_heard=True)
        turn.do(Note("price said"))
        turn.say(Leg.CALLER, "press-1-to-accept")
    else:
        turn.wait(turn.data.limits.quoting_turn_ms)


def quoting_key(turn: Turn, event: Key) -> None:
    """`1` consents once the price was heard; `#` skips a price that is known."""
    data = turn.data
    if event.leg is not Leg.CALLER or data.quote is None or data.unheard:
        return
    known = data.price_heard or data.quote.price_known
    if event.digit == "1" and known:
        turn.do(Note("consented", {"price heard": "now" if data.price_heard else "before"}))
        _hold(turn, paid=True)
    elif event.digit == "#" and known and not data.price_said:
        turn.set(price_said=True)
        turn.say(Leg.CALLER, "press-1-to-accept")


def quoting_timer(turn: Turn, event: TimerFired) -> None:
    """Silence: said twice in all, then goodbye. A price that broke off is our fault."""
    turns = turn.data.turns + 1
    if turn.data.unheard:
        turn.settle(EndReason.SERVICE_DOWN, "service-down", "goodbye")
    elif event.timer == STATE_TIMER or turns >= turn.data.limits.quoting_turns:
        turn.settle(EndReason.NOT_CONFIRMED, "nothing-keyed", "goodbye")
    else:
        turn.set(turns=turns, price_said=False)
        _say_price(turn)


def not_granted(turn: Turn, event: NotGranted) -> None:
    """No price, no money, no PIN for so much, or the expert was taken a moment before."""
    reason, caller = EndReason(event.refusal.value), turn.data.caller
    if reason is EndReason.NUMBER_ALONE_LIMIT and caller is not None and not caller.pin_needed:
        ask_pin(turn)
    else:
        no_talk(turn, reason)


def hold_free(turn: Turn) -> None:
    """Nobody pays and the number allows it: only the expert is reserved."""
    _hold(turn, paid=False)


def _hold(turn: Turn, *, paid: bool) -> None:
    turn.go(State.HOLDING)
    turn.last(turn.data.limits.holding_ms)
    turn.do(Hold(_expert(turn), paid))


def held(turn: Turn, event: Held) -> None:
    """The expert is ours and the money is set aside: ring."""
    turn.set(grant=event.grant, wallet_version=event.wallet_version)
    if event.grant is not None:
        turn.do(Note("held", {"granted_seconds": event.grant.granted_seconds}))
    ring(turn)


def holding_timer(turn: Turn, event: TimerFired) -> None:
    """The database is too slow to set money aside: no call."""
    del event
    turn.settle(EndReason.DATABASE_AWAY, "service-down", "goodbye")


def _expert(turn: Turn) -> ExpertChoice:
    expert = turn.data.expert
    assert expert is not None  # these states follow a choice
    return expert
