"""Premium rate, the expert has accepted: price, tone, then answer and bridge together.

All that the caller hears here is free: the carrier's meter begins with the answer, which is the
last thing before both are joined.
"""

from dataclasses import replace

from ari_app.calls.commands import (
    Answer,
    Arm,
    Disarm,
    Hush,
    Join,
    Lease,
    Limit,
    MakeBridge,
    Note,
    RecordTalk,
)
from ari_app.calls.data import EXTENSION_DIGITS, Talk
from ari_app.calls.events import Key, Said, TalkRecorded, TimerFired
from ari_app.calls.joining import JOINING_MS
from ari_app.calls.premium_talk import cap_ms
from ari_app.calls.releasing import release
from ari_app.calls.states import Leg, State
from ari_app.calls.turn import MENU_TIMER, STATE_TIMER, Turn
from billing.calls.values import EndReason
from dialplan.prompts.messages import message_phrases
from dialplan.prompts.values import Phrase


def announce(turn: Turn) -> None:
    """Have the talk's bridge written; meanwhile the caller hears the price, if that is our task."""
    data = turn.data
    talks = data.talks + 1
    bridge = f"{data.call_id}-paid-{talks}"
    turn.go(State.ANNOUNCING, talk=Talk(bridge, paid=True), talks=talks)
    turn.last(data.announcing_ms)
    turn.do(
        Limit((Leg.EXPERT,), data.announcing_ms + data.limits.grace_ms),
        RecordTalk(bridge, paid=True, start_ms=None),
        MakeBridge(bridge),
    )
    message = price_message(turn)
    if message and not data.price_said:
        turn.say(Leg.CALLER, *message)
        turn.say(Leg.EXPERT, "caller-hears-price")
    else:
        _tone(turn)


def announce_menu(turn: Turn) -> None:
    """The same for a menu, which is answered after it, without a talk."""
    message = price_message(turn)
    if not message:
        choose(turn)
        return
    turn.go(State.ANNOUNCING, talk=None)
    turn.last(turn.data.announcing_ms)
    turn.say(Leg.CALLER, *message)


def choose(turn: Turn) -> None:
    """Answer and ask for an extension: every second is paid by the caller."""
    limits = turn.data.limits
    turn.go(State.CHOOSING, digits=EXTENSION_DIGITS, tries=0, turns=0, answered=True)
    turn.do(Answer(), Note("answered"), Arm(MENU_TIMER, limits.premium_menu_ms))
    turn.last(limits.premium_menu_ms)
    turn.say(Leg.CALLER, "enter-extension")


def price_message(turn: Turn) -> tuple[Phrase, ...]:
    """Our own price message; empty where the carrier plays his, or the rules ask for none."""
    plan = turn.data.premium
    assert plan is not None  # frozen before the expert rang
    if plan.terms.announced_by == "carrier":
        return ()
    terms = plan.terms
    return message_phrases(
        plan.bounds.message,
        retail=terms.retail,
        provider=terms.publisher,
        service=terms.service,
    )


def announcing_said(turn: Turn, event: Said) -> None:
    """After the price the tone; after the tone, on both sides, the answer."""
    talk = turn.data.talk
    toned = talk is not None and talk.tones > 0
    if event.leg is Leg.EXPERT and not toned:
        return
    if not event.heard:
        # What was not announced in full must not be charged.
        turn.broke_off()
    elif talk is not None and toned:
        turn.set(talk=replace(talk, tones=talk.tones - 1))
        if talk.tones == 1:
            _free_gap(turn)
    elif not turn.data.price_said:
        turn.set(price_said=True)
        turn.do(Note("price said"))
        _tone(turn)
    else:
        _free_gap(turn)


def _tone(turn: Turn) -> None:
    talk = turn.data.talk
    turn.say(Leg.CALLER, "tone")
    if talk is not None:
        # Only a menu has no expert yet.
        turn.set(talk=replace(talk, tones=len(Leg)))
        turn.say(Leg.EXPERT, "tone")


def announcing_key(turn: Turn, event: Key) -> None:
    """`#` skips the price where the rules allow it."""
    data = turn.data
    number = data.playback(Leg.CALLER)
    plan, talk = data.premium, data.talk
    if event.leg is not Leg.CALLER or number is None or plan is None or data.price_said:
        return
    if event.digit == "#" and plan.bounds.message_skippable and not (talk and talk.tones):
        turn.do(Hush(Leg.CALLER, number))


def announcing_recorded(turn: Turn, event: TalkRecorded) -> None:
    """The bridge's name is in the database, so a crash after joining loses nothing."""
    talk = turn.data.talk
    if talk is not None and talk.bridge == event.bridge and not talk.written:
        turn.set(talk=replace(talk, written=True))
        _connect(turn)


def _free_gap(turn: Turn) -> None:
    """Time after the tone in which hanging up still costs nothing, where the rules ask for it.

    It lies before the answer, since the carrier's meter knows no other beginning.
    """
    plan = turn.data.premium
    assert plan is not None  # frozen before the expert rang
    if plan.bounds.tone_gap_ms and not turn.data.answered:
        turn.wait(plan.bounds.tone_gap_ms)
    else:
        _go_on(turn)


def announcing_timer(turn: Turn, event: TimerFired) -> None:
    """The free time after the tone is over; or a prompt broke off, or all took too long."""
    if event.timer == STATE_TIMER or turn.data.unheard:
        release(turn, EndReason.SERVICE_DOWN)
    else:
        _go_on(turn)


def _go_on(turn: Turn) -> None:
    if turn.data.talk is None:
        choose(turn)
    else:
        turn.set(tone_over=True)
        _connect(turn)


def _connect(turn: Turn) -> None:
    """Answer, bound and join, in this order, one right after the other."""
    data = turn.data
    talk = data.talk
    if talk is None or data.unheard or not data.tone_over or not talk.written or talk.limited:
        return
    turn.go(State.TALKING_PAID, talk=replace(talk, limited=True))
    turn.do(Disarm(MENU_TIMER), Arm(STATE_TIMER, JOINING_MS))
    if not data.answered:
        turn.set(answered=True)
        turn.do(Answer(), Note("answered"))
    # With us dead, the first lease is all that holds the cap: the answer's time isn't told yet.
    assert data.premium is not None  # frozen before the expert rang
    turn.do(Lease(cap_ms(turn), most_ms=data.premium.cap.seconds * 1_000), Join(talk.bridge))
