"""Ringing and offering: the expert's phones in turn, then his key."""

from ari_app.calls.announcing import announce
from ari_app.calls.commands import (
    CreateLeg,
    DialLeg,
    Disarm,
    HangUp,
    Limit,
    Note,
    RecordDial,
    RecordDialEnd,
    Ring,
)
from ari_app.calls.events import (
    CommandFailed,
    DialRecorded,
    Key,
    LegEnded,
    LegReady,
    LegUp,
    Said,
    TimerFired,
)
from ari_app.calls.joining import begin_talk
from ari_app.calls.refusing import no_premium_talk, no_talk
from ari_app.calls.states import Leg, State
from ari_app.calls.turn import STATE_TIMER, WAIT_TIMER, Turn
from billing.calls.values import EndReason
from billing.catalogue.values import Phone
from dialplan.prompts.values import Phrase

USER_BUSY, NO_USER_RESPONSE, NO_ANSWER, CALL_REJECTED, NORMAL_CLEARING = 17, 18, 19, 21, 16
"""Q.850 causes that an expert's phone ends with."""

DIAL_RESULT: dict[int | None, EndReason] = {
    USER_BUSY: EndReason.EXPERT_BUSY,
    NO_ANSWER: EndReason.EXPERT_NO_ANSWER,
    CALL_REJECTED: EndReason.EXPERT_REFUSED,
    NORMAL_CLEARING: EndReason.EXPERT_NO_ANSWER,
}
"""What a cause says to the caller; every other cause means the phone can't be reached."""


def ring(turn: Turn) -> None:
    """Ring the expert's first phone; the caller hears ringing, free."""
    turn.go(State.RINGING, expert_up=False, expert_answered=False, turns=0)
    # One limit for all phones and offers together; it covers the offering too.
    turn.last(turn.data.setup_ms)
    turn.do(Ring(on=True))
    _dial(turn, phone=0)


def _phones(turn: Turn) -> tuple[Phone, ...]:
    expert = turn.data.expert
    assert expert is not None  # ringing follows a choice
    return expert.phones


def _dial(turn: Turn, phone: int) -> None:
    attempt = turn.data.attempt + 1
    turn.set(attempt=attempt, phone=phone)
    turn.do(RecordDial(attempt, _phones(turn)[phone]))


def dial_recorded(turn: Turn, event: DialRecorded) -> None:
    """The attempt is written, so it may be made."""
    data = turn.data
    if event.attempt != data.attempt:
        return
    turn.set(expert_up=True)
    # Set anew once it answers: with us dead, who answers late must not wait for nobody.
    switch_ms = data.limits.ringing_phone_ms + data.limits.grace_ms
    turn.do(CreateLeg(event.attempt, _phones(turn)[data.phone], switch_ms))
    turn.wait(data.limits.ringing_phone_ms)


def leg_ready(turn: Turn, event: LegReady) -> None:
    """Only now may the channel be dialled (earlier Asterisk refuses now and then)."""
    if event.attempt != turn.data.attempt:
        # Made after all, by a request that was given up.
        turn.do(HangUp(Leg.EXPERT, event.attempt))
    else:
        turn.do(
            Note("ringing", {"phone": turn.data.phone + 1}),
            DialLeg(event.attempt, turn.data.limits.ringing_phone_ms),
        )


def leg_up(turn: Turn, event: LegUp) -> None:
    """Somebody or something answered: say what it is and ask for the key."""
    if event.attempt != turn.data.attempt:
        return
    turn.do(Note("expert's phone answered"), Disarm(WAIT_TIMER))
    turn.set(state=State.OFFERING, expert_answered=True, turns=0)
    turn.do(Limit((Leg.EXPERT,), turn.data.setup_ms + turn.data.limits.grace_ms))
    _offer(turn)


def _offer(turn: Turn) -> None:
    quote, number = turn.data.quote, turn.data.number
    if number is not None and number.premium is not None:
        price = Phrase("price", number.premium.retail)
        turn.say(Leg.EXPERT, "offer-premium", price, "press-1-or-3")
    elif quote is None:
        offer = "offer-begins-free" if turn.data.pays else "offer-free"
        turn.say(Leg.EXPERT, offer, "press-1-or-3")
    else:
        turn.say(
            Leg.EXPERT,
            "offer-paid",
            Phrase("price", quote.tariff),
            Phrase("credit-buys-caller", quote.affordable_seconds),
            "press-1-or-3",
        )


def offering_said(turn: Turn, event: Said) -> None:
    """The offer was said: wait for the key."""
    if event.leg is Leg.EXPERT:
        turn.wait(turn.data.limits.offer_wait_ms)


def offering_key(turn: Turn, event: Key) -> None:
    """`1` accepts, `3` refuses; all else, and any noise, is no acceptance."""
    if event.leg is not Leg.EXPERT:
        return
    if event.digit == "1":
        turn.do(Note("expert accepted"), Ring(on=False))
        turn.hush(Leg.EXPERT)
        if turn.data.carrier_billed:
            announce(turn)
        else:
            begin_talk(turn, paid=turn.data.grant is not None)
    elif event.digit == "3":
        turn.hush(Leg.EXPERT)
        _give_up(turn, EndReason.EXPERT_REFUSED)


def phone_timer(turn: Turn, event: TimerFired) -> None:
    """A phone that nobody answers, an offer that nobody takes, or too long in all."""
    data = turn.data
    if event.timer == STATE_TIMER:
        _give_up(turn, EndReason.EXPERT_NO_ANSWER)
    elif data.state is State.OFFERING and data.turns + 1 < data.limits.offer_turns:
        turn.set(turns=data.turns + 1)
        _offer(turn)
    else:
        turn.do(HangUp(Leg.EXPERT, data.attempt))
        _next(turn, EndReason.EXPERT_NO_ANSWER)


def phone_ended(turn: Turn, event: LegEnded) -> None:
    """The phone was busy, refused, failed, or hung up on the offer: the next one, or none."""
    if event.attempt != turn.data.attempt:
        return
    turn.set(expert_up=False)
    if turn.data.state is State.OFFERING:
        _next(turn, EndReason.EXPERT_REFUSED)
    else:
        _next(turn, DIAL_RESULT.get(event.cause, EndReason.EXPERT_UNREACHABLE))


def phone_failed(turn: Turn, event: CommandFailed) -> None:
    """Asterisk could not reach the phone at all (it isn't registered), or play to it."""
    if event.leg is not Leg.EXPERT:
        return
    turn.do(HangUp(Leg.EXPERT, turn.data.attempt))
    _next(turn, EndReason.EXPERT_UNREACHABLE)


def _next(turn: Turn, result: EndReason) -> None:
    data = turn.data
    turn.set(expert_up=False, expert_answered=False)
    turn.do(
        RecordDialEnd(data.attempt, str(result)),
        Note("phone ended", {"result": str(result)}),
        Disarm(WAIT_TIMER),
    )
    # A refusal is the expert's own word: his other phones are left in peace.
    if result is not EndReason.EXPERT_REFUSED and data.phone + 1 < len(_phones(turn)):
        turn.set(state=State.RINGING)
        _dial(turn, data.phone + 1)
    else:
        _none_left(turn, result)


def _give_up(turn: Turn, result: EndReason) -> None:
    data = turn.data
    turn.do(
        HangUp(Leg.EXPERT, data.attempt),
        RecordDialEnd(data.attempt, str(result)),
        Note("phone ended", {"result": str(result)}),
    )
    turn.set(expert_up=False, expert_answered=False)
    _none_left(turn, result)


def _none_left(turn: Turn, result: EndReason) -> None:
    turn.hush(Leg.EXPERT)
    turn.do(Ring(on=False))
    if turn.data.carrier_billed:
        no_premium_talk(turn, result)
    else:
        no_talk(turn, result)
