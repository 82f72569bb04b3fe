"""The call machine: a table of states and events, pure, without a clock.

This module may know states, events, commands and the rules of a dialogue. It must not know ARI,
the database, asyncio or the time: those are the executor's and the actor's.
"""

from collections.abc import Mapping
from typing import Final

from ari_app.calls import (
    arrival,
    ending,
    features,
    joining,
    on_hold,
    ordered,
    parting,
    quoting,
    ringing,
    sounding,
    stopping,
    switching,
    talking,
    topping,
)
from ari_app.calls import events as e
from ari_app.calls.commands import CloseOrder, Command
from ari_app.calls.data import CallData
from ari_app.calls.premium_table import PREMIUM
from ari_app.calls.states import Leg, State
from ari_app.calls.table import CALLER_GONE, EXPERT_GONE, Column, Kind, Rules, rule
from ari_app.calls.turn import Turn


class IllegalEvent(Exception):
    """The event can't happen in this state; the call is as it was."""

    def __init__(self, state: State, event: e.Event) -> None:
        super().__init__(f"{type(event).__name__} can't happen while {state}")


def _away(turn: Turn, event: e.DatabaseAway) -> None:
    del event
    ending.service_down(turn)


def _failed(turn: Turn, event: e.CommandFailed) -> None:
    """The caller's leg can't be played to or limited: his `StasisEnd` follows, or nothing works."""
    if event.leg is Leg.CALLER:
        ending.service_down(turn)


S = State
_EARLY: Final[Rules] = {
    CALLER_GONE: rule(ending.hung_up_early, S.SETTLING),
    (e.DatabaseAway, None): rule(_away, S.SETTLING),
    (e.CommandFailed, None): rule(_failed, S.SETTLING),
    (e.EndOrdered, None): rule(ordered.end_early, S.SETTLING),
}
_NO_TALK: Final = (S.CHOOSING, S.SETTLING)
_TALK: Final[Rules] = {
    (e.Entered, None): rule(joining.entered),
    (e.Counted, None): rule(sounding.counted),
    (e.Left, None): rule(stopping.left, S.STOPPING, S.SETTLING),
    (e.MediaLost, None): rule(stopping.media_lost),
    (e.HoldBegan, None): rule(on_hold.began),
    (e.HoldEnded, None): rule(on_hold.ended),
    (e.TalkRecorded, None): rule(joining.talk_recorded),
    (e.TimerFired, None): rule(features.timer, S.STOPPING, S.SETTLING),
    (e.DatabaseAway, None): rule(joining.away, S.SETTLING),
    (e.CommandFailed, None): rule(joining.talk_failed, S.SETTLING),
    (e.EndOrdered, None): rule(ordered.end_talk, S.STOPPING, S.SETTLING),
    CALLER_GONE: rule(stopping.talk_leg_ended, S.STOPPING, S.SETTLING),
    EXPERT_GONE: rule(stopping.talk_leg_ended, S.STOPPING, S.SETTLING),
}
_PARTED: Final[Rules] = {
    (e.Counted, None): rule(sounding.counted),
    (e.HoldBegan, None): rule(on_hold.began),
    (e.HoldEnded, None): rule(on_hold.ended),
    (e.MediaLost, None): rule(stopping.media_lost),
    (e.CommandFailed, None): rule(parting.failed),
    (e.EndOrdered, None): rule(parting.ordered, S.SETTLING),
    CALLER_GONE: rule(parting.leg_ended, S.SETTLING),
    EXPERT_GONE: rule(parting.leg_ended, S.SETTLING),
}
_LEG_GONE: Final[Rules] = {
    CALLER_GONE: rule(ending.leg_gone, S.ENDING, S.OVER),
    EXPERT_GONE: rule(ending.leg_gone, S.ENDING, S.OVER),
}

TABLE: Final[Column] = {
    S.RECEIVED: {
        **_EARLY,
        (e.Received, None): rule(
            arrival.on_received, S.IDENTIFYING, S.CHOOSING, S.SETTLING, S.HOLDING, S.STOPPING
        ),
        (e.TimerFired, None): rule(_away, S.SETTLING),
    },
    S.IDENTIFYING: {
        **_EARLY,
        (e.Key, None): rule(arrival.identifying_key),
        (e.Said, None): rule(arrival.identifying_said),
        (e.PinChecked, None): rule(arrival.pin_checked, S.CHOOSING, S.QUOTING, S.SETTLING),
        (e.TimerFired, None): rule(arrival.identifying_timer, S.SETTLING),
    },
    S.CHOOSING: {
        **_EARLY,
        (e.Key, None): rule(arrival.choosing_key),
        (e.Said, None): rule(arrival.choosing_said, S.QUOTING, S.HOLDING, *_NO_TALK),
        (e.LookedUp, None): rule(arrival.looked_up, S.QUOTING, S.HOLDING, *_NO_TALK),
        (e.TimerFired, None): rule(arrival.choosing_timer, S.SETTLING),
    },
    S.QUOTING: {
        **_EARLY,
        (e.Quoted, None): rule(quoting.quoted),
        (e.NotGranted, None): rule(quoting.not_granted, S.IDENTIFYING, *_NO_TALK),
        (e.Said, None): rule(quoting.quoting_said),
        (e.Key, None): rule(quoting.quoting_key, S.HOLDING),
        (e.TimerFired, None): rule(quoting.quoting_timer, S.SETTLING),
    },
    S.HOLDING: {
        **_EARLY,
        (e.Held, None): rule(quoting.held, S.RINGING),
        (e.NotGranted, None): rule(quoting.not_granted, S.IDENTIFYING, *_NO_TALK),
        (e.TimerFired, None): rule(quoting.holding_timer, S.SETTLING),
    },
    S.RINGING: {
        **_EARLY,
        (e.DialRecorded, None): rule(ringing.dial_recorded),
        (e.LegReady, None): rule(ringing.leg_ready),
        (e.LegUp, None): rule(ringing.leg_up, S.OFFERING),
        (e.TimerFired, None): rule(ringing.phone_timer, *_NO_TALK),
        (e.CommandFailed, None): rule(ringing.phone_failed, *_NO_TALK),
        EXPERT_GONE: rule(ringing.phone_ended, *_NO_TALK),
    },
    S.OFFERING: {
        **_EARLY,
        (e.Said, None): rule(ringing.offering_said),
        (e.Key, None): rule(ringing.offering_key, S.TALKING_PAID, S.TALKING_FREE, *_NO_TALK),
        (e.TimerFired, None): rule(ringing.phone_timer, S.RINGING, *_NO_TALK),
        (e.CommandFailed, None): rule(ringing.phone_failed, S.RINGING, *_NO_TALK),
        EXPERT_GONE: rule(ringing.phone_ended, S.RINGING, *_NO_TALK),
    },
    S.TALKING_FREE: {
        **_TALK,
        (e.TimerFired, None): rule(features.timer, S.FREEING, S.STOPPING, S.SETTLING),
        (e.Key, None): rule(features.key, S.CONSENTING),
        (e.SwitchOrdered, None): rule(ordered.switch, S.CONSENTING),
        (e.SegmentClosed, None): rule(switching.segment_closed),
    },
    S.CONSENTING: {
        **_PARTED,
        (e.Left, None): rule(switching.consenting_left),
        (e.Quoted, None): rule(switching.consenting_quoted),
        (e.NotGranted, None): rule(switching.consenting_not_granted, S.FREEING),
        (e.Said, None): rule(switching.consenting_said),
        (e.Key, None): rule(switching.consenting_key, S.FREEING),
        (e.Held, None): rule(switching.consenting_held, S.TALKING_PAID),
        (e.SegmentClosed, None): rule(switching.segment_closed),
        (e.DatabaseAway, None): rule(switching.consenting_away, S.FREEING),
        (e.TimerFired, None): rule(switching.consenting_timer, S.FREEING, S.SETTLING),
    },
    S.FREEING: {
        **_PARTED,
        (e.Counted, None): rule(switching.freeing_counted),
        (e.Left, None): rule(switching.freeing_left),
        (e.Said, None): rule(switching.freeing_said, S.TALKING_FREE, S.TALKING_PAID),
        (e.SegmentClosed, None): rule(switching.segment_closed),
        (e.DatabaseAway, None): rule(switching.close_later),
        (e.TimerFired, None): rule(
            switching.freeing_timer, S.TALKING_FREE, S.TALKING_PAID, S.SETTLING
        ),
    },
    S.TOPPING_UP: {
        **_PARTED,
        (e.Left, None): rule(topping.left),
        (e.Said, None): rule(topping.said, S.TALKING_PAID),
        (e.Key, None): rule(topping.key, S.TALKING_PAID),
        (e.VoucherTaken, None): rule(topping.taken),
        (e.VoucherRefused, None): rule(topping.refused),
        (e.DatabaseAway, None): rule(topping.away),
        (e.TimerFired, None): rule(topping.timer, S.TALKING_PAID, S.SETTLING),
    },
    S.ON_HOLD: {
        **_PARTED,
        (e.HoldEnded, None): rule(on_hold.ended, S.TALKING_PAID),
        (e.Left, None): rule(on_hold.left, S.TALKING_PAID),
        (e.Said, None): rule(on_hold.said),
        (e.TimerFired, None): rule(on_hold.timer, S.SETTLING),
    },
    S.TALKING_PAID: {
        **_TALK,
        (e.TimerFired, None): rule(features.timer, S.ON_HOLD, S.STOPPING, S.SETTLING),
        (e.Key, None): rule(features.key, S.FREEING, S.TOPPING_UP),
        (e.SwitchOrdered, None): rule(ordered.switch, S.FREEING),
        (e.Said, None): rule(joining.joining_said),
        (e.CostSoFar, None): rule(talking.cost_so_far),
        (e.Extended, None): rule(talking.extended),
        (e.LimitSet, None): rule(talking.limit_set),
        (e.AvailableRose, None): rule(talking.available_rose),
    },
    S.STOPPING: {
        (e.Counted, None): rule(stopping.counted, S.SETTLING),
        (e.MediaLost, None): rule(stopping.media_lost),
        (e.Left, None): rule(stopping.left, S.SETTLING),
        (e.TimerFired, None): rule(stopping.stopping_timer, S.SETTLING),
        CALLER_GONE: rule(stopping.stopping_leg_ended),
        EXPERT_GONE: rule(stopping.stopping_leg_ended),
    },
    S.SETTLING: {
        **_LEG_GONE,
        (e.Settled, None): rule(ending.settled, S.AFTERCARE, S.GOODBYE, S.ENDING, S.OVER),
        (e.Spooled, None): rule(ending.spooled, S.AFTERCARE, S.GOODBYE, S.ENDING, S.OVER),
        (e.TimerFired, None): rule(ending.settling_timer, S.AFTERCARE, S.GOODBYE, S.ENDING, S.OVER),
    },
    S.AFTERCARE: {
        **_LEG_GONE,
        (e.Said, None): rule(ending.farewell_said, S.ENDING, S.OVER),
        (e.TimerFired, None): rule(ending.farewell_timer, S.ENDING, S.OVER),
    },
    S.GOODBYE: {
        **_LEG_GONE,
        (e.Said, None): rule(ending.farewell_said, S.ENDING, S.OVER),
        (e.TimerFired, None): rule(ending.farewell_timer, S.ENDING, S.OVER),
    },
    S.ENDING: {
        CALLER_GONE: rule(ending.leg_gone, S.OVER),
        EXPERT_GONE: rule(ending.leg_gone, S.OVER),
        (e.TimerFired, None): rule(ending.ending_timer, S.OVER),
    },
    S.OVER: {},
}
"""Every legal event of every state; once a number proves premium-rate, `PREMIUM` holds instead."""

_NO_LEG = "the expert's channel does not exist before a phone of his is dialled"
_LET_GO = "the expert's channel is hung up by us before the caller hears why there is no talk"
_CROSSING = "we are hanging both up: a phone's own BYE crosses ours and looks the same"
IMPOSSIBLE: Final[Mapping[tuple[State, Leg], str]] = {
    (S.RECEIVED, Leg.EXPERT): _NO_LEG,
    (S.IDENTIFYING, Leg.EXPERT): _NO_LEG,
    (S.CHOOSING, Leg.EXPERT): _NO_LEG,
    (S.QUOTING, Leg.EXPERT): _NO_LEG,
    (S.HOLDING, Leg.EXPERT): _NO_LEG,
    (S.GOODBYE, Leg.EXPERT): _LET_GO,
    (S.ENDING, Leg.CALLER): _CROSSING,
    (S.ENDING, Leg.EXPERT): _CROSSING,
    (S.OVER, Leg.CALLER): "no leg is left",
    (S.OVER, Leg.EXPERT): "no leg is left",
}
"""Hang-ups that a phone can't cause there, each with its reason.

All others have a test on a real Asterisk.
"""

_ANY_TIME: Final = (
    e.Key, e.Said, e.AvailableRose, e.DatabaseAway, e.CommandFailed, e.TimerFired, e.EndOrdered,
    e.MediaLost, e.HoldBegan, e.HoldEnded,
)  # fmt: skip
_ANSWERS: Final = (
    e.Received, e.PinChecked, e.LookedUp, e.Quoted, e.Held, e.NotGranted, e.DialRecorded,
    e.TalkRecorded, e.Extended, e.LimitSet, e.LegReady, e.LegUp, e.Settled, e.Spooled,
    e.Entered, e.Left, e.Counted, e.Answered, e.PremiumHeld, e.SegmentClosed, e.VoucherTaken,
    e.VoucherRefused, e.CostSoFar,
)  # fmt: skip
"""Answers to what an earlier state asked: the call may have moved on before they come."""


def step(data: CallData, event: e.Event) -> tuple[CallData, tuple[Command, ...]]:
    """The call after `event`, and what is to be done.

    Events that mean nothing any more (a prompt that was stopped, the end of a leg that was given
    up, an answer that comes too late) change nothing.

    Raises:
        IllegalEvent: the event can't happen in this state; nothing has changed.

    """
    if _is_stale(data, event):
        return data, ()
    column = PREMIUM if data.carrier_billed else TABLE
    found = column[data.state].get(_kind(event))
    if found is None:
        if isinstance(event, e.SwitchOrdered):
            return data, (CloseOrder(event.order_id, ordered.NOT_NOW),)
        if isinstance(event, _ANY_TIME + _ANSWERS):
            return data, ()
        raise IllegalEvent(data.state, event)
    if isinstance(event, e.Said):
        data = data.changed(saying=tuple(p for p in data.saying if p[0] is not event.leg))
    turn = Turn(data)
    found.handler(turn, event)
    after = turn.data.state
    assert after is data.state or after in found.targets, (data.state, event, after)
    return turn.data, tuple(turn.commands)


def begin(data: CallData) -> tuple[CallData, tuple[Command, ...]]:
    """The first commands of a call that has just come in."""
    turn = Turn(data)
    arrival.begin(turn)
    return turn.data, tuple(turn.commands)


def _kind(event: e.Event) -> Kind:
    return type(event), event.leg if isinstance(event, e.LegEnded) else None


def _is_stale(data: CallData, event: e.Event) -> bool:
    if isinstance(event, e.Said):
        return data.playback(event.leg) != event.number
    if isinstance(event, e.LegEnded) and event.leg is Leg.EXPERT:
        return not data.expert_up or event.attempt != data.attempt
    if isinstance(event, e.LegEnded):
        return not data.caller_up
    told_of_leg = e.Key | e.CommandFailed | e.MediaLost | e.HoldBegan | e.HoldEnded
    if isinstance(event, told_of_leg) and event.leg is Leg.EXPERT:
        return event.attempt != data.attempt
    return False
