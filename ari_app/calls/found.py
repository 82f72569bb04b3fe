"""An open call of the database and a snapshot of Asterisk, as the call that goes on: pure."""

from dataclasses import replace

from ari_app.calls import returning
from ari_app.calls.adopting import Next, adopt
from ari_app.calls.data import CallData, Talk
from ari_app.calls.names import call_of, number_of
from ari_app.calls.snapshot import Snapshot
from ari_app.calls.states import Leg, State
from billing.accounts.values import Identified
from billing.calls.values import EndReason, Interval, NoPayer, OpenCall
from billing.catalogue.values import LINES, ServedNumber
from billing.kit.feature_codes import FeatureCodes
from billing.kit.limits import Limits
from billing.money.values import Money


def _caller(call: OpenCall) -> Identified | None:
    """Who pays; he has proved himself before the restart."""
    if call.account_id is None:
        return None
    nothing = Money.zero(call.quote.tariff.currency if call.quote else "EUR")
    return Identified(
        call.account_id, call.language, pin_needed=False, locked=False, available=nothing
    )


def _number(call: OpenCall) -> ServedNumber | None:
    """The number on the terms that were frozen, should others be in force by now."""
    if call.number is None or call.premium is None:
        return call.number
    return replace(call.number, premium=call.premium.terms)


def data_of(
    call: OpenCall, seen: Snapshot, limits: Limits, codes: FeatureCodes | None = None
) -> CallData:
    """All that is known of a call found open."""
    expert_up = call.expert_channel in seen.channels
    return CallData(
        call_id=str(call.call_id),
        limits=limits,
        language=call.language,
        caller_up=call.caller_channel in seen.ours,
        answered=call.caller_channel in seen.up,
        attempt=number_of(call.expert_channel) if call.expert_channel else 0,
        expert_up=expert_up,
        expert_answered=expert_up,
        number=_number(call),
        caller=_caller(call),
        expert=call.expert,
        quote=call.quote,
        grant=call.grant,
        premium=call.premium,
        answered_ms=call.answered_ms,
        intervals=tuple(one for one in call.intervals if one.end_ms is not None),
        segment_from=call.closed_intervals,
        earlier_seconds=call.closed_seconds,
        free_ms=call.free_ms,
        silent=frozenset(),
        codes=codes or FeatureCodes(),
    )


def located(call: OpenCall, seen: Snapshot) -> OpenCall:
    """The call in the bridge that its legs are in.

    If the database was away as it was made, only Asterisk knows of it.
    """
    legs = {call.caller_channel, call.expert_channel}
    for bridge, inside in seen.bridges.items():
        if call_of(bridge) == call.call_id and legs <= inside and bridge != call.talk_bridge:
            return replace(call, talk_bridge=bridge, talk_from_ms=None)
    return call


def adopted(call: OpenCall, data: CallData, start_ms: int) -> Next:
    """The call in its talk, which began at `start_ms` (Asterisk's ms) and goes on."""
    bridge = call.talk_bridge or ""
    talk = Talk(
        bridge,
        "-paid-" in bridge,
        from_ms=start_ms,
        inside=frozenset(Leg),
        written=True,
        limited=True,
    )
    return adopt(data, talk, number_of(bridge))


def stands_between_talks(call: OpenCall, seen: Snapshot, start_ms: int | None) -> bool:
    """Whether both legs are up in no bridge, where the call had talked and was to talk on.

    `start_ms` is when the talk of its newest bridge began, None: it didn't.
    """
    legs = {call.caller_channel, call.expert_channel}
    inside = frozenset[str]().union(*seen.bridges.values()) if seen.bridges else frozenset()
    if not legs <= seen.ours or legs & inside or call.premium is not None:
        return False
    if call.state in returning.JOINING:
        return start_ms is None and bool(call.intervals or call.free_from_ms is not None)
    return call.state in returning.PAID | returning.FREE


def brought_back(call: OpenCall, data: CallData, proved: tuple[Interval, ...], says: int) -> Next:
    """The call as it goes on between two talks; `proved` is all its paid time so far."""
    data = replace(data, intervals=proved)
    was = State(call.state)
    if was in returning.PAID and data.grant is None:
        # Its money was given back, whatever it was doing.
        was = State.FREEING
    return returning.back(data, was, number_of(call.talk_bridge or ""), says)


def no_payer_of(call: OpenCall) -> NoPayer | None:
    """Why a call that ended without us earned nothing, by the rule of one that we carry."""
    number = call.number
    if call.account_id is not None or number is None or number.kind in LINES:
        return None
    return NoPayer.CALLER_UNKNOWN if number.premium is None else None


def reason_of(call: OpenCall, seen: Snapshot) -> EndReason:
    """Who is gone has hung up; if nobody is, we don't know why the talk had ended."""
    if call.caller_channel not in seen.channels:
        return EndReason.CALLER_HUNG_UP
    if call.expert_channel not in seen.channels:
        return EndReason.EXPERT_HUNG_UP
    return EndReason.SERVICE_DOWN
