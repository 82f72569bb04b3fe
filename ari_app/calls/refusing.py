"""No talk with the expert that was chosen: told for free, and from a menu another may be chosen."""

from ari_app.calls.commands import Note, Release
from ari_app.calls.data import EXTENSION_DIGITS
from ari_app.calls.releasing import release
from ari_app.calls.states import Leg, State
from ari_app.calls.turn import Turn
from billing.calls.values import LIMITS_REACHED, EndReason

NO_TALK: dict[EndReason, str] = {
    **{reason: str(reason) for reason in LIMITS_REACHED},
    EndReason.EXPERT_BUSY: "expert-busy",
    EndReason.EXPERT_AWAY: "expert-away",
    EndReason.EXPERT_NOT_CHECKED: "expert-away",
    EndReason.EXPERT_REFUSED: "expert-refused",
    EndReason.EXPERT_NO_ANSWER: "expert-no-answer",
    EndReason.EXPERT_UNREACHABLE: "expert-unreachable",
    EndReason.CREDIT_TOO_LOW: "credit-too-low",
    EndReason.LIMIT_REACHED: "limit-reached",
    EndReason.CURRENCY: "wrong-currency",
    EndReason.NO_ACT: "no-tariff",
    EndReason.NO_TARIFF: "no-tariff",
    EndReason.TERMS_NOT_ACCEPTED: "terms-not-accepted",
    EndReason.MAXIMUM_REACHED: "maximum-reached",
}
"""What the caller hears for each reason there is no talk with the expert he chose.

A reason without a sentence of its own must not end the call without any.
"""


def no_premium_talk(turn: Turn, reason: EndReason) -> None:
    """Refused unanswered; who paid for a menu hears one sentence first."""
    data = turn.data
    turn.do(Note("no talk", {"reason": str(reason)}))
    if not data.answered or not data.caller_up:
        release(turn, reason)
    else:
        turn.go(State.CHOOSING, refusal=reason)
        turn.last(data.limits.goodbye_ms)
        turn.say(Leg.CALLER, "expert-not-free")


def no_talk(turn: Turn, reason: EndReason) -> None:
    """No talk with this expert: told for free; from a menu another may be chosen."""
    data = turn.data
    phrases = [NO_TALK.get(reason, "service-down")]
    if reason in LIMITS_REACHED:
        phrases.append("nothing-charged")
    failures = data.failures + 1
    turn.set(failures=failures, refusal=reason, quote=None, grant=None, price_said=False)
    turn.do(Note("no talk", {"reason": str(reason)}))
    menu = data.number is not None and data.number.kind == "menu"
    if menu and failures < data.limits.extension_tries:
        turn.do(Release(reason))
        turn.go(State.CHOOSING, expert=None, digits=EXTENSION_DIGITS, tries=0, turns=0)
        turn.last(data.limits.choosing_ms)
        turn.say(Leg.CALLER, *phrases, "enter-extension")
    else:
        turn.settle(reason, *phrases, "goodbye")
