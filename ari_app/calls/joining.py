"""Joining: tone, record and dead-man's switch first, then both legs into the talk's own bridge.

Each stretch has a bridge of its own, so that what is billed equals what both legs spent in the
`-paid-` bridges in Asterisk's own record.
"""

from dataclasses import replace

from ari_app.calls import sounding
from ari_app.calls.commands import (
    Arm,
    Disarm,
    Join,
    Limit,
    MakeBridge,
    Note,
    RecordTalk,
)
from ari_app.calls.data import Talk
from ari_app.calls.events import (
    CommandFailed,
    DatabaseAway,
    Entered,
    Said,
    TalkRecorded,
)
from ari_app.calls.states import BOTH, Leg, State
from ari_app.calls.stopping import abandon
from ari_app.calls.talking import ask_again, extension_away, run_timers
from ari_app.calls.turn import HOLD_TIMER, STATE_TIMER, Turn

JOINING_MS = 5_000
"""Tone and joining take about a second; past this the talk is given up, uncharged."""


def begin_talk(turn: Turn, *, paid: bool) -> None:
    """Make the stretch's bridge, write it, and sound the tone where it is paid."""
    data = turn.data
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
        turn.broke_off()
        return
    turn.set(talk=replace(talk, tones=talk.tones - 1))
    _limit_then_join(turn)


def talk_recorded(turn: Turn, event: TalkRecorded) -> None:
    """The bridge's name is in the database, so a crash after joining loses nothing."""
    talk = turn.data.talk
    if talk is not None and talk.bridge == event.bridge and not talk.written:
        turn.set(talk=replace(talk, written=True))
        _limit_then_join(turn)


def away(turn: Turn, event: DatabaseAway) -> None:
    """The database is away. No talk begins then, but one that was interrupted goes on.

    Its money is held, and who is in a bridge of the call is found by the bridge's name.
    """
    talk = turn.data.talk
    if talk is None or talk.written:
        extension_away(turn, event)
    elif turn.data.talks == 1:
        abandon(turn)
    else:
        turn.do(Note("database away"))
        turn.set(talk=replace(talk, written=True))
        _limit_then_join(turn)


def _limit_then_join(turn: Turn) -> None:
    data = turn.data
    talk = data.talk
    if talk is None or talk.tones or not talk.written or talk.limited:
        return
    turn.set(talk=replace(talk, limited=True))
    ms = max(0, turn.data.granted_ms - turn.data.spent_ms)
    farewell = "credit" if talk.paid else "free-limit"
    turn.do(Limit(BOTH, ms + data.limits.grace_ms, farewell), Join(talk.bridge))


def entered(turn: Turn, event: Entered) -> None:
    """A leg is in the bridge. The second one's entry starts the meter."""
    talk = turn.data.talk
    if talk is None or talk.bridge != event.bridge or event.leg in talk.left:
        return
    talk = replace(talk, inside=talk.inside | {event.leg})
    turn.set(talk=talk)
    if len(talk.inside) == len(BOTH) and talk.from_ms is None:
        turn.set(
            talk=replace(talk, from_ms=event.at_ms, steady_from_ms=event.steady_ms), talked=True
        )
        turn.do(
            Disarm(STATE_TIMER),
            Note("talk begins", {"kind": "paid" if talk.paid else "free"}),
            RecordTalk(talk.bridge, talk.paid, event.at_ms),
        )
        run_timers(turn)
        sounding.begin(turn)
        if talk.paid and Leg.EXPERT in turn.data.holding:
            turn.do(Arm(HOLD_TIMER, turn.data.limits.hold_paid_ms))


def talk_failed(turn: Turn, event: CommandFailed) -> None:
    """Joining or limiting failed: without the dead-man's switch nobody talks."""
    talk = turn.data.talk
    if talk is not None and talk.from_ms is None:
        abandon(turn)
    else:
        turn.do(Note("command failed", {"what": event.what}))
        if turn.data.coming is not None:
            ask_again(turn)
