"""Free and paid in turns, and topping up in mid-call: the machine's part, as values."""

from dataclasses import replace
from typing import Literal
from uuid import UUID

import pytest

from ari_app.calls import commands as c
from ari_app.calls import events as e
from ari_app.calls.states import Leg, State
from billing.calls.values import EndReason, Interval
from billing.charging.values import Grant, Quote, Refusal
from billing.pins.values import PinCheck
from billing.tariffs.values import Tariff
from tests.unit.test_call_machine import (
    EXPERT,
    GRANT,
    MENU,
    T0,
    TARIFF,
    Play,
    bridge_of,
    consenting,
    eur,
    free_again,
    free_talk,
    freeing,
    joined,
    joining,
    offering,
    out_of,
    received,
    talking,
    topping_up,
)

CLOSED = (Interval(T0, T0 + 61_500),)
NEXT = Grant(1, 300, 400, final=False, held=eur(600))


def test_back_to_free_takes_the_bridge_down_and_pays_at_once() -> None:
    play = talking()
    bridge = bridge_of(play)
    play.keys("*9", Leg.EXPERT)
    assert play.at(State.FREEING)
    assert play.did(c.DropBridge) == [c.DropBridge(bridge)]
    out_of(play, T0 + 61_500)
    assert play.did(c.CloseSegment) == [c.CloseSegment(CLOSED)]
    assert play.spoken() == play.spoken(Leg.EXPERT) == ["free-from-now"]
    play.said(Leg.CALLER)
    assert play.at(State.FREEING)
    play.said(Leg.EXPERT)
    assert play.at(State.TALKING_FREE)
    assert bridge_of(play).endswith("-free-2")


def test_free_talk_in_mid_call_has_the_free_limit_of_the_number() -> None:
    play = free_again()
    assert c.ArmAt("cut", T0 + 65_000 + 600_000 + 40) in play.last
    # Four minutes of it are used when the caller is asked; what is left counts afterwards.
    out_of(play.keys("*7", Leg.EXPERT), T0 + 65_000 + 240_000).then(e.Quoted(consented_quote()))
    play.said().keys("2").said(Leg.CALLER).said(Leg.EXPERT)
    joined(play, T0 + 400_000)
    assert c.ArmAt("cut", T0 + 400_000 + 360_000 + 40) in play.last


def consented_quote() -> Quote:
    quote = consenting().data.quote
    assert quote is not None
    return quote


def test_the_free_talk_stands_still_while_the_caller_alone_hears_the_price() -> None:
    play = free_again().keys("*7", Leg.EXPERT)
    assert play.did(c.DropBridge)
    assert not play.did(c.AskQuote)
    out_of(play, T0 + 75_000)
    assert play.did(c.AskQuote)
    assert play.spoken(Leg.EXPERT) == ["caller-hears-price"]
    play.then(e.Quoted(consented_quote()))
    assert play.spoken() == ["price", "credit-buys"]
    assert play.said().spoken() == ["press-1-or-2"]


def test_free_seconds_that_an_earlier_paid_talk_has_used_are_not_promised_again() -> None:
    quote = consented_quote()
    quote = replace(quote, tariff=replace(quote.tariff, free_seconds=30))

    def announced(play: Play) -> Tariff:
        play.then(e.Quoted(quote))
        (said,) = [command for command in play.last if isinstance(command, c.Say)]
        tariff = said.phrases[0].value
        assert isinstance(tariff, Tariff)
        return tariff

    before = begun_free()
    assert announced(out_of(before.keys("*7", Leg.EXPERT), T0 + 20_000)).free_seconds == 30
    after = free_again()
    assert announced(out_of(after.keys("*7", Leg.EXPERT), T0 + 75_000)).free_seconds == 0


def test_nothing_is_paid_before_the_money_is_held() -> None:
    play = consenting().said().keys("1")
    assert play.at(State.CONSENTING)
    assert play.did(c.Hold)
    assert not play.did(c.MakeBridge)
    play.keys("1")
    assert not play.last
    play.then(e.Held(NEXT))
    assert play.at(State.TALKING_PAID)
    assert bridge_of(play).endswith("-paid-3")
    joined(play, T0 + 90_000)
    # The new grant counts from its own beginning.
    assert c.ArmAt("cut", T0 + 90_000 + 300_000 + 40) in play.last


def test_a_price_that_was_not_heard_in_full_can_not_be_accepted() -> None:
    assert not consenting().keys("1").last
    play = consenting().said(heard=False).keys("1")
    assert not play.did(c.Hold)
    play.then(e.TimerFired("wait"))
    assert play.at(State.FREEING)
    assert play.spoken(Leg.EXPERT) == ["price-not-possible"]


@pytest.mark.parametrize(
    ("event", "to_expert"),
    [
        (e.TimerFired("wait"), "price-declined"),
        (e.TimerFired("state"), "price-declined"),
        (e.NotGranted(Refusal.CREDIT_TOO_LOW), "price-not-possible"),
        (e.DatabaseAway(), "price-not-possible"),
    ],
)
def test_without_consent_or_money_both_are_told_and_talk_on_free(
    event: e.Event, to_expert: str
) -> None:
    play = consenting().said().then(event)
    assert play.at(State.FREEING)
    assert play.spoken(Leg.EXPERT) == [to_expert]
    assert play.spoken() == ["stays-free"]
    play.said(Leg.CALLER).said(Leg.EXPERT)
    assert play.at(State.TALKING_FREE)


def test_what_may_have_been_held_though_the_database_went_away_is_given_back() -> None:
    play = consenting().said().keys("1").then(e.DatabaseAway())
    assert play.at(State.FREEING)
    assert play.did(c.CloseSegment) == [c.CloseSegment(CLOSED)]


def test_the_database_away_at_the_end_of_a_segment_is_asked_again() -> None:
    play = freeing().then(e.DatabaseAway())
    assert [one.timer for one in play.did(c.Arm) if isinstance(one, c.Arm)] == ["extend"]
    play.said(Leg.CALLER).said(Leg.EXPERT)
    joined(play, T0 + 70_000).then(e.TimerFired("extend"))
    assert play.did(c.CloseSegment) == [c.CloseSegment(CLOSED)]
    play.then(e.SegmentClosed(61), e.TimerFired("extend"))
    assert not play.did(c.CloseSegment)


def test_three_offers_a_call_and_time_between_them() -> None:
    play = free_again()
    for _ in range(3):
        out_of(play.keys("*7", Leg.EXPERT), T0 + 80_000).then(e.Quoted(consented_quote()))
        joined(play.said().keys("2").said(Leg.CALLER).said(Leg.EXPERT), T0 + 80_000)
        assert play.keys("*7", Leg.EXPERT).spoken(Leg.EXPERT) == ["offer-later"]
        assert play.at(State.TALKING_FREE)
        play.then(e.TimerFired("offer"))
    assert play.keys("*7", Leg.EXPERT).spoken(Leg.EXPERT) == ["offer-later"]


def test_where_nobody_can_be_charged_the_expert_is_told_so() -> None:
    play = free_talk().keys("*7", Leg.EXPERT)
    assert play.at(State.TALKING_FREE)
    assert play.spoken(Leg.EXPERT) == ["no-payer"]


def test_who_has_no_free_talk_left_goes_on_paid() -> None:
    play = free_again()
    out_of(play.keys("*7", Leg.EXPERT), T0 + 65_000 + 599_500).then(e.Quoted(consented_quote()))
    joined(play.said().keys("1").then(e.Held(NEXT)), T0 + 700_000)
    play.keys("*9", Leg.EXPERT)
    assert play.at(State.TALKING_PAID)
    assert play.spoken(Leg.EXPERT) == ["no-free-talk-left"]


@pytest.mark.parametrize("leg", list(Leg))
def test_a_hang_up_between_two_talks_settles_what_was_talked(leg: Leg) -> None:
    for play in (consenting(), freeing(), topping_up()):
        attempt = play.data.attempt if leg is Leg.EXPERT else 0
        play.then(e.LegEnded(leg, attempt, 16))
        reason = EndReason.EXPERT_HUNG_UP if leg is Leg.EXPERT else EndReason.CALLER_HUNG_UP
        assert play.did(c.Settle) == [c.Settle(reason, CLOSED, None)]


def test_legs_that_never_leave_are_hung_up_and_paid_by_the_record() -> None:
    play = talking().keys("*9", Leg.EXPERT).then(e.TimerFired("state"))
    assert play.did(c.HangUp) == [c.HangUp(Leg.EXPERT, 1), c.HangUp(Leg.CALLER)]
    (settle,) = play.did(c.Settle)
    assert isinstance(settle, c.Settle)
    assert settle.by_record


# Begun free.


def begun_free() -> Play:
    number = replace(MENU, begins_free=True)
    play = received(number).keys("1234#").then(e.PinChecked(PinCheck.RIGHT))
    assert play.spoken() == ["balance-is", "amount", "free-call", "enter-extension"]
    play.keys("101#").then(e.LookedUp(EXPERT))
    assert play.did(c.Hold) == [c.Hold(EXPERT, paid=False)]
    assert not play.did(c.AskQuote)
    play.then(e.Held(None), e.DialRecorded(1), e.LegReady(1), e.LegUp(1))
    assert play.spoken(Leg.EXPERT) == ["offer-begins-free", "press-1-or-3"]
    return joined(play.keys("1", Leg.EXPERT), T0)


def test_a_known_caller_begins_free_where_the_number_says_so_and_may_be_asked_later() -> None:
    play = begun_free()
    assert play.at(State.TALKING_FREE)
    assert c.ArmAt("cut", T0 + 600_000 + 40) in play.last
    out_of(play.keys("*7", Leg.EXPERT), T0 + 20_000).then(e.Quoted(consented_quote()))
    joined(play.said().keys("1").then(e.Held(NEXT)), T0 + 40_000)
    assert play.at(State.TALKING_PAID)
    out_of(play.then(e.TimerFired("cut")), T0 + 340_040)
    (settle,) = play.did(c.Settle)
    assert isinstance(settle, c.Settle)
    assert settle.intervals == (Interval(T0 + 40_000, T0 + 340_040),)


# By act.

SOLD = replace(TARIFF, price_per_act=eur(2_500), act_maximum_seconds=900).by("act")


def act_proposed() -> Play:
    return out_of(free_again().keys("*8", Leg.EXPERT), T0 + 75_000)


def test_an_act_is_one_price_that_is_said_alone_and_held_before_it_begins() -> None:
    play = act_proposed()
    assert play.did(c.AskQuote) == [c.AskQuote(EXPERT, "act")]
    play.then(e.Quoted(replace(consented_quote(), tariff=SOLD, affordable_seconds=900)))
    assert play.spoken() == ["price"]
    play.said().keys("1")
    assert play.did(c.Hold)
    assert play.at(State.CONSENTING)
    joined(play.then(e.Held(replace(NEXT, granted_seconds=900, final=True))), T0 + 90_000)
    assert play.at(State.TALKING_PAID)
    assert c.ArmAt("cut", T0 + 90_000 + 900_000 + 40) in play.last


def test_who_sells_no_acts_is_told_so_and_the_talk_goes_on_free() -> None:
    play = act_proposed().then(e.NotGranted(Refusal.NO_ACT))
    assert play.at(State.FREEING)
    assert play.spoken(Leg.EXPERT) == ["no-act-price"]


def test_after_an_act_was_declined_the_minute_is_asked_for_as_such() -> None:
    play = act_proposed().then(e.Quoted(replace(consented_quote(), tariff=SOLD)))
    play.said().keys("2").said(Leg.CALLER).said(Leg.EXPERT)
    joined(play, T0 + 80_000).then(e.TimerFired("offer"))
    out_of(play.keys("*7", Leg.EXPERT), T0 + 85_000)
    assert play.did(c.AskQuote) == [c.AskQuote(EXPERT, "minute")]


# By order.

ORDER = UUID(int=9)


def ordered(play: Play, to: Literal["minute", "act", "free"]) -> list[c.Command]:
    return play.then(e.SwitchOrdered(ORDER, to)).did(c.CloseOrder)


def test_an_order_does_what_the_experts_key_does() -> None:
    play = free_again()
    assert ordered(play, "act") == [c.CloseOrder(ORDER, "proposed")]
    assert play.at(State.CONSENTING)
    out_of(play, T0 + 75_000)
    assert play.did(c.AskQuote) == [c.AskQuote(EXPERT, "act")]
    play = talking()
    assert ordered(play, "free") == [c.CloseOrder(ORDER, "back-to-free")]
    assert play.at(State.FREEING)


def test_an_order_that_means_nothing_now_changes_nothing_and_is_told_so() -> None:
    cases: list[tuple[Play, Literal["minute", "act", "free"]]] = [
        (talking(), "minute"),
        (free_again(), "free"),
        (joining(), "free"),
        (consenting(), "minute"),
        (topping_up(), "free"),
        (offering(), "act"),
    ]
    for play, to in cases:
        before = play.data
        assert ordered(play, to) == [c.CloseOrder(ORDER, "not-now")]
        assert play.data == before


def test_an_order_is_bound_by_what_binds_the_key() -> None:
    assert ordered(free_talk(), "minute") == [c.CloseOrder(ORDER, "no-payer")]
    play = free_again()
    play.data = replace(play.data, offer_later=True)
    assert ordered(play, "minute") == [c.CloseOrder(ORDER, "offer-later")]


# Topping up.


def test_the_meter_stands_still_and_goes_on_where_it_was() -> None:
    play = topping_up().keys("1234567812345678")
    assert play.did(c.RedeemVoucher) == [c.RedeemVoucher("1234567812345678")]
    play.then(e.VoucherTaken(eur(500)))
    assert play.spoken() == ["voucher-credited", "amount"]
    play.said()
    assert play.at(State.TALKING_PAID)
    joined(play, T0 + 200_000)
    # 61.5 s of 300 are used; the rest counts from here.
    assert c.ArmAt("cut", T0 + 200_000 + 238_500 + 40) in play.last
    play.then(e.TimerFired("extend"))
    assert play.did(c.Extend) == [c.Extend(GRANT.request_number + 1, T0 + 138_500)]


def test_a_wrong_code_is_asked_again_three_times_in_all() -> None:
    play = topping_up()
    for _ in range(2):
        play.keys("1234567812345678").then(e.VoucherRefused("voucher-unknown"))
        assert play.spoken() == ["voucher-unknown", "enter-voucher"]
    play.keys("1234567812345678").then(e.VoucherRefused("voucher-unknown"))
    assert play.spoken() == ["voucher-unknown"]
    assert play.said().at(State.TALKING_PAID)


def test_too_many_tries_by_the_rules_of_all_vouchers_end_it_at_once() -> None:
    play = topping_up().keys("12#").then(e.VoucherRefused("voucher-tries"))
    assert play.spoken() == ["voucher-tries"]
    assert play.said().at(State.TALKING_PAID)


@pytest.mark.parametrize("way", ["hash", "silence", "too long", "database"])
def test_the_talk_goes_on_without_a_voucher_too(way: str) -> None:
    play = topping_up()
    match way:
        case "hash":
            play.keys("#")
        case "silence":
            play.said().then(e.TimerFired("wait")).said().then(e.TimerFired("wait"))
        case "too long":
            play.keys("12").then(e.TimerFired("state"))
        case _:
            play.keys("12#").then(e.DatabaseAway()).said()
    assert play.at(State.TALKING_PAID)
    assert bridge_of(play).endswith("-paid-2")


def test_the_expert_is_asked_again_and_again_to_hold_the_line() -> None:
    play = topping_up().said(Leg.EXPERT)
    assert play.did(c.Arm) == [c.Arm("please-wait", 10_000)]
    assert play.then(e.TimerFired("please-wait")).spoken(Leg.EXPERT) == ["caller-tops-up"]


# Keys.


@pytest.mark.parametrize(
    ("leg", "keys", "passed"),
    [
        (Leg.CALLER, "5", ["5"]),
        (Leg.CALLER, "*1", ["*1"]),
        (Leg.CALLER, "*9", ["*9"]),
        (Leg.CALLER, "**", ["**"]),
        (Leg.EXPERT, "#", ["#"]),
        (Leg.EXPERT, "*5", ["*5"]),
        (Leg.EXPERT, "*7", []),
        (Leg.EXPERT, "xyz", []),
    ],
)
def test_keys_that_are_no_code_of_his_are_passed_on(leg: Leg, keys: str, passed: list[str]) -> None:
    play = talking().keys(keys, leg)
    other = Leg.EXPERT if leg is Leg.CALLER else Leg.CALLER
    assert play.did(c.PassOn) == [c.PassOn(other, digits) for digits in passed]
    assert play.at(State.TALKING_PAID)


def test_a_star_alone_is_passed_on_after_a_moment() -> None:
    play = talking().keys("*")
    assert not play.did(c.PassOn)
    assert play.then(e.TimerFired("key-caller")).did(c.PassOn) == [c.PassOn(Leg.EXPERT, "*")]
    assert play.keys("5").did(c.PassOn) == [c.PassOn(Leg.EXPERT, "5")]


def test_both_may_key_at_once() -> None:
    play: Play = talking().keys("*").keys("*", Leg.EXPERT).keys("9", Leg.EXPERT)
    assert play.at(State.FREEING)


@pytest.mark.parametrize("paid", [True, False])
def test_a_talk_that_was_interrupted_goes_on_while_the_database_is_away(*, paid: bool) -> None:
    if paid:
        play = topping_up().keys("#").then(e.DatabaseAway())
        play.said(Leg.CALLER).said(Leg.EXPERT)
    else:
        play = freeing().said(Leg.CALLER).said(Leg.EXPERT).then(e.DatabaseAway())
    assert play.at(State.TALKING_PAID if paid else State.TALKING_FREE)
    assert play.did(c.Limit)
    assert play.did(c.Join) == [c.Join(bridge_of(play))]
    # An answer that comes all the same joins nobody twice.
    assert not play.then(e.TalkRecorded(bridge_of(play))).did(c.Join)


def test_a_first_talk_does_not_begin_while_the_database_is_away() -> None:
    play = joining().then(e.DatabaseAway())
    assert play.at(State.SETTLING)
    assert not play.did(c.Join)


def told_late(play: Play, bridge: str) -> Play:
    """Events of an earlier stretch, told again or only now."""
    return play.then(
        *(e.Left(leg, bridge, T0 + 70_000) for leg in (Leg.CALLER, Leg.EXPERT, Leg.CALLER)),
        *(e.Entered(leg, bridge, T0 + 71_000) for leg in (Leg.EXPERT, Leg.CALLER)),
        e.TalkRecorded(bridge),
    )


def test_what_is_told_late_of_the_stretch_before_changes_neither_talk_nor_money() -> None:
    play = free_again()
    before = play.data
    told_late(play, bridge_of(play).replace("-free-2", "-paid-1"))
    assert play.data == before
    assert not play.last


def test_a_clock_set_between_two_stretches_makes_neither_longer() -> None:
    play = topping_up().keys("#").said(Leg.CALLER).said(Leg.EXPERT)
    (first,) = play.data.intervals
    bridge, hour_ms = bridge_of(play), 3_600_000
    play.then(
        e.TalkRecorded(bridge),
        *(e.Entered(leg, bridge, T0 + hour_ms, 100_000) for leg in (Leg.EXPERT, Leg.CALLER)),
    )
    # Set back while they talk: the steady clock has five seconds, Asterisk's none.
    play.then(e.Left(Leg.EXPERT, bridge, T0 + 70_000, 105_000))
    assert play.data.intervals == (first, Interval(T0 + hour_ms, T0 + hour_ms))
