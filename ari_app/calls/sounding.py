"""Who sent no sound at all in paid time: counted where it begins and ends, on the caller's leg.

Asterisk passes on to a leg what the other one sends, and nothing of its own while nobody holds or
hears a prompt. So one leg's packets tell of both: those it sent and those it was sent. Where that
proves nothing, the time is paid.
"""

from dataclasses import replace
from typing import Final

from ari_app.ari.packets import Packets
from ari_app.calls.commands import CountPackets
from ari_app.calls.data import Talk
from ari_app.calls.events import Counted, Left
from ari_app.calls.states import BOTH, Leg
from ari_app.calls.turn import Turn

LATE_MS: Final = 3_000
"""Counted later than this, the beginning says nothing of the whole stretch."""
LEAST_MS: Final = 1_000
"""In less than this even a phone that is well may send nothing."""
_NOBODY: Final[frozenset[Leg]] = frozenset()


def begin(turn: Turn) -> None:
    """Count as paid time begins; a premium-rate call's is the carrier's."""
    data = turn.data
    talk = data.talk
    if talk is None or talk.from_ms is None or not talk.paid or data.carrier_billed:
        return
    turn.set(talk=replace(talk, sounded=frozenset(BOTH) if data.holding else _NOBODY))
    if not data.holding and data.silent != _NOBODY:
        turn.do(CountPackets(talk.bridge, talk.from_ms))


def sounded(turn: Turn, *legs: Leg) -> None:
    """Remember who has shown that his silence is none."""
    talk = turn.data.talk
    if talk is not None:
        turn.set(talk=replace(talk, sounded=talk.sounded | set(legs)))


def told(turn: Turn, event: Left) -> None:
    """Take the count that a caller's own hang-up brings."""
    talk = turn.data.talk
    if event.leg is Leg.CALLER and event.packets is not None and talk is not None:
        _judge(turn, talk, event.packets, event.at_ms)


def end(turn: Turn) -> None:
    """Count as a paid stretch ends, unless that can prove nothing or is known already."""
    data = turn.data
    talk = data.talk
    if talk is None or talk.from_ms is None or not talk.paid or talk.judged:
        return
    hopeless = talk.packets is None or talk.sounded == frozenset(BOTH) or data.silent == _NOBODY
    if hopeless or not data.caller_up:
        _judge(turn, talk, None, 0)
    else:
        turn.set(counting=talk)
        turn.do(CountPackets(talk.bridge, talk.from_ms))


def counted(turn: Turn, event: Counted) -> None:
    """Keep the count of a beginning, or judge a stretch by that of its end."""
    data = turn.data
    talk = data.talk
    if data.counting is not None and data.counting.bridge == event.bridge:
        _judge(turn, data.counting, event.packets, event.at_ms)
        turn.set(counting=None)
    elif talk is None or talk.bridge != event.bridge or talk.from_ms is None:
        return
    elif talk.packets is None and event.at_ms - talk.from_ms <= LATE_MS:
        turn.set(talk=replace(talk, packets=event.packets, counted_ms=event.at_ms))


def _judge(turn: Turn, ended: Talk, packets: Packets | None, at_ms: int) -> None:
    if ended.judged or not ended.paid:
        return
    silent = _silent(ended, packets, at_ms)
    before, talk = turn.data.silent, turn.data.talk
    turn.set(silent=silent if before is None else before & silent)
    if talk is not None and talk.bridge == ended.bridge:
        turn.set(talk=replace(talk, judged=True))


def _silent(ended: Talk, packets: Packets | None, at_ms: int) -> frozenset[Leg]:
    first = ended.packets
    if first is None or packets is None or at_ms - ended.counted_ms < LEAST_MS:
        return _NOBODY
    quiet = {
        Leg.CALLER: packets.received == first.received,
        Leg.EXPERT: packets.sent == first.sent,
    }
    return frozenset(leg for leg in BOTH if quiet[leg]) - ended.sounded
