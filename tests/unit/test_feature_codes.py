"""Keys in a talk: running cost, free minutes, and codes as an operator chooses them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal
from uuid import UUID

import pytest

from ari_app.calls import commands as c
from ari_app.calls import events as e
from ari_app.calls.data import CallData
from ari_app.calls.states import Leg, State
from billing.calls.values import EndReason, Interval
from billing.kit.feature_codes import FeatureCodes
from billing.kit.limits import Limits
from dialplan.prompts.values import Phrase
from tests.unit.test_call_machine import (
    CALL,
    T0,
    Play,
    bridge_of,
    eur,
    free_talk,
    joined,
    out_of,
    talking,
)

TALKED = (Interval(T0, T0 + 61_500),)


def given() -> Play:
    """The expert gave free minutes: both hear it."""
    return out_of(talking().keys("*6", Leg.EXPERT), T0 + 61_500)


def in_free_minutes() -> Play:
    return joined(given().said(Leg.CALLER).said(Leg.EXPERT), T0 + 65_000)


def test_the_caller_alone_hears_what_the_call_costs_by_now() -> None:
    play = talking().keys("*4")
    assert play.did(c.AskCost) == [c.AskCost()]
    play.then(e.CostSoFar(eur(42)))
    assert play.did(c.Say) == [
        c.Say(Leg.CALLER, (Phrase("spent-so-far"), Phrase("amount", eur(42))), play.data.says)
    ]
    assert play.at(State.TALKING_PAID)


def test_a_cost_that_comes_too_late_or_is_none_is_not_told() -> None:
    assert not talking().keys("*4").then(e.CostSoFar(None)).last
    assert not given().then(e.CostSoFar(eur(42))).last
    assert not free_talk().keys("*4").did(c.AskCost)


def test_what_the_caller_hears_gives_way_to_the_warning_a_limit_and_the_end() -> None:
    def telling() -> Play:
        return talking().keys("*4").then(e.CostSoFar(eur(42)))

    play = telling()
    hush = c.Hush(Leg.CALLER, play.data.says)
    grant = play.data.grant
    assert grant is not None
    longer = replace(grant, request_number=1, granted_seconds=600)
    for event in (e.TimerFired("warn"), e.TimerFired("cut"), e.Extended(longer)):
        play = telling().then(event)
        assert play.last.index(hush) < next(
            place
            for place, one in enumerate(play.last)
            if isinstance(one, c.Announce | c.DropBridge | c.LimitTalk)
        )


def test_free_minutes_stop_the_meter_and_leave_price_and_money_as_they_are() -> None:
    play = given()
    assert play.at(State.FREEING)
    assert play.spoken() == play.spoken(Leg.EXPERT) == ["free-minutes"]
    assert not play.did(c.CloseSegment)
    play = in_free_minutes()
    assert play.at(State.TALKING_FREE)
    assert "-free-" in bridge_of(play)
    assert c.ArmAt("cut", T0 + 65_000 + 300_000 + 40) in play.last
    assert play.data.grant is not None


def test_after_the_free_minutes_the_talk_is_paid_again_under_the_same_grant() -> None:
    play = out_of(in_free_minutes().then(e.TimerFired("cut")), T0 + 365_040)
    assert play.spoken() == play.spoken(Leg.EXPERT) == ["paid-again"]
    play.said(Leg.CALLER).said(Leg.EXPERT)
    assert play.at(State.TALKING_PAID)
    assert "-paid-" in bridge_of(play)
    joined(play, T0 + 370_000)
    # 61.5 s of the 300 that were granted are used.
    assert c.ArmAt("cut", T0 + 370_000 - 61_500 + 300_000 + 40) in play.last
    bridge = bridge_of(play)
    play.then(e.Left(Leg.CALLER, bridge, T0 + 380_000), e.Left(Leg.EXPERT, bridge, T0 + 380_001))
    (settle,) = play.did(c.Settle)
    assert isinstance(settle, c.Settle)
    assert settle.intervals == (*TALKED, Interval(T0 + 370_000, T0 + 380_000))


def test_free_minutes_are_no_more_than_the_number_allows_in_all() -> None:
    play = talking()
    assert play.data.number is not None
    play.data = replace(play.data, number=replace(play.data.number, free_limit_seconds=120))
    play = out_of(play.keys("*6", Leg.EXPERT), T0 + 61_500).said(Leg.CALLER).said(Leg.EXPERT)
    assert c.ArmAt("cut", T0 + 65_000 + 120_000 + 40) in joined(play, T0 + 65_000).last
    play = talking()
    play.data = replace(play.data, free_ms=600_000)
    play.keys("*6", Leg.EXPERT)
    assert play.at(State.TALKING_PAID)
    assert play.spoken(Leg.EXPERT) == ["no-free-talk-left"]


def test_in_free_minutes_the_expert_may_stay_free_and_ask_for_nothing_else() -> None:
    play = in_free_minutes().keys("*7", Leg.EXPERT)
    assert play.at(State.TALKING_FREE)
    assert play.spoken(Leg.EXPERT) == ["offer-later"]
    play.keys("*9", Leg.EXPERT)
    assert play.did(c.CloseSegment) == [c.CloseSegment(TALKED)]
    assert play.data.grant is None
    assert c.ArmAt("cut", T0 + 65_000 + 600_000 + 40) in play.last
    # Asterisk's own limit was that of the free minutes.
    assert c.LimitTalk(T0 + 665_000, 0, "free-limit") in play.last
    bridge = bridge_of(play)
    play.then(e.SegmentClosed(61), e.TimerFired("cut"))
    assert play.at(State.STOPPING)
    assert play.data.reason is EndReason.FREE_LIMIT
    assert play.did(c.DropBridge) == [c.DropBridge(bridge)]


@pytest.mark.parametrize(
    ("reach", "to", "result"),
    [
        (talking, "free-minutes", "free-minutes"),
        (in_free_minutes, "free", "back-to-free"),
        (in_free_minutes, "minute", "offer-later"),
        (in_free_minutes, "free-minutes", "not-now"),
        (free_talk, "free-minutes", "not-now"),
        (free_talk, "free", "not-now"),
        (given, "free-minutes", "not-now"),
    ],
)
def test_free_minutes_are_given_by_order_too(
    reach: Callable[[], Play], to: Literal["minute", "free", "free-minutes"], result: str
) -> None:
    order = UUID(int=9)
    play = reach().then(e.SwitchOrdered(order, to))
    assert play.did(c.CloseOrder) == [c.CloseOrder(order, result)]


def test_a_plain_free_talk_knows_neither() -> None:
    for keys in ("*6", "*9"):
        play = free_talk().keys(keys, Leg.EXPERT)
        assert play.at(State.TALKING_FREE)
        assert not play.did(c.Say)


def chosen(codes: FeatureCodes) -> Play:
    play = talking()
    play.data = replace(play.data, codes=codes)
    return play


def test_an_operators_own_codes_count_and_the_usual_ones_are_passed_on() -> None:
    play = chosen(FeatureCodes(top_up="#123", back_to_free="")).keys("*5")
    assert play.did(c.PassOn) == [c.PassOn(Leg.EXPERT, "*5")]
    play.keys("*9", Leg.EXPERT)
    assert play.did(c.PassOn) == [c.PassOn(Leg.CALLER, "*9")]
    play.keys("#12")
    assert not play.did(c.PassOn)
    assert play.keys("3").at(State.TOPPING_UP)


def test_what_begins_a_code_and_does_not_end_it_is_passed_on_whole() -> None:
    play = chosen(FeatureCodes(top_up="*123")).keys("*12")
    assert not play.did(c.PassOn)
    play.then(e.TimerFired("key-caller"))
    assert play.did(c.PassOn) == [c.PassOn(Leg.EXPERT, "*12")]
    assert play.keys("*15").did(c.PassOn) == [c.PassOn(Leg.EXPERT, "*15")]


def test_a_call_begins_with_the_codes_it_is_given() -> None:
    codes = FeatureCodes(top_up="*55")
    assert Play(CallData(CALL, Limits(), codes=codes)).data.codes == codes
