"""On hold: the caller pays for his own, and for the expert's only a moment."""

from ari_app.ari.events import ChannelHold, parse
from ari_app.calls import commands as c
from ari_app.calls import events as e
from ari_app.calls.states import Leg, State
from billing.calls.values import EndReason, Interval
from tests.unit.test_call_machine import (
    T0,
    Play,
    bridge_of,
    free_talk,
    joined,
    joining,
    on_hold,
    out_of,
    talking,
)

HOLD, BACK = e.HoldBegan(Leg.EXPERT, 1), e.HoldEnded(Leg.EXPERT, 1)
PAID = (Interval(T0, T0 + 61_500),)


def test_the_experts_hold_stops_the_meter_after_ten_seconds() -> None:
    play = talking().then(HOLD)
    assert play.did(c.Arm) == [c.Arm("hold", 10_000)]
    assert play.at(State.TALKING_PAID)
    play.then(e.TimerFired("hold"))
    assert play.at(State.ON_HOLD)
    assert play.did(c.DropBridge)
    out_of(play, T0 + 61_500)
    assert play.data.intervals == PAID
    assert play.spoken() == ["expert-holds"]
    assert play.did(c.CloseSegment) == []


def test_the_talk_goes_on_under_the_same_price_when_he_is_back() -> None:
    play = on_hold().then(BACK)
    assert play.at(State.TALKING_PAID)
    assert bridge_of(play).endswith("-paid-2")
    joined(play, T0 + 100_000)
    # 61.5 s of the 300 granted are used; the hold cost nothing.
    assert c.ArmAt("cut", T0 + 100_000 + 238_500 + 40) in play.last


def test_a_short_hold_is_nothing() -> None:
    play = talking().then(HOLD, BACK)
    assert c.Disarm("hold") in play.last
    assert play.at(State.TALKING_PAID)
    # The timer that had fired already is forgotten by the actor; a hold later counts anew.
    assert play.then(HOLD).did(c.Arm) == [c.Arm("hold", 10_000)]


def test_told_twice_or_in_vain_it_changes_nothing() -> None:
    play = talking().then(HOLD)
    assert not play.then(HOLD).last
    assert not talking().then(BACK).last
    play = on_hold().then(HOLD)
    assert not play.last
    play.then(BACK)
    bridge = bridge_of(play)
    assert not play.then(BACK).last
    assert bridge_of(play) == bridge


def test_who_comes_back_while_the_bridge_is_taken_down_talks_on() -> None:
    play = talking().then(HOLD, e.TimerFired("hold"), BACK)
    assert play.at(State.ON_HOLD)
    out_of(play, T0 + 61_500)
    assert play.at(State.TALKING_PAID)
    assert bridge_of(play).endswith("-paid-2")
    assert "expert-holds" not in play.spoken()


def test_a_hold_that_never_ends_ends_the_call_and_was_not_paid() -> None:
    play = on_hold().then(e.TimerFired("state"))
    assert play.did(c.Settle) == [c.Settle(EndReason.HELD_TOO_LONG, PAID, None)]


def test_the_caller_is_told_again_and_again() -> None:
    play = on_hold().said()
    assert play.did(c.Arm) == [c.Arm("please-wait", 10_000)]
    assert play.then(e.TimerFired("please-wait")).spoken() == ["expert-holds"]


def test_the_callers_own_hold_is_paid() -> None:
    play = talking().then(e.HoldBegan(Leg.CALLER))
    assert play.did(c.Arm) == []
    assert play.at(State.TALKING_PAID)


def test_a_hold_from_before_the_talk_counts_from_its_beginning() -> None:
    play = joining().then(HOLD)
    assert play.did(c.Arm) == []
    assert c.Arm("hold", 10_000) in joined(play, T0).last


def test_a_free_talk_has_no_meter_to_stop() -> None:
    assert free_talk().then(HOLD).did(c.Arm) == []


def test_silence_on_hold_lasts_longer_before_it_is_a_loss() -> None:
    play: Play = talking().then(e.HoldBegan(Leg.CALLER), e.MediaLost(Leg.CALLER, T0 + 200_000))
    assert play.data.sound_until_ms == T0 + 20_000


def test_holds_of_a_phone_that_was_given_up_mean_nothing() -> None:
    assert not talking().then(e.HoldBegan(Leg.EXPERT, 7)).last


def test_asterisk_tells_of_both() -> None:
    raw = {"timestamp": "2026-11-22T21:00:00.123+0000", "channel": {"id": "c"}}
    began, ended = (parse({"type": kind, **raw}) for kind in ("ChannelHold", "ChannelUnhold"))
    assert isinstance(began, ChannelHold)
    assert isinstance(ended, ChannelHold)
    assert (began.on, ended.on) == (True, False)
