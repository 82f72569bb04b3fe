"""The talk: tone, join, meter, extension, warning, cut.

Each stretch has a bridge of its own, so that what is billed equals what both legs spent in the
`-paid-` bridges in Asterisk's own record.
"""

from dataclasses import replace

from ari_app.calls.commands import (
    Announce,
    Arm,
    ArmAt,
    Disarm,
    DropBridge,
    Extend,
    Join,
    Limit,
    LimitTalk,
    MakeBridge,
    Note,
    RecordTalk,
)
from ari_app.calls.data import Talk
from ari_app.calls.events import (
    AvailableRose,
    CommandFailed,
    DatabaseAway,
    Entered,
    Extended,
    Left,
    LegEnded,
    LimitSet,
    Said,
    TalkRecorded,
    TimerFired,
)
from ari_app.calls.states import Leg, State
from ari_app.calls.turn import STATE_TIMER, Turn
from billing.calls.values import EndReason, Interval
from billing.charging.rules import warning_at
from billing.charging.values import Grant
from dialplan.prompts.values import Phrase

BOTH = (Leg.EXPERT, Leg.CALLER)
CUT_TIMER, EXTEND_TIMER, WARN_TIMER = "cut", "extend", "warn"
TALK_TIMERS = (CUT_TIMER, EXTEND_TIMER, WARN_TIMER)
JOINING_MS = 5_000
"""Tone and joining take about a second; past this the talk is given up, uncharged."""
EXTEND_AGAIN_MS = 5_000
"""The database was away at an extension: asked again this often while the grant lasts."""


def begin_talk(turn: Turn) -> None:
    """The expert has accepted: make the bridge, write it, and sound the tone where it is paid."""
    data = turn.data
    paid = data.grant is not None
    talks = data.talks + 1
    bridge = f"{data.call_id}-{'paid' if paid else 'free'}-{talks}"
    talk = Talk(bridge, paid, tones=2 if paid else 0)
    turn.go(State.TALKING_PAID if paid else State.TALKING_FREE, talk=talk, talks=talks)
    turn.do(
        Arm(STATE_TIMER, JOINING_MS),
        RecordTalk(bridge, paid, None),
        MakeBridge(bridge),
    )
    if paid:
        turn.say(Leg.CALLER, "tone")
        turn.say(Leg.EXPERT, "tone")


def joining_said(turn: Turn, event: Said) -> None:
    """A tone ended: when both have, and all is written, the legs join."""
    talk = turn.data.talk
    if talk is None or talk.from_ms is not None or talk.tones == 0:
        return
    if not event.heard:
        abandon(turn)
        return
    turn.set(talk=replace(talk, tones=talk.tones - 1))
    _limit_then_join(turn)


def talk_recorded(turn: Turn, event: TalkRecorded) -> None:
    """The bridge's name is in the database, so a crash after joining loses nothing."""
    talk = turn.data.talk
    if talk is not None and talk.bridge == event.bridge and not talk.written:
        turn.set(talk=replace(talk, written=True))
        _limit_then_join(turn)


def _limit_then_join(turn: Turn) -> None:
    data = turn.data
    talk = data.talk
    if talk is None or talk.tones or not talk.written or talk.limited:
        return
    turn.set(talk=replace(talk, limited=True))
    ms, farewell = most_ms(turn), "credit" if talk.paid else "free-limit"
    turn.do(Limit(BOTH, ms + data.limits.grace_ms, farewell), Join(talk.bridge))


def most_ms(turn: Turn) -> int:
    """How long the talk may last as granted now."""
    data = turn.data
    if data.grant is not None:
        return data.grant.granted_seconds * 1_000
    assert data.number is not None  # noqa: S101  (a talk has a number)
    return data.number.free_limit_seconds * 1_000


def entered(turn: Turn, event: Entered) -> None:
    """A leg is in the bridge. The second one's entry starts the meter."""
    talk = turn.data.talk
    if talk is None or talk.bridge != event.bridge:
        return
    talk = replace(talk, inside=talk.inside | {event.leg})
    turn.set(talk=talk)
    if len(talk.inside) == len(BOTH) and talk.from_ms is None:
        turn.set(talk=replace(talk, from_ms=event.at_ms), talked=True)
        turn.do(
            Disarm(STATE_TIMER),
            Note("talk begins", {"kind": "paid" if talk.paid else "free"}),
            RecordTalk(talk.bridge, talk.paid, event.at_ms),
        )
        run_timers(turn)


def run_timers(turn: Turn) -> None:
    """Arm cut, extension and warning from the grant as it is now."""
    data = turn.data
    talk, grant, limits = data.talk, data.grant, data.limits
    assert talk is not None  # noqa: S101  (only in a talk)
    assert talk.from_ms is not None  # noqa: S101  (only once it began)
    turn.do(ArmAt(CUT_TIMER, talk.from_ms + most_ms(turn) + limits.cut_after_ms))
    if grant is None:
        return
    turn.set(extend_due=False, rose=False)
    extend_at = grant.granted_seconds - limits.extend_at_seconds
    turn.do(ArmAt(EXTEND_TIMER, talk.from_ms + max(0, extend_at) * 1_000))
    warn_at = warning_at(
        grant.end_seconds,
        warning_seconds=limits.warning_seconds,
        no_warning_before_seconds=limits.no_warning_before_seconds,
    )
    if warn_at is None or warn_at >= grant.granted_seconds:
        turn.do(Disarm(WARN_TIMER))
    else:
        turn.do(ArmAt(WARN_TIMER, talk.from_ms + warn_at * 1_000))


def talk_timer(turn: Turn, event: TimerFired) -> None:
    """Cut, extension, warning; or the joining took too long."""
    data = turn.data
    grant, talk = data.grant, data.talk
    if talk is None:
        return
    if event.timer == STATE_TIMER:
        abandon(turn)
    elif event.timer == CUT_TIMER:
        stop(turn, _cut_reason(turn))
    elif event.timer == WARN_TIMER:
        turn.do(Note("warning"), Announce(talk.bridge, (Phrase("warning"),)))
    elif event.timer == EXTEND_TIMER and grant is not None:
        turn.set(extend_due=True)
        if not grant.final or data.rose:
            _extend(turn)


def _cut_reason(turn: Turn) -> EndReason:
    data = turn.data
    if data.grant is None or data.quote is None:
        return EndReason.FREE_LIMIT
    if data.grant.granted_seconds >= data.quote.tariff.maximum_seconds:
        return EndReason.MAXIMUM_REACHED
    # A grant that was not final could not be lengthened: the database stayed away.
    return EndReason.CREDIT_USED_UP if data.grant.final else EndReason.DATABASE_AWAY


def _extend(turn: Turn) -> None:
    data = turn.data
    if data.grant and data.talk and data.talk.from_ms is not None:
        turn.set(rose=False)
        turn.do(Extend(data.grant.request_number + 1, data.talk.from_ms))


def available_rose(turn: Turn, event: AvailableRose) -> None:
    """More money: ask at once if the grant is near its end, else at its extension."""
    del event
    turn.set(rose=True)
    if turn.data.extend_due:
        _extend(turn)


def extended(turn: Turn, event: Extended) -> None:
    """A longer grant counts only once Asterisk has confirmed the new limit on both legs."""
    talk = turn.data.talk
    grant = turn.data.grant
    if talk is None or talk.from_ms is None or grant is None:
        return
    if event.grant.granted_seconds > grant.granted_seconds:
        until_ms = talk.from_ms + event.grant.granted_seconds * 1_000
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


def _take(turn: Turn, grant: Grant) -> None:
    longer = turn.data.grant is None or grant.granted_seconds > turn.data.grant.granted_seconds
    turn.set(grant=grant)
    if longer or grant.end_seconds > grant.granted_seconds:
        run_timers(turn)


def extension_away(turn: Turn, event: DatabaseAway) -> None:
    """The database is away: the talk goes on to its grant, and is asked for again meanwhile."""
    del event
    talk = turn.data.talk
    if talk is not None and not talk.written:
        abandon(turn)
    elif talk is not None and talk.paid:
        turn.do(Note("database away"), Arm(EXTEND_TIMER, EXTEND_AGAIN_MS))


def talk_failed(turn: Turn, event: CommandFailed) -> None:
    """Joining or limiting failed: without the dead-man's switch nobody talks."""
    talk = turn.data.talk
    if talk is not None and talk.from_ms is None:
        abandon(turn)
    else:
        turn.do(Note("command failed", {"what": event.what}))


def abandon(turn: Turn) -> None:
    """The talk could not begin: nothing is charged."""
    talk = turn.data.talk
    if talk is not None:
        turn.do(DropBridge(talk.bridge))
    turn.set(talk=None)
    turn.settle(EndReason.SERVICE_DOWN, "service-down", "goodbye")


# The end of a talk.


def stop(turn: Turn, reason: EndReason) -> None:
    """Take the bridge down: one request ends the paid time of both."""
    talk = turn.data.talk
    turn.do(*(Disarm(timer) for timer in TALK_TIMERS))
    turn.go(State.STOPPING, reason=reason)
    turn.do(
        Note("stopping", {"reason": str(reason)}), Arm(STATE_TIMER, turn.data.limits.stopping_ms)
    )
    if talk is not None:
        turn.do(DropBridge(talk.bridge))


def left(turn: Turn, event: Left) -> None:
    """The first leg out of the bridge ends the interval, by Asterisk's clock."""
    talk = turn.data.talk
    if talk is None or talk.bridge != event.bridge:
        return
    if talk.from_ms is None:
        turn.set(talk=replace(talk, inside=talk.inside - {event.leg}))
        return
    if len(talk.inside) == len(BOTH) and talk.paid:
        turn.set(intervals=(*turn.data.intervals, Interval(talk.from_ms, event.at_ms)))
    turn.set(talk=replace(talk, inside=talk.inside - {event.leg}))
    if turn.data.state is not State.STOPPING:
        hung_up = EndReason.CALLER_HUNG_UP if event.leg is Leg.CALLER else EndReason.EXPERT_HUNG_UP
        stop(turn, hung_up)
    if turn.data.talk is not None and not turn.data.talk.inside:
        talk_over(turn)


def talk_over(turn: Turn) -> None:
    """No leg is in the bridge any more: now the money."""
    reason = turn.data.reason
    assert reason is not None  # noqa: S101  (stopping gave one)
    turn.settle(reason)


def talk_leg_ended(turn: Turn, event: LegEnded) -> None:
    """A leg is gone. Its `Left` came before it; without one the talk had not begun."""
    talk = turn.data.talk
    if event.leg is Leg.EXPERT:
        turn.set(expert_up=False)
    else:
        turn.set(caller_up=False)
    if talk is not None and talk.from_ms is None:
        turn.do(DropBridge(talk.bridge))
        turn.set(talk=None)
        if event.leg is Leg.CALLER:
            turn.settle(EndReason.CALLER_HUNG_UP)
        else:
            turn.settle(EndReason.EXPERT_HUNG_UP, "expert-hung-up", "nothing-charged", "goodbye")


def stopping_leg_ended(turn: Turn, event: LegEnded) -> None:
    """The other leg goes as well while the talk is being stopped."""
    if event.leg is Leg.EXPERT:
        turn.set(expert_up=False)
    else:
        turn.set(caller_up=False)


def stopping_timer(turn: Turn, event: TimerFired) -> None:
    """Asterisk does not say that the legs left: the grant's end is the most that can be owed."""
    del event
    data = turn.data
    talk = data.talk
    if (
        talk is not None
        and talk.paid
        and talk.from_ms is not None
        and len(talk.inside) == len(BOTH)
    ):
        turn.set(intervals=(*data.intervals, Interval(talk.from_ms, talk.from_ms + most_ms(turn))))
    turn.set(talk=None)
    talk_over(turn)
