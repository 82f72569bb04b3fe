"""A leg that sends no sound any more: what is paid ends when it was last heard."""

import pytest

from ari_app.ari.events import ChannelSilent, parse
from ari_app.calls import commands as c
from ari_app.calls import events as e
from ari_app.calls.states import Leg, State
from billing.calls.rules import sounding_until_ms, until_silence
from billing.calls.values import EndReason, Interval
from tests.unit.test_call_machine import T0, Play, bridge_of, freeing, settling, talking, topping_up


def lost(play: Play, leg: Leg, at_ms: int) -> Play:
    """Asterisk hangs a leg up for its silence, and the other follows."""
    bridge = bridge_of(play)
    other = Leg.EXPERT if leg is Leg.CALLER else Leg.CALLER
    attempt = play.data.attempt if leg is Leg.EXPERT else 0
    return play.then(
        e.MediaLost(leg, at_ms, attempt),
        e.Left(leg, bridge, at_ms + 1),
        e.LegEnded(leg, attempt, 44),
        e.Left(other, bridge, at_ms + 3),
    )


def settled(play: Play) -> c.Settle:
    (settle,) = play.did(c.Settle)
    assert isinstance(settle, c.Settle)
    return settle


@pytest.mark.parametrize("leg", list(Leg))
def test_the_silence_before_the_hang_up_is_not_paid(leg: Leg) -> None:
    settle = settled(lost(talking(), leg, T0 + 95_700))
    assert settle.reason is EndReason.MEDIA_LOST
    # Asterisk counts whole seconds: 95.7 - 30, to the second below.
    assert settle.intervals == (Interval(T0, T0 + 65_000),)


@pytest.mark.parametrize("after_ms", [29_000, 30_000, 30_900])
def test_a_talk_in_which_a_leg_never_sent_a_packet_costs_nothing(after_ms: int) -> None:
    settle = settled(lost(talking(), Leg.CALLER, T0 + after_ms))
    assert settle.intervals == (Interval(T0, T0),)


def test_one_who_is_lost_while_a_voucher_is_keyed_paid_only_for_what_was_heard() -> None:
    play = topping_up().then(e.MediaLost(Leg.CALLER, T0 + 80_000), e.LegEnded(Leg.CALLER))
    assert settled(play).intervals == (Interval(T0, T0 + 50_000),)


@pytest.mark.parametrize(
    ("lost_ms", "silent_seconds"),
    # Heard last 30 s before, by whole seconds: 31.5 s of silence were paid, 1.5 s, and none.
    [(60_000, 32), (90_000, 2), (91_500, 1), (92_000, 0), (30_000, 61)],
)
def test_silence_in_a_segment_that_is_paid_already_is_given_back(
    lost_ms: int, silent_seconds: int
) -> None:
    play = freeing().then(e.SegmentClosed(61))
    play.then(e.MediaLost(Leg.CALLER, T0 + lost_ms), e.LegEnded(Leg.CALLER))
    assert settled(play).intervals == (Interval(T0, T0 + 61_500),)
    assert settled(play).silent_seconds == silent_seconds
    noted = [one.detail for one in play.did(c.Note) if one.what == "silence given back"]  # type: ignore[attr-defined]
    assert noted == ([{"seconds": silent_seconds}] if silent_seconds else [])


def test_a_segment_that_is_not_paid_yet_is_cut_and_nothing_is_given_back() -> None:
    play = freeing().then(e.MediaLost(Leg.CALLER, T0 + 60_000), e.LegEnded(Leg.CALLER))
    assert settled(play).intervals == (Interval(T0, T0 + 30_000),)
    assert settled(play).silent_seconds == 0


def test_news_of_a_phone_that_was_given_up_or_of_a_call_that_is_settled_mean_nothing() -> None:
    play = talking().then(e.MediaLost(Leg.EXPERT, T0 + 40_000, attempt=7))
    assert play.data.sound_until_ms is None
    assert not settling().then(e.MediaLost(Leg.CALLER, T0 + 70_000)).last
    assert play.at(State.TALKING_PAID)


def test_seconds_are_those_of_asterisks_clock() -> None:
    assert sounding_until_ms(40_999, 30) == sounding_until_ms(40_000, 30) == 10_000
    assert until_silence((Interval(0, 5), Interval(8, 20), Interval(30, 40)), 12) == (
        Interval(0, 5),
        Interval(8, 12),
        Interval(30, 30),
    )


@pytest.mark.parametrize(
    ("given", "silent"),
    [
        ({"cause": 1, "soft": True}, True),
        ({"cause": 32, "soft": True}, False),
        ({"cause": 16}, False),
        # A far end may give this cause: the number isn't assigned.
        ({"cause": 1}, False),
        ({}, False),
    ],
)
def test_only_the_drivers_own_soft_hang_up_tells_of_silence(
    given: dict[str, object], *, silent: bool
) -> None:
    raw = {
        "type": "ChannelHangupRequest",
        "timestamp": "2026-11-22T21:00:00.123+0000",
        "channel": {"id": "c"},
        **given,
    }
    event = parse(raw)
    assert isinstance(event, ChannelSilent) is silent
    assert event is None or silent
