"""Between free and paid: the expert asks for a price, the caller alone hears it and accepts by key.

Money is held before anything is paid. Back to free, what was talked is paid at once.
"""

from ari_app.calls import parting, sounding
from ari_app.calls.commands import Arm, AskQuote, CloseSegment, Disarm, Hold, Note
from ari_app.calls.events import (
    Counted,
    DatabaseAway,
    Held,
    Key,
    Left,
    NotGranted,
    Quoted,
    Said,
    SegmentClosed,
    TimerFired,
)
from ari_app.calls.joining import begin_talk
from ari_app.calls.states import Leg, State
from ari_app.calls.turn import (
    EXTEND_TIMER,
    OFFER_TIMER,
    STATE_TIMER,
    UNHEARD_MS,
    WAIT_TIMER,
    Turn,
)
from billing.charging.values import Refusal
from billing.tariffs.values import Mode
from dialplan.prompts.values import Phrase

LEAST_FREE_MS = 1_000
"""Less free talk than this is none."""


def propose(turn: Turn, mode: Mode) -> str:
    """The expert asks to be paid: the free talk stands still while the caller is asked.

    Gives what came of it, in a word.
    """
    data = turn.data
    if data.caller is None or data.expert is None:
        return _refuse_offer(turn, "nobody pays", "no-payer")
    if data.free_until_ms is not None:
        return _refuse_offer(turn, "free minutes", "offer-later")
    if data.offer_later or data.offers >= data.limits.consent_offers:
        return _refuse_offer(turn, "too many offers", "offer-later")
    turn.set(offers=data.offers + 1)
    turn.do(Note("paid talk offered", {"offer": data.offers + 1, "by": mode}))
    parting.part(turn, State.CONSENTING, data.limits.consenting_ms)
    turn.set(quote=None, price_said=False, price_heard=False, proposed=mode)
    return "proposed"


def _refuse_offer(turn: Turn, why: str, phrase: str) -> str:
    turn.do(Note("paid talk not offered", {"because": why}))
    turn.say_aside(Leg.EXPERT, phrase)
    return phrase


def back_to_free(turn: Turn) -> str:
    """The expert wants no more money: the meter stops at once. Gives what came of it."""
    data = turn.data
    assert data.number is not None  # a talk has a number
    if data.number.free_limit_seconds * 1_000 - data.free_ms < LEAST_FREE_MS:
        return no_free_talk_left(turn, "not back to free")
    turn.do(Note("back to free"))
    parting.part(turn, State.FREEING, data.limits.freeing_ms)
    turn.set(closing=True)
    return "back-to-free"


def no_free_talk_left(turn: Turn, what: str) -> str:
    """Tell the expert that the number allows no more free talk. Gives so in a word."""
    turn.do(Note(what, {"because": "no free talk is left"}))
    turn.say_aside(Leg.EXPERT, "no-free-talk-left")
    return "no-free-talk-left"


# Consenting.


def consenting_left(turn: Turn, event: Left) -> None:
    """Both are out of the free bridge: ask for the price."""
    if not parting.out(turn, event):
        return
    data = turn.data
    assert data.expert is not None  # checked as it was proposed
    turn.do(Arm(STATE_TIMER, data.limits.consenting_ms))
    if data.closing:
        turn.do(CloseSegment(turn.paid()))
    turn.do(AskQuote(data.expert, data.proposed))
    turn.say(Leg.EXPERT, "caller-hears-price")


def consenting_quoted(turn: Turn, event: Quoted) -> None:
    """Say the price with all its parts, and the time that the credit buys; an act is one price."""
    turn.set(quote=event.quote)
    tariff = event.quote.tariff
    if turn.data.intervals:
        tariff = tariff.after_paid_talk
    turn.do(Note("quoted", {"affordable_seconds": event.quote.affordable_seconds}))
    buys = Phrase("credit-buys", event.quote.affordable_seconds)
    turn.say(Leg.CALLER, Phrase("price", tariff), *(() if tariff.mode == "act" else (buys,)))


def consenting_said(turn: Turn, event: Said) -> None:
    """After the price comes the question; after the question the wait for its key."""
    data = turn.data
    if event.leg is not Leg.CALLER or data.asking:
        return
    if data.price_said:
        turn.wait(data.limits.consent_wait_ms)
    elif event.heard:
        turn.set(price_said=True, price_heard=True)
        turn.do(Note("price said"))
        turn.say(Leg.CALLER, "press-1-or-2")
    else:
        # What was not announced in full must not be charged; a hang-up is told a moment later.
        turn.set(unheard=True)
        turn.wait(UNHEARD_MS)


def consenting_key(turn: Turn, event: Key) -> None:
    """The caller's 1 accepts what he has heard in full, his 2 declines; all else is noise."""
    data = turn.data
    if event.leg is not Leg.CALLER or data.expert is None or data.asking or data.unheard:
        return
    if event.digit == "1" and data.price_heard:
        turn.do(Note("consented", {"price heard": "now"}), Disarm(WAIT_TIMER))
        turn.hush(Leg.CALLER)
        turn.set(asking=True)
        turn.do(Hold(data.expert, paid=True))
    elif event.digit == "2":
        _stay_free(turn, "declined", "price-declined")


def consenting_held(turn: Turn, event: Held) -> None:
    """The money is set aside: only now may it be paid."""
    if event.grant is None:
        return
    turn.hush(Leg.EXPERT)
    turn.do(Note("held", {"granted_seconds": event.grant.granted_seconds}))
    turn.set(
        grant=event.grant,
        wallet_version=event.wallet_version,
        asking=False,
        rose=False,
        segment_from=len(turn.data.intervals),
        silent=None,
    )
    begin_talk(turn, paid=True)


def consenting_not_granted(turn: Turn, event: NotGranted) -> None:
    """No price or not enough money: the talk goes on free."""
    turn.set(asking=False)
    no_act = event.refusal is Refusal.NO_ACT
    _stay_free(turn, str(event.refusal), "no-act-price" if no_act else "price-not-possible")


def consenting_away(turn: Turn, event: DatabaseAway) -> None:
    """No new paid talk now. What was perhaps held all the same is given back."""
    del event
    turn.set(closing=turn.data.closing or turn.data.asking, asking=False)
    _stay_free(turn, "database away", "price-not-possible")


def consenting_timer(turn: Turn, event: TimerFired) -> None:
    """Silence declines; a price that broke off was not offered."""
    data = turn.data
    if event.timer not in {STATE_TIMER, WAIT_TIMER}:
        return
    if data.talk is not None:
        parting.not_parted(turn)
    elif data.asking:
        # The hold has a deadline of its own, and tells how it ended.
        turn.do(Arm(STATE_TIMER, data.limits.database_ms))
    elif data.unheard:
        _stay_free(turn, "price broke off", "price-not-possible")
    else:
        _stay_free(turn, "silence", "price-declined")


def _stay_free(turn: Turn, why: str, to_expert: str) -> None:
    """Both are told that the talk goes on free."""
    limits = turn.data.limits
    turn.do(Note("not paid", {"because": why}))
    turn.go(State.FREEING, grant=None, unheard=False, offer_later=True)
    turn.do(Arm(STATE_TIMER, limits.freeing_ms), Arm(OFFER_TIMER, limits.consent_apart_ms))
    turn.say(Leg.EXPERT, to_expert)
    turn.say(Leg.CALLER, "stays-free")
    if turn.data.closing:
        turn.do(CloseSegment(turn.paid()))


# Freeing.


def freeing_left(turn: Turn, event: Left) -> None:
    """Both are out of the bridge and are told what begins; for good: what was talked is paid."""
    if not parting.out(turn, event):
        return
    turn.do(Arm(STATE_TIMER, turn.data.limits.freeing_ms))
    told = "free-minutes"
    if turn.data.going_back:
        told = "paid-again"
    elif turn.data.free_until_ms is None:
        told = "free-from-now"
        turn.set(grant=None)
        if turn.data.counting is None:
            turn.do(CloseSegment(turn.paid()))
        else:
            # Moments, unless Asterisk is too slow to say who sent any sound.
            turn.do(Arm(EXTEND_TIMER, turn.data.limits.database_ms))
    turn.say(Leg.EXPERT, told)
    turn.say(Leg.CALLER, told)


def freeing_counted(turn: Turn, event: Counted) -> None:
    """The packets are counted: the money of what was talked waited for them."""
    waited = turn.data.counting is not None and turn.data.talk is None and turn.data.closing
    sounding.counted(turn, event)
    if waited and turn.data.counting is None:
        turn.do(Disarm(EXTEND_TIMER), CloseSegment(turn.paid()))


def freeing_said(turn: Turn, event: Said) -> None:
    """Both have heard it: they talk on."""
    del event
    if turn.data.talk is None and not turn.data.saying:
        _talk_on(turn)


def freeing_timer(turn: Turn, event: TimerFired) -> None:
    """The sentences take too long: they talk on without them."""
    if event.timer == EXTEND_TIMER and turn.data.closing:
        turn.do(CloseSegment(turn.paid()))
    elif event.timer != STATE_TIMER:
        offer_timer(turn, event)
    elif turn.data.talk is not None:
        parting.not_parted(turn)
    else:
        _talk_on(turn)


def _talk_on(turn: Turn) -> None:
    """Into a bridge of its own: free, or paid under the same price after free minutes."""
    turn.hush(Leg.CALLER)
    turn.hush(Leg.EXPERT)
    begin_talk(turn, paid=turn.data.going_back)


def segment_closed(turn: Turn, event: SegmentClosed) -> None:
    """The money of the paid stretches before is written."""
    data = turn.data
    turn.set(
        closing=False,
        segment_from=len(data.intervals),
        earlier_seconds=data.earlier_seconds + event.billed_seconds,
    )
    turn.do(Note("segment paid", {"billed_seconds": event.billed_seconds}))


def close_later(turn: Turn, event: DatabaseAway) -> None:
    """The database is away: the money is written when it is back, at the latest at the end."""
    del event
    if turn.data.closing:
        turn.do(Note("database away"), Arm(EXTEND_TIMER, turn.data.limits.database_ms))


def offer_timer(turn: Turn, event: TimerFired) -> None:
    """Enough time has passed: a price may be offered again."""
    if event.timer == OFFER_TIMER:
        turn.set(offer_later=False)
