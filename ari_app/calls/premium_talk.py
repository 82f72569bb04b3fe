"""Premium rate, the talk: a lease that is renewed without the database, caps, spend notices."""

from dataclasses import replace

from ari_app.calls.commands import (
    Announce,
    Arm,
    ArmAt,
    Disarm,
    Lease,
    Note,
    RecordAnswered,
    RecordTalk,
)
from ari_app.calls.events import Answered, CommandFailed, DatabaseAway, Entered, Key, TimerFired
from ari_app.calls.releasing import release
from ari_app.calls.states import BOTH, Leg
from ari_app.calls.turn import (
    CONFIRM_TIMER,
    CUT_TIMER,
    LEASE_TIMER,
    NOTICE_TIMER,
    STATE_TIMER,
    WARN_TIMER,
    Turn,
)
from billing.calls.values import EndReason
from billing.charging.premium.rules import Due, notices_due
from dialplan.prompts.values import Phrase


def answered(turn: Turn, event: Answered) -> None:
    """The carrier's meter runs: all that bounds the call counts from here."""
    if turn.data.answered_ms is None:
        turn.set(answered_ms=event.at_ms)
        turn.do(RecordAnswered(event.at_ms))
        _arm_cut(turn)


def entered(turn: Turn, event: Entered) -> None:
    """A leg is in the bridge. With the second one they talk."""
    talk = turn.data.talk
    if talk is None or talk.bridge != event.bridge:
        return
    talk = replace(talk, inside=talk.inside | {event.leg})
    turn.set(talk=talk)
    if len(talk.inside) == len(BOTH) and talk.from_ms is None:
        turn.set(
            talk=replace(talk, from_ms=event.at_ms, steady_from_ms=event.steady_ms), talked=True
        )
        turn.do(
            Disarm(STATE_TIMER),
            Note("talk begins", {"kind": "paid"}),
            RecordTalk(talk.bridge, talk.paid, event.at_ms),
        )
        run_timers(turn)


def run_timers(turn: Turn) -> None:
    """Arm cut, warning, lease and the next notice."""
    _arm_cut(turn)
    _arm_warning(turn)
    turn.do(Arm(LEASE_TIMER, turn.data.limits.premium_renew_ms))
    _arm_notice(turn)


def cap_ms(turn: Turn) -> int | None:
    """When the call ends at the latest, by Asterisk's clock."""
    data = turn.data
    if data.premium is None or data.answered_ms is None:
        return None
    return data.answered_ms + data.premium.cap.seconds * 1_000


def _arm_cut(turn: Turn) -> None:
    at_ms = cap_ms(turn)
    if at_ms is not None:
        turn.do(ArmAt(CUT_TIMER, at_ms - turn.data.limits.premium_cut_before_ms))


def _arm_warning(turn: Turn) -> None:
    at_ms, limits, talk = cap_ms(turn), turn.data.limits, turn.data.talk
    if at_ms is None or talk is None or talk.from_ms is None:
        return
    warn_ms = at_ms - limits.warning_seconds * 1_000
    if warn_ms >= talk.from_ms + limits.no_warning_before_seconds * 1_000:
        turn.do(ArmAt(WARN_TIMER, warn_ms))


def _next_notice(turn: Turn) -> Due | None:
    plan = turn.data.premium
    if plan is None:
        return None
    due = notices_due(plan.terms, plan.bounds, plan.cap)
    return due[turn.data.notices] if turn.data.notices < len(due) else None


def _arm_notice(turn: Turn) -> None:
    notice, answered_ms = _next_notice(turn), turn.data.answered_ms
    if notice is None or answered_ms is None:
        return
    before_ms = turn.data.limits.premium_confirm_ms if notice.kind == "confirm" else 0
    turn.do(ArmAt(NOTICE_TIMER, answered_ms + notice.seconds * 1_000 - before_ms))


def _arm_confirm(turn: Turn, notice: Due, answered_ms: int) -> None:
    limits = turn.data.limits
    if turn.data.adopted:
        # Whether he confirmed before the restart isn't known: he is asked anew, in full.
        turn.do(Arm(CONFIRM_TIMER, limits.premium_confirm_ms))
    else:
        reached_ms = answered_ms + notice.seconds * 1_000
        turn.do(ArmAt(CONFIRM_TIMER, reached_ms - limits.premium_cut_before_ms))


def talk_timer(turn: Turn, event: TimerFired) -> None:
    """Cut, warning, lease, notice, no confirmation; or the joining took too long."""
    match event.timer:
        case "state":
            release(turn, EndReason.SERVICE_DOWN)
        case "cut":
            release(turn, cut_reason(turn))
        case "warn":
            _warn(turn)
        case "lease":
            turn.do(Lease(cap_ms(turn)), Arm(LEASE_TIMER, turn.data.limits.premium_renew_ms))
        case "notice":
            _notice(turn)
        case "confirm":
            release(turn, EndReason.NOT_CONFIRMED)


def cut_reason(turn: Turn) -> EndReason:
    """By time or by money."""
    plan = turn.data.premium
    by_amount = plan is not None and plan.cap.by == "amount"
    return EndReason.LIMIT_REACHED if by_amount else EndReason.MAXIMUM_REACHED


def _warn(turn: Turn) -> None:
    """Both hear that the end comes soon, over the talk."""
    talk = turn.data.talk
    if talk is not None:
        turn.do(Note("warning"), Announce(talk.bridge, (Phrase("warning"),)))


def _notice(turn: Turn) -> None:
    notice, talk, answered_ms = _next_notice(turn), turn.data.talk, turn.data.answered_ms
    if notice is None or talk is None or answered_ms is None:
        return
    amount = Phrase("amount", notice.at)
    if notice.kind == "tell":
        said: tuple[Phrase, ...] = (Phrase("spent-so-far"), amount)
        turn.do(Note("spend notice", {"at": str(notice.at)}), Announce(talk.bridge, said))
        _notice_over(turn)
    else:
        # Asked before the amount is reached, so that nobody pays more than it unasked.
        said = (Phrase("spent-soon"), amount, Phrase("press-1-to-go-on"))
        turn.set(confirming=True)
        turn.do(Note("asked to confirm", {"at": str(notice.at)}), Announce(talk.bridge, said))
        _arm_confirm(turn, notice, answered_ms)


def _notice_over(turn: Turn) -> None:
    turn.set(notices=turn.data.notices + 1, confirming=False)
    _arm_notice(turn)


def talk_key(turn: Turn, event: Key) -> None:
    """The caller's 1 confirms that he wants to go on spending."""
    if event.leg is Leg.CALLER and event.digit == "1" and turn.data.confirming:
        turn.do(Disarm(CONFIRM_TIMER), Note("confirmed"))
        _notice_over(turn)


def away(turn: Turn, event: DatabaseAway) -> None:
    """The talk needs no database."""
    del event
    turn.do(Note("database away"))


def failed(turn: Turn, event: CommandFailed) -> None:
    """Without the dead-man's switch nobody talks; a lease not renewed is tried again."""
    talk = turn.data.talk
    if talk is None or talk.from_ms is None:
        release(turn, EndReason.SERVICE_DOWN)
    else:
        turn.do(Note("command failed", {"what": event.what}))
