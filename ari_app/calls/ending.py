"""Settling, aftercare, goodbye, ending: both are told, then everything is hung up."""

from ari_app.calls.commands import Arm, HandOver, HangUp, Limit, Note, Stop
from ari_app.calls.events import LegEnded, Said, Settled, Spooled, TimerFired
from ari_app.calls.states import Leg, State
from ari_app.calls.turn import STATE_TIMER, Turn
from billing.calls.values import LIMITS_REACHED, EndReason
from billing.charging.values import Settlement
from billing.money.values import LEDGER_UNITS_PER_MINOR, Money
from dialplan.prompts.values import Phrase

HANG_UPS = 3
"""Times a leg is hung up before it is given up (its own limit in Asterisk still ends it)."""

CAUSE: dict[EndReason, int] = {
    EndReason.NUMBER_UNKNOWN: 1,
    EndReason.OPERATOR_ENDED: 21,
    EndReason.SERVICE_DOWN: 34,
    EndReason.DATABASE_AWAY: 34,
    EndReason.SELF_SERVICE: 34,
}
"""The cause for a caller who was never answered, by which his carrier may route again."""

CALLER_TOLD: dict[EndReason, str] = {
    **{reason: str(reason) for reason in LIMITS_REACHED},
    EndReason.CREDIT_USED_UP: "credit-used-up",
    EndReason.MAXIMUM_REACHED: "maximum-reached",
    EndReason.FREE_LIMIT: "free-limit",
    EndReason.MEDIA_LOST: "connection-lost",
    EndReason.HELD_TOO_LONG: "held-too-long",
    EndReason.EXPERT_HUNG_UP: "expert-hung-up",
    EndReason.OPERATOR_ENDED: "operator-ended",
}
EXPERT_TOLD: dict[EndReason, str] = {
    **dict.fromkeys(LIMITS_REACHED, "caller-limit-reached"),
    EndReason.CREDIT_USED_UP: "caller-credit-used-up",
    EndReason.MAXIMUM_REACHED: "maximum-reached",
    EndReason.FREE_LIMIT: "free-limit",
    EndReason.MEDIA_LOST: "connection-lost",
    EndReason.HELD_TOO_LONG: "held-too-long",
    EndReason.CALLER_HUNG_UP: "caller-hung-up",
    EndReason.OPERATOR_ENDED: "operator-ended",
}


def settled(turn: Turn, event: Settled) -> None:
    """The money is written: say how it ended."""
    turn.set(settlement=event.settlement)
    charge, premium = event.settlement.charge, event.settlement.premium
    if premium is None:
        turn.do(Note("settled", {"charge": str(charge) if charge else "nothing"}))
    else:
        turn.do(Note("settled", {"retail": str(premium.retail), "by": "the carrier"}))
    after_settling(turn)


def spooled(turn: Turn, event: Spooled) -> None:
    """The money is on disk: the cost will be on the statement."""
    del event
    turn.do(Note("spooled"))
    after_settling(turn)


def settling_timer(turn: Turn, event: TimerFired) -> None:
    """Not even the spool answered in time: the sweeper settles; nobody is kept waiting."""
    del event
    after_settling(turn)


def after_settling(turn: Turn) -> None:
    """Aftercare where there was a talk, goodbye where there is something to say, else the end."""
    data = turn.data
    if data.carrier_billed:
        # Both were hung up first: nobody pays his phone company for our words.
        end(turn)
    elif data.talked:
        _aftercare(turn)
    elif data.line is not None and data.caller_up and data.settlement is not None:
        turn.go(State.ENDING)
        turn.do(Note("handed over", {"to": data.line}), HandOver(data.line))
        turn.do(Arm(STATE_TIMER, data.limits.ending_ms))
    elif data.caller_up and data.farewell:
        turn.go(State.GOODBYE)
        turn.last(data.limits.goodbye_ms, "silent")
        turn.say(Leg.CALLER, *data.farewell)
    else:
        end(turn)


def _aftercare(turn: Turn) -> None:
    data = turn.data
    turn.go(State.AFTERCARE)
    turn.last(data.limits.aftercare_ms, "silent")
    if data.expert_up:
        turn.do(Limit((Leg.EXPERT,), data.limits.aftercare_ms + data.limits.grace_ms, "silent"))
    if data.caller_up:
        turn.say(Leg.CALLER, *_to_caller(turn))
    if data.expert_up:
        turn.say(Leg.EXPERT, *_to_expert(turn))
    if not turn.data.saying:
        end(turn)


def _to_caller(turn: Turn) -> tuple[Phrase | str, ...]:
    data = turn.data
    told = CALLER_TOLD.get(data.reason) if data.reason else None
    return (*((told,) if told else ()), *_cost(data.settlement), "goodbye")


def _cost(settlement: Settlement | None) -> tuple[Phrase | str, ...]:
    if settlement is None:
        return ("on-your-statement",)
    if not settlement.charge:
        return ("nothing-charged",)
    cost: tuple[Phrase | str, ...] = ("the-call-cost", Phrase("amount", settlement.charge))
    if settlement.wallet_available is not None:
        cost = (*cost, "credit-left-is", Phrase("amount", settlement.wallet_available))
    return cost


def _to_expert(turn: Turn) -> tuple[Phrase | str, ...]:
    data = turn.data
    told = EXPERT_TOLD.get(data.reason) if data.reason else None
    split = data.settlement.split if data.settlement else None
    earned: tuple[Phrase | str, ...] = ()
    if split is not None and split.expert:
        # Shares have four decimals; what is said is rounded down to cents.
        cents = split.expert.amount // LEDGER_UNITS_PER_MINOR
        earned = ("you-earned", Phrase("amount", Money.of_minor(cents, split.expert.currency)))
    return (*((told,) if told else ()), *earned, "expert-goodbye")


def farewell_said(turn: Turn, event: Said) -> None:
    """One has heard all; when no one hears anything any more the call ends."""
    if turn.data.state is State.AFTERCARE and turn.data.saying:
        turn.do(HangUp(event.leg, turn.data.attempt if event.leg is Leg.EXPERT else 0))
    else:
        end(turn)


def farewell_timer(turn: Turn, event: TimerFired) -> None:
    """The farewell took too long."""
    del event
    end(turn)


def end(turn: Turn) -> None:
    """Hang up what is still up."""
    turn.hush(Leg.CALLER)
    turn.hush(Leg.EXPERT)
    turn.go(State.ENDING)
    _hang_up(turn)


def _hang_up(turn: Turn) -> None:
    data = turn.data
    if not data.caller_up and not data.expert_up:
        turn.do(Note("over"), Stop())
        turn.go(State.OVER)
        return
    cause = CAUSE.get(data.reason) if data.reason and not data.answered else None
    if data.caller_up:
        turn.do(HangUp(Leg.CALLER, cause=cause))
    if data.expert_up:
        turn.do(HangUp(Leg.EXPERT, data.attempt))
    turn.do(Arm(STATE_TIMER, data.limits.ending_ms))


def ending_timer(turn: Turn, event: TimerFired) -> None:
    """A leg does not go: again, then left to its limit in Asterisk and the sweeper."""
    del event
    turn.set(hang_ups=turn.data.hang_ups + 1)
    if turn.data.hang_ups >= HANG_UPS:
        turn.set(caller_up=False, expert_up=False)
    _hang_up(turn)


def leg_gone(turn: Turn, event: LegEnded) -> None:
    """A leg went by itself or by our order; the call is over when both have."""
    saying = tuple(pair for pair in turn.data.saying if pair[0] != event.leg)
    if event.leg is Leg.CALLER:
        turn.set(caller_up=False, saying=saying)
    else:
        turn.set(expert_up=False, saying=saying)
    data = turn.data
    if data.state is State.ENDING:
        if not data.caller_up and not data.expert_up:
            turn.do(Note("over"), Stop())
            turn.go(State.OVER)
    elif (data.state is State.GOODBYE and not data.caller_up) or (
        data.state is State.AFTERCARE and not data.saying
    ):
        end(turn)


def hung_up_early(turn: Turn, event: LegEnded) -> None:
    """The caller hung up before any talk: free. Why there was none is the better reason."""
    del event
    data = turn.data
    refused = data.refusal if data.state is State.CHOOSING else None
    turn.set(caller_up=False, saying=())
    turn.settle(refused or EndReason.CALLER_HUNG_UP)


def service_down(turn: Turn) -> None:
    """The database is away before a talk: no paid call now, and the caller is told."""
    turn.settle(EndReason.DATABASE_AWAY, "service-down", "goodbye")
