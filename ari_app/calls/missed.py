"""What calls of this process missed while the socket was lost, told from a snapshot."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from ari_app.ari.client import AriClient
from ari_app.calls import events as e
from ari_app.calls.actor import Actor, now_ms
from ari_app.calls.names import Names
from ari_app.calls.records import Records
from ari_app.calls.registry import Registry
from ari_app.calls.snapshot import Snapshot
from ari_app.calls.states import Leg


@dataclass(frozen=True, slots=True)
class RunningLeg:
    """A leg that a call believed to have before the snapshot was taken.

    `playback` is the number of what it hears, 0 for nothing.
    """

    call_id: UUID
    actor: Actor
    records: Records
    leg: Leg
    attempt: int
    channel: str
    answered: bool
    playback: int


def legs_now(registry: Registry) -> list[RunningLeg]:
    """The legs of all calls. To be asked before Asterisk is: a younger one isn't in the answer."""
    legs = []
    for call_id, actor, records in registry.actors():
        data = actor.data
        names = Names(call_id, registry.caller_channel(call_id) or "")
        for leg, up, attempt, channel, answered in (
            (Leg.CALLER, data.caller_up, 0, names.caller_channel, True),
            (
                Leg.EXPERT,
                data.expert_up,
                data.attempt,
                names.expert_channel(data.attempt),
                data.expert_answered,
            ),
        ):
            if up:
                heard = data.playback(leg) or 0
                legs.append(
                    RunningLeg(call_id, actor, records, leg, attempt, channel, answered, heard)
                )
    return legs


async def tell_missed(
    ari: AriClient, legs: Iterable[RunningLeg], seen: Snapshot, *, after_loss: bool
) -> None:
    """Post ends of legs and answers that were not told; after a lost socket, ends of prompts too.

    A prompt whose end was missed counts as not heard: what it said can't be proved.
    """
    saying = []
    for one in legs:
        gone = one.channel not in (seen.ours if one.leg is Leg.CALLER else seen.channels)
        if gone and one.answered:
            _tell_gone(one)
        elif not one.answered and one.channel in seen.up:
            one.actor.post(e.LegUp(one.attempt))
        elif _answer_missed(one, seen):
            # Without it no cap would end the call. When it was, Asterisk's record knows.
            one.records.by_cel = True
            one.actor.post(e.Answered(now_ms()))
        if not gone and after_loss and one.playback:
            saying.append(one)
    await asyncio.gather(*(_tell_said(ari, one) for one in saying))


def _answer_missed(one: RunningLeg, seen: Snapshot) -> bool:
    data = one.actor.data
    untold = data.carrier_billed and data.answered_ms is None
    return one.leg is Leg.CALLER and untold and one.channel in seen.up


def _tell_gone(one: RunningLeg) -> None:
    one.records.by_cel = True
    talk = one.actor.data.talk
    if talk is not None and talk.from_ms is not None:
        one.actor.post(e.Left(one.leg, talk.bridge, now_ms()))
    one.actor.post(e.LegEnded(one.leg, one.attempt))


async def _tell_said(ari: AriClient, one: RunningLeg) -> None:
    names = Names(one.call_id, one.channel)
    if not await ari.plays(names.playback(one.leg, one.playback)):
        one.actor.post(e.Said(one.leg, one.playback, heard=False))
