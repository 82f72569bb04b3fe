"""Paid time in which a side sent no packet at all: what counts as proof, and what doesn't."""

import pytest

from ari_app.ari.events import LeftBridge, parse
from ari_app.ari.packets import Packets, of_channel
from ari_app.calls import commands as c
from ari_app.calls import events as e
from ari_app.calls.states import Leg, State
from billing.calls.values import NO_SOUND, EndReason, Interval, NoPayer
from tests.unit.test_call_machine import T0, Play, bridge_of, joined, out_of, talking

FIRST = Packets(received=300, sent=200)
BOTH_SENT = Packets(received=1_300, sent=1_200)
CALLER_SILENT = Packets(received=300, sent=1_200)
EXPERT_SILENT = Packets(received=1_300, sent=200)
END_MS = T0 + 20_000
WHOLE = (Interval(T0, END_MS),)
NOTHING = (Interval(T0, T0),)


def counted() -> Play:
    """A paid talk whose packets were counted as it began."""
    play = talking()
    assert play.did(c.CountPackets) == [c.CountPackets(bridge_of(play), T0)]
    return play.then(e.Counted(bridge_of(play), FIRST, T0 + 4))


def caller_goes(play: Play, packets: Packets | None) -> Play:
    bridge = bridge_of(play)
    play.then(e.Left(Leg.CALLER, bridge, END_MS, packets=packets))
    return play.then(e.LegEnded(Leg.CALLER), e.Left(Leg.EXPERT, bridge, END_MS + 3))


def expert_goes(play: Play, packets: Packets | None, at_ms: int = END_MS + 9) -> Play:
    bridge = bridge_of(play)
    play.then(e.Left(Leg.EXPERT, bridge, END_MS))
    assert play.did(c.CountPackets) == [c.CountPackets(bridge, T0)]
    play.then(e.LegEnded(Leg.EXPERT, 1), e.Left(Leg.CALLER, bridge, END_MS + 3))
    assert play.at(State.STOPPING)
    return play.then(e.Counted(bridge, packets, at_ms))


def settled(play: Play) -> c.Settle:
    (settle,) = play.did(c.Settle)
    assert isinstance(settle, c.Settle)
    return settle


@pytest.mark.parametrize("goes", [caller_goes, expert_goes])
@pytest.mark.parametrize(
    ("packets", "paid", "no_payer"),
    [
        (BOTH_SENT, WHOLE, None),
        (CALLER_SILENT, NOTHING, NoPayer.CALLER_SILENT),
        (EXPERT_SILENT, NOTHING, NoPayer.EXPERT_SILENT),
        (FIRST, NOTHING, NoPayer.CALLER_SILENT),
    ],
)
def test_who_sent_nothing_makes_the_talk_free_and_the_reason_says_who(
    goes: object, packets: Packets, paid: tuple[Interval, ...], no_payer: NoPayer | None
) -> None:
    settle = settled(goes(counted(), packets))  # type: ignore[operator]
    assert (settle.intervals, settle.no_payer) == (paid, no_payer)
    reason = EndReason.CALLER_HUNG_UP if goes is caller_goes else EndReason.EXPERT_HUNG_UP
    assert settle.reason is reason


def test_the_timeline_says_which_side_sent_nothing() -> None:
    play = caller_goes(counted(), FIRST)
    assert c.Note(NO_SOUND, {"from": "caller and expert"}) in play.last
    play = caller_goes(counted(), BOTH_SENT)
    assert NO_SOUND not in [one.what for one in play.did(c.Note)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("goes", [expert_goes])
def test_a_count_that_was_not_to_be_had_proves_nothing(goes: object) -> None:
    settle = settled(goes(counted(), None))  # type: ignore[operator]
    assert (settle.intervals, settle.no_payer) == (WHOLE, None)


def test_money_does_not_wait_for_a_count_for_ever() -> None:
    play = counted()
    bridge = bridge_of(play)
    play.then(
        e.Left(Leg.EXPERT, bridge, END_MS),
        e.Left(Leg.CALLER, bridge, END_MS + 3),
        e.TimerFired("state"),
    )
    assert settled(play).intervals == WHOLE
    assert not play.then(e.Counted(bridge, CALLER_SILENT, END_MS + 4_000)).last


@pytest.mark.parametrize("late", [e.Counted("another", FIRST, T0), None])
def test_without_a_count_at_the_beginning_nothing_is_proved_or_asked(late: e.Event | None) -> None:
    play = talking()
    if late is not None:
        play.then(late)
    assert settled(caller_goes(play, CALLER_SILENT)).intervals == WHOLE


def test_a_beginning_that_was_counted_late_is_none() -> None:
    play = talking()
    play.then(e.Counted(bridge_of(play), FIRST, T0 + 3_001))
    assert settled(caller_goes(play, CALLER_SILENT)).intervals == WHOLE


def test_a_talk_of_a_moment_proves_nothing() -> None:
    play = counted()
    bridge = bridge_of(play)
    play.then(
        e.Left(Leg.CALLER, bridge, T0 + 1_003, packets=FIRST),
        e.Left(Leg.EXPERT, bridge, T0 + 1_005),
    )
    assert settled(play).intervals == (Interval(T0, T0 + 1_003),)


@pytest.mark.parametrize("leg", list(Leg))
def test_a_hold_explains_silence_on_both_sides(leg: Leg) -> None:
    play = counted()
    attempt = 1 if leg is Leg.EXPERT else 0
    play.then(e.HoldBegan(leg, attempt), e.HoldEnded(leg, attempt))
    assert settled(caller_goes(play, FIRST)).intervals == WHOLE


def test_who_has_keyed_was_not_silent() -> None:
    # The expert's keys are not passed on, so the caller's leg was sent nothing.
    settle = settled(caller_goes(counted().keys("5", Leg.EXPERT), EXPERT_SILENT))
    assert settle.intervals == WHOLE


def topped_up(packets: Packets) -> Play:
    """Twenty seconds of talk, a look for a voucher, and the talk begins anew."""
    play = counted()
    bridge = bridge_of(play)
    out_of(play.keys("*5"), END_MS).then(e.Counted(bridge, packets, END_MS + 5))
    play.then(e.TimerFired("state"))
    return joined(play, T0 + 60_000)


def test_a_side_that_was_heard_before_the_top_up_was_not_silent() -> None:
    play = topped_up(EXPERT_SILENT)
    # Keys count as packets, but only for who has pressed them.
    assert play.data.silent == frozenset({Leg.EXPERT})
    bridge = bridge_of(play)
    play.then(e.Counted(bridge, FIRST, T0 + 60_003))
    play.then(
        e.Left(Leg.CALLER, bridge, T0 + 70_000, packets=EXPERT_SILENT),
        e.Left(Leg.EXPERT, bridge, T0 + 70_003),
    )
    assert [one.start_ms == one.end_ms for one in settled(play).intervals] == [True, True]
    play = topped_up(BOTH_SENT)
    assert not play.did(c.CountPackets)
    bridge = bridge_of(play)
    play.then(
        e.Left(Leg.CALLER, bridge, T0 + 70_000, packets=EXPERT_SILENT),
        e.Left(Leg.EXPERT, bridge, T0 + 70_003),
    )
    assert settled(play).intervals == (*WHOLE, Interval(T0 + 60_000, T0 + 70_000))


@pytest.mark.parametrize(
    ("told", "packets"),
    [
        (
            "ssrc=1;themssrc=2;lp=0;rxjitter=0.0;rxcount=252;txjitter=0.0;txcount=310;rlp=0",
            (252, 310),
        ),
        ("", None),
        ("rxcount=;txcount=3", None),
        ("ssrc=1", None),
    ],
)
def test_a_hung_up_channel_tells_its_packets(told: str, packets: tuple[int, int] | None) -> None:
    raw = {
        "type": "ChannelLeftBridge",
        "timestamp": "2026-11-22T21:00:00.123+0000",
        "channel": {"id": "c", "channelvars": {"RTPAUDIOQOS": told}},
        "bridge": {"id": "b"},
    }
    event = parse(raw)
    assert isinstance(event, LeftBridge)
    assert event.packets == (Packets(*packets) if packets else None)
    assert of_channel({"id": "c"}) is None


def test_silence_that_costs_nothing_costs_nothing_after_an_outage_either() -> None:
    """The expert gives free minutes, then stays free; the database comes back only later."""
    play = counted()
    bridge = bridge_of(play)
    play = out_of(play.keys("*6", Leg.EXPERT), END_MS)
    play.then(e.Counted(bridge, CALLER_SILENT, END_MS + 9))
    play = joined(play.said(Leg.CALLER).said(Leg.EXPERT), T0 + 25_000)
    play.keys("*9", Leg.EXPERT)
    assert play.did(c.CloseSegment) == [c.CloseSegment(NOTHING)]
    play.then(e.DatabaseAway(), e.TimerFired("extend"))
    assert play.did(c.CloseSegment) == [c.CloseSegment(NOTHING)]


def back_to_free() -> tuple[Play, str]:
    """The expert goes back to free by his own key, and both legs are out of the paid bridge."""
    play = counted()
    bridge = bridge_of(play)
    return out_of(play.keys("*9", Leg.EXPERT), END_MS), bridge


@pytest.mark.parametrize(("packets", "paid"), [(CALLER_SILENT, NOTHING), (BOTH_SENT, WHOLE)])
def test_the_money_of_a_segment_waits_for_the_count_of_its_end(
    packets: Packets, paid: tuple[Interval, ...]
) -> None:
    play, bridge = back_to_free()
    assert not play.did(c.CloseSegment)
    play.then(e.Counted(bridge, packets, END_MS + 9))
    assert play.did(c.CloseSegment) == [c.CloseSegment(paid)]
    assert play.did(c.Disarm)[0] == c.Disarm("extend")
    # Told twice, it is closed once.
    play.then(e.Counted(bridge, packets, END_MS + 10))
    assert not play.did(c.CloseSegment)


def test_a_count_that_came_before_both_legs_had_left_is_waited_for_no_more() -> None:
    play = counted()
    bridge = bridge_of(play)
    play.keys("*9", Leg.EXPERT).then(e.Counted(bridge, CALLER_SILENT, END_MS + 1))
    out_of(play, END_MS)
    assert play.did(c.CloseSegment) == [c.CloseSegment(NOTHING)]


def test_a_segment_is_closed_as_paid_if_its_count_does_not_come() -> None:
    play, _ = back_to_free()
    play.then(e.TimerFired("extend"))
    assert play.did(c.CloseSegment) == [c.CloseSegment(WHOLE)]
