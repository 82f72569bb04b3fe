"""The talk as it runs: meter, extension, warning, cut."""

from ari_app.calls.commands import (
    Announce,
    Arm,
    ArmAt,
    AskCost,
    CloseSegment,
    Disarm,
    Extend,
    LimitTalk,
    Note,
)
from ari_app.calls.events import (
    AvailableRose,
    CostSoFar,
    DatabaseAway,
    Extended,
    LimitSet,
    TimerFired,
)
from ari_app.calls.states import BOTH, Leg
from ari_app.calls.stopping import abandon, stop
from ari_app.calls.turn import CUT_TIMER, EXTEND_TIMER, STATE_TIMER, WAIT_TIMER, WARN_TIMER, Turn
from billing.calls.values import EndReason
from billing.charging.rules import warning_at
from billing.charging.values import Grant
from dialplan.prompts.values import Phrase

EXTEND_AGAIN_MS = 5_000
"""The database was away at an extension: asked again this often while the grant lasts."""


def ask_cost(turn: Turn) -> None:
    """The caller wants to know what the talk costs by now."""
    turn.do(AskCost())


def cost_so_far(turn: Turn, event: CostSoFar) -> None:
    """Tell him alone; the talk is cut both ways meanwhile, so in few words."""
    talk = turn.data.talk
    if talk is not None and talk.paid and talk.from_ms is not None and event.cost is not None:
        turn.do(Note("cost told"))
        turn.say_aside(Leg.CALLER, "spent-so-far", Phrase("amount", event.cost))


def run_timers(turn: Turn) -> None:
    """Arm cut, extension and warning from the grant as it is now."""
    data = turn.data
    talk, grant, limits = data.talk, data.grant, data.limits
    assert talk is not None  # only in a talk
    from_ms = data.meter_from_ms
    turn.do(ArmAt(CUT_TIMER, from_ms + data.granted_ms + limits.cut_after_ms))
    if grant is None or not talk.paid:
        return
    turn.set(extend_due=False)
    extend_at = grant.granted_seconds - limits.extend_at_seconds
    turn.do(ArmAt(EXTEND_TIMER, from_ms + max(0, extend_at) * 1_000))
    warn_at = warning_at(
        grant.end_seconds,
        warning_seconds=limits.warning_seconds,
        no_warning_before_seconds=limits.no_warning_before_seconds,
    )
    if warn_at is None or warn_at >= grant.granted_seconds:
        turn.do(Disarm(WARN_TIMER))
    else:
        turn.do(ArmAt(WARN_TIMER, from_ms + warn_at * 1_000))


def talk_timer(turn: Turn, event: TimerFired) -> None:
    """Cut, extension, warning; or a start tone broke off, or the joining took too long."""
    data = turn.data
    grant, talk = data.grant, data.talk
    if talk is None:
        return
    if event.timer in {STATE_TIMER, WAIT_TIMER}:
        abandon(turn)
    elif event.timer == CUT_TIMER:
        stop(turn, _cut_reason(turn))
    elif event.timer == WARN_TIMER:
        hush_both(turn)
        turn.do(Note("warning"), Announce(talk.bridge, (Phrase("warning"),)))
    elif event.timer == EXTEND_TIMER and data.closing:
        turn.do(CloseSegment(turn.paid()))
    elif event.timer == EXTEND_TIMER and grant is not None:
        turn.set(extend_due=True)
        if not grant.final or data.rose:
            _extend(turn)


def _cut_reason(turn: Turn) -> EndReason:
    data = turn.data
    paid = data.talk is not None and data.talk.paid
    if not paid or data.grant is None or data.quote is None:
        return EndReason.FREE_LIMIT
    if data.earlier_seconds + data.grant.granted_seconds >= data.quote.tariff.longest_seconds:
        return EndReason.MAXIMUM_REACHED
    # A grant that was not final could not be lengthened: the database stayed away.
    if not data.grant.final:
        return EndReason.DATABASE_AWAY
    limit = data.grant.limit
    return EndReason.CREDIT_USED_UP if limit is None else EndReason(limit.value)


def _extend(turn: Turn) -> None:
    data = turn.data
    # An answer on its way may know nothing of a rise since: that is asked for after it.
    if data.grant and data.talk and data.talk.from_ms is not None and not data.asking:
        turn.set(asking=True, rose=False)
        turn.do(Extend(data.grant.request_number + 1, data.meter_from_ms))


def available_rose(turn: Turn, event: AvailableRose) -> None:
    """More money: ask at once if the grant is near its end, else at its extension."""
    turn.set(rose=True, wallet_version=event.wallet_version)
    if turn.data.extend_due:
        _extend(turn)


def extended(turn: Turn, event: Extended) -> None:
    """A longer grant counts only once Asterisk has confirmed the new limit on both legs."""
    talk = turn.data.talk
    grant = turn.data.grant
    if talk is None or talk.from_ms is None or grant is None:
        return
    if event.grant.granted_seconds > grant.granted_seconds:
        # A limit would wait behind what a leg hears.
        hush_both(turn)
        until_ms = turn.data.meter_from_ms + event.grant.granted_seconds * 1_000
        turn.set(coming=event.grant)
        turn.do(LimitTalk(until_ms, event.grant.granted_seconds))
    else:
        _take(turn, event.grant)


def limit_set(turn: Turn, event: LimitSet) -> None:
    """Both legs may go on: the grant is in force."""
    coming = turn.data.coming
    if coming is not None and coming.granted_seconds == event.granted_seconds:
        turn.set(coming=None)
        turn.do(Note("extended", {"granted_seconds": event.granted_seconds}))
        _take(turn, coming)


def hush_both(turn: Turn) -> None:
    """What one alone hears in the talk gives way."""
    for leg in BOTH:
        turn.hush(leg)


def _take(turn: Turn, grant: Grant) -> None:
    longer = turn.data.grant is None or grant.granted_seconds > turn.data.grant.granted_seconds
    turn.set(grant=grant, asking=False)
    if longer or grant.end_seconds > grant.granted_seconds:
        run_timers(turn)
    elif turn.data.rose:
        _extend(turn)


def extension_away(turn: Turn, event: DatabaseAway) -> None:
    """The database is away: the talk goes on to its grant, and is asked for again meanwhile."""
    del event
    talk = turn.data.talk
    if talk is not None and talk.paid:
        turn.do(Note("database away"))
        ask_again(turn)
    elif turn.data.closing:
        turn.do(Arm(EXTEND_TIMER, EXTEND_AGAIN_MS))


def ask_again(turn: Turn) -> None:
    """A longer grant was not got, or not confirmed: soon again, also where money made it due."""
    rose = turn.data.rose or turn.data.asking
    turn.set(asking=False, coming=None, rose=rose)
    turn.do(Arm(EXTEND_TIMER, EXTEND_AGAIN_MS))
