"""The machine's column for premium-rate numbers, driven by plain values."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from ari_app.calls import commands as c
from ari_app.calls import events as e
from ari_app.calls.adopting import adopt, let_go, release
from ari_app.calls.data import CallData, Talk
from ari_app.calls.diagram import required_premium_hang_ups
from ari_app.calls.machine import step
from ari_app.calls.premium_table import PREMIUM, PREMIUM_IMPOSSIBLE
from ari_app.calls.states import Leg, State
from billing.calls.values import EndReason, Interval, Reception
from billing.catalogue.values import Availability, ExpertChoice, Phone, PremiumTerms, ServedNumber
from billing.charging.premium.values import CallBounds, Cap, PremiumPlan
from billing.charging.values import Refusal, Settlement
from billing.kit.limits import Limits
from billing.rulesets.values import SpendNotice
from dialplan.prompts.values import Phrase
from tests.unit.test_call_machine import CALL, CALLER, T0, Play, eur

TERMS = PremiumTerms(
    retail_per_minute=eur(80),
    retail_per_call=eur(0),
    outpayment_per_minute=eur(52),
    outpayment_per_call=eur(0),
    carrier="carrier",
    announced_by="carrier",
    country="FR",
    publisher="Example SARL",
    service="Advice",
    category="advice",
)
OURS = replace(TERMS, announced_by="us")
BOUNDS = CallBounds("FR", 3_600)
PLAN = PremiumPlan(TERMS, BOUNDS, Cap(3_600, "seconds"))
EXPERT = ExpertChoice(
    uuid4(),
    "Ada",
    "101",
    "en",
    Availability.AVAILABLE,
    (Phone(uuid4(), "ada-1"), Phone(uuid4(), "ada-2")),
)
DIRECT = ServedNumber(
    uuid4(), "+33899000001", "direct", "fr", "refuse", 600, True, EXPERT, premium=TERMS
)
MENU = replace(DIRECT, kind="menu", expert=None)
SETTLED = Settlement(
    UUID(CALL), "caller-hung-up", 61, 61, 0, None, None, datetime(2026, 11, 23, tzinfo=UTC)
)
LIMITS = Limits()
STARTS = (c.Answer, c.Lease, c.Join)


def holding(number: ServedNumber = DIRECT) -> Play:
    return Play().then(e.Received(Reception(number, None)))


def with_plan(plan: PremiumPlan) -> Play:
    return holding(replace(DIRECT, premium=plan.terms)).then(e.PremiumHeld(plan))


def ringing(plan: PremiumPlan = PLAN) -> Play:
    return with_plan(plan).then(e.DialRecorded(1), e.LegReady(1))


def offering(plan: PremiumPlan = PLAN) -> Play:
    return ringing(plan).then(e.LegUp(1))


def announcing(plan: PremiumPlan = PLAN) -> Play:
    return offering(plan).keys("1", Leg.EXPERT)


def bridge_of(play: Play) -> str:
    assert play.data.talk is not None
    return play.data.talk.bridge


def joining(plan: PremiumPlan = PLAN) -> Play:
    play = announcing(plan)
    play.then(e.TalkRecorded(bridge_of(play)))
    return play.said(Leg.CALLER).said(Leg.EXPERT)


def talking(plan: PremiumPlan = PLAN) -> Play:
    play = joining(plan).then(e.Answered(T0 - 30))
    bridge = bridge_of(play)
    return play.then(e.Entered(Leg.EXPERT, bridge, T0 - 3), e.Entered(Leg.CALLER, bridge, T0))


def stopping() -> Play:
    return talking().then(e.TimerFired("cut"))


def settling() -> Play:
    play = talking()
    bridge = bridge_of(play)
    return play.then(
        e.Left(Leg.CALLER, bridge, T0 + 61_500),
        e.LegEnded(Leg.CALLER, at_ms=T0 + 61_501),
        e.Left(Leg.EXPERT, bridge, T0 + 61_502),
        e.LegEnded(Leg.EXPERT, 1, 16),
    )


def choosing() -> Play:
    play = holding(MENU).then(e.PremiumHeld(PLAN))
    return play.then(e.Answered(T0))


REACH: dict[State, Callable[[], Play]] = {
    State.HOLDING: holding,
    State.CHOOSING: choosing,
    State.RINGING: ringing,
    State.OFFERING: offering,
    State.ANNOUNCING: announcing,
    State.TALKING_PAID: talking,
    State.STOPPING: stopping,
    State.SETTLING: settling,
}


ENDING = {State.STOPPING, State.SETTLING}
ANSWERED = {State.CHOOSING, State.TALKING_PAID}


@pytest.mark.parametrize("state", list(REACH))
def test_each_state_of_the_column_is_reached_by_its_story(state: State) -> None:
    assert REACH[state]().data.state is state


def test_every_state_of_the_column_has_a_story() -> None:
    assert set(REACH) | {State.OVER} == set(PREMIUM)


def test_every_hang_up_is_in_the_column_or_impossible_with_a_reason() -> None:
    for state, rules in PREMIUM.items():
        for leg in Leg:
            assert (e.LegEnded, leg) in rules or (state, leg) in PREMIUM_IMPOSSIBLE, (state, leg)
    assert len(required_premium_hang_ups()) == 10


@pytest.mark.parametrize(("state", "leg"), required_premium_hang_ups())
def test_a_hang_up_in_any_state_ends_the_call(state: State, leg: Leg) -> None:
    play = REACH[state]()
    before = play.data
    gone = e.LegEnded(leg, play.data.attempt if leg is Leg.EXPERT else 0, 16)
    play.then(gone)
    # A phone that ends while the expert is being rung leads to his next one.
    assert play.at(State.STOPPING) or play.at(State.SETTLING) or play.data.attempt > before.attempt


@pytest.mark.parametrize("plan", [PLAN, replace(PLAN, terms=OURS)])
def test_nothing_is_answered_before_the_expert_accepted_and_the_tone_was_heard(
    plan: PremiumPlan,
) -> None:
    play = holding(replace(DIRECT, premium=plan.terms))
    for event in (e.PremiumHeld(plan), e.DialRecorded(1), e.LegReady(1), e.LegUp(1)):
        assert not play.then(event).did(c.Answer)
    assert play.spoken(Leg.EXPERT) == ["offer-premium", "price", "press-1-or-3"]
    assert not play.keys("1", Leg.EXPERT).did(c.Answer)
    assert not play.then(e.TalkRecorded(bridge_of(play))).did(c.Answer)
    if plan.terms.announced_by == "us":
        assert not play.said(Leg.CALLER).did(c.Answer)
    assert play.spoken() in (["tone"], [])
    assert not play.said(Leg.EXPERT).did(c.Answer)
    play.said(Leg.CALLER)
    kinds = [type(command) for command in play.last if type(command) in STARTS]
    assert kinds == list(STARTS)


def test_the_bridge_must_be_written_before_the_answer() -> None:
    play = announcing().said(Leg.CALLER).said(Leg.EXPERT)
    assert play.at(State.ANNOUNCING)
    assert play.then(e.TalkRecorded(bridge_of(play))).did(c.Answer)


def test_our_own_price_message_is_heard_whole_or_nothing_begins() -> None:
    play = announcing(replace(PLAN, terms=OURS))
    (said,) = [one for one in play.last if isinstance(one, c.Say) and one.leg is Leg.CALLER]
    assert said.phrases == (Phrase("price", OURS.retail),)
    assert play.spoken(Leg.EXPERT) == ["caller-hears-price"]
    play.said(Leg.CALLER, heard=False).then(e.TimerFired("wait"))
    assert play.did(c.HangUp)[0] == c.HangUp(Leg.CALLER, cause=34)


@pytest.mark.parametrize("leg", list(Leg))
def test_a_prompt_that_a_hang_up_broke_off_is_a_hang_up(leg: Leg) -> None:
    play = announcing().said(leg, heard=False)
    assert not play.did(c.HangUp)
    play.said(Leg.EXPERT if leg is Leg.CALLER else Leg.CALLER)
    play.then(e.TalkRecorded(bridge_of(play)))
    assert not play.did(c.Answer)
    play.then(e.LegEnded(leg, 1 if leg is Leg.EXPERT else 0))
    assert play.data.reason is (
        EndReason.CALLER_HUNG_UP if leg is Leg.CALLER else EndReason.EXPERT_HUNG_UP
    )


def test_hash_skips_the_price_only_where_the_rules_allow_it() -> None:
    for skippable in (False, True):
        bounds = replace(BOUNDS, message_skippable=skippable)
        play = announcing(replace(PLAN, terms=OURS, bounds=bounds)).keys("#")
        assert bool(play.did(c.Hush)) is skippable


def test_who_skips_the_message_of_a_menu_hears_the_tone_and_has_the_free_time() -> None:
    bounds = replace(BOUNDS, message_skippable=True, tone_gap_ms=3_000)
    plan = replace(PLAN, terms=OURS, bounds=bounds)
    play = holding(replace(MENU, premium=OURS)).then(e.PremiumHeld(plan)).keys("#")
    assert play.did(c.Hush)
    assert play.said().spoken() == ["tone"]
    assert not play.keys("#").did(c.Hush)[1:]
    assert c.Arm("wait", 3_000) in play.said().last
    assert not play.did(c.Answer)
    assert play.then(e.TimerFired("wait")).did(c.Answer)


def test_the_message_has_every_part_that_the_rules_ask_for_in_their_order() -> None:
    parts = ("provider", "service", "price", "no-transfer-fee", "hang-up-free", "parents")
    play = announcing(replace(PLAN, terms=OURS, bounds=replace(BOUNDS, message=parts)))
    (said,) = [one for one in play.last if isinstance(one, c.Say) and one.leg is Leg.CALLER]
    assert said.phrases == (
        Phrase("provider", "Example SARL"),
        Phrase("service", "Advice"),
        Phrase("price", OURS.retail),
        Phrase("no-transfer-fee"),
        Phrase("hang-up-free"),
        Phrase("parents"),
    )


def test_the_tone_is_followed_by_free_time_where_the_rules_ask_for_it() -> None:
    play = joining(replace(PLAN, bounds=replace(BOUNDS, tone_gap_ms=3_000)))
    assert c.Arm("wait", 3_000) in play.last
    assert not play.did(c.Answer)
    assert play.then(e.TimerFired("wait")).did(c.Answer)


@pytest.mark.parametrize(
    ("availability", "phones", "reason", "cause"),
    [
        (Availability.BUSY, 1, EndReason.EXPERT_BUSY, 17),
        (Availability.AWAY, 1, EndReason.EXPERT_AWAY, 20),
        (Availability.AVAILABLE, 0, EndReason.EXPERT_AWAY, 20),
    ],
)
def test_an_expert_who_cannot_be_reached_is_refused_unanswered_at_once(
    availability: Availability, phones: int, reason: EndReason, cause: int
) -> None:
    expert = replace(EXPERT, availability=availability, phones=EXPERT.phones[:phones])
    play = holding(replace(DIRECT, expert=expert))
    assert play.did(c.HangUp) == [c.HangUp(Leg.CALLER, cause=cause)]
    assert not play.did(c.Say)
    play.then(e.LegEnded(Leg.CALLER, at_ms=T0))
    assert play.did(c.Settle) == [c.Settle(reason, (), None)]
    assert play.then(e.Settled(SETTLED)).at(State.OVER)


@pytest.mark.parametrize(
    ("refusal", "cause"),
    [(Refusal.EXPERT_BUSY, 17), (Refusal.LIMIT_REACHED, 21), (Refusal.NO_TARIFF, 20)],
)
def test_what_the_database_refuses_is_refused_unanswered(refusal: Refusal, cause: int) -> None:
    play = holding().then(e.NotGranted(refusal))
    assert play.did(c.HangUp) == [c.HangUp(Leg.CALLER, cause=cause)]


@pytest.mark.parametrize(
    ("ends", "cause"),
    [
        ([e.LegEnded(Leg.EXPERT, 1, 17), e.DialRecorded(2), e.LegEnded(Leg.EXPERT, 2, 17)], 17),
        ([e.LegEnded(Leg.EXPERT, 1, 21)], 17),
        ([e.LegEnded(Leg.EXPERT, 1, 19), e.DialRecorded(2), e.TimerFired("wait")], 19),
        ([e.LegEnded(Leg.EXPERT, 1, 18), e.DialRecorded(2), e.LegEnded(Leg.EXPERT, 2, 18)], 20),
        ([e.TimerFired("state")], 19),
    ],
)
def test_phones_that_nobody_takes_give_the_caller_busy_or_not_available(
    ends: list[e.Event], cause: int
) -> None:
    play = ringing().then(*ends)
    assert c.HangUp(Leg.CALLER, cause=cause) in play.last
    assert not play.did(c.Answer)


def test_all_before_the_answer_fits_into_the_set_up_time() -> None:
    assert c.Arm("state", LIMITS.premium_setup_ms) in with_plan(PLAN).last
    ours = with_plan(replace(PLAN, terms=OURS))
    assert c.Arm("state", LIMITS.premium_setup_ms - LIMITS.announcing_ms) in ours.last
    gap = replace(PLAN, terms=OURS, bounds=replace(BOUNDS, tone_gap_ms=3_000))
    before_ms = LIMITS.announcing_ms + 3_000
    assert c.Arm("state", LIMITS.premium_setup_ms - before_ms) in with_plan(gap).last
    assert c.Arm("state", before_ms) in announcing(gap).last


def test_the_database_away_refuses_an_unanswered_call_and_leaves_a_talk_alone() -> None:
    play = ringing().then(e.DatabaseAway())
    assert c.HangUp(Leg.CALLER, cause=34) in play.last
    play = talking().then(e.DatabaseAway())
    assert play.at(State.TALKING_PAID)
    assert not play.did(c.HangUp)


@pytest.mark.parametrize("leg", list(Leg))
def test_when_one_side_leaves_the_other_is_hung_up_before_anything_else(leg: Leg) -> None:
    play = talking().then(e.Left(leg, f"{CALL}-paid-1", T0 + 5_000))
    first = next(one for one in play.last if not isinstance(one, c.Disarm))
    assert first == c.HangUp(Leg.CALLER)
    assert c.HangUp(Leg.EXPERT, 1) in play.last
    assert not play.did(c.Say)
    assert not play.did(c.Settle)


def test_the_meter_runs_from_the_answer_to_the_release_and_the_talk_within() -> None:
    play = settling()
    assert play.did(c.Settle) == [
        c.Settle(
            EndReason.CALLER_HUNG_UP,
            (Interval(T0, T0 + 61_500),),
            None,
            meter=Interval(T0 - 30, T0 + 61_501),
        )
    ]
    play.then(e.Settled(SETTLED))
    assert play.at(State.OVER)
    assert not play.did(c.Say)


def test_a_release_that_no_event_told_is_asked_of_asterisks_record() -> None:
    play = stopping()
    for _ in range(3):
        play.then(e.TimerFired("state"))
    (settle,) = play.did(c.Settle)
    assert isinstance(settle, c.Settle)
    assert settle.by_record
    assert settle.meter is None


def test_the_lease_is_renewed_without_the_database_and_never_past_the_cap() -> None:
    play = talking(replace(PLAN, cap=Cap(600, "seconds")))
    assert c.Arm("lease", LIMITS.premium_renew_ms) in play.last
    play.then(e.TimerFired("lease"))
    assert play.last == (c.Lease(T0 - 30 + 600_000), c.Arm("lease", LIMITS.premium_renew_ms))


def test_the_first_lease_of_a_talk_never_outlasts_the_cap_either() -> None:
    play = joining(replace(PLAN, cap=Cap(30, "amount")))
    assert play.did(c.Lease) == [c.Lease(None, most_ms=30_000)]
    menu = choosing().then(e.LookedUp(EXPERT), e.PremiumHeld(PLAN), e.DialRecorded(1))
    menu.then(e.LegReady(1), e.LegUp(1)).keys("1", Leg.EXPERT)
    menu.then(e.TalkRecorded(bridge_of(menu))).said(Leg.EXPERT).said(Leg.CALLER)
    assert menu.did(c.Lease) == [c.Lease(T0 + 3_600_000, most_ms=3_600_000)]


@pytest.mark.parametrize(
    ("cap", "reason"),
    [
        (Cap(600, "seconds"), EndReason.MAXIMUM_REACHED),
        (Cap(600, "amount"), EndReason.LIMIT_REACHED),
    ],
)
def test_a_cap_hangs_both_up_before_the_carrier_counts_a_second_more(
    cap: Cap, reason: EndReason
) -> None:
    play = talking(replace(PLAN, cap=cap))
    assert c.ArmAt("cut", T0 - 30 + 600_000 - LIMITS.premium_cut_before_ms) in play.last
    play.then(e.TimerFired("cut"))
    assert play.did(c.HangUp) == [c.HangUp(Leg.CALLER), c.HangUp(Leg.EXPERT, 1)]
    assert play.data.reason is reason


NOTICES = replace(
    PLAN,
    bounds=replace(
        BOUNDS, notices=(SpendNotice(eur(100), "tell"), SpendNotice(eur(200), "confirm"))
    ),
)


def test_what_was_spent_is_told_and_then_must_be_confirmed_in_time() -> None:
    play = talking(NOTICES)
    assert c.ArmAt("notice", T0 - 30 + 75_000) in play.last
    play.then(e.TimerFired("notice"))
    assert play.did(c.Announce) == [
        c.Announce(bridge_of(play), (Phrase("spent-so-far"), Phrase("amount", eur(100))))
    ]
    assert c.ArmAt("notice", T0 - 30 + 150_000 - LIMITS.premium_confirm_ms) in play.last
    play.then(e.TimerFired("notice"))
    asked = (Phrase("spent-soon"), Phrase("amount", eur(200)), Phrase("press-1-to-go-on"))
    assert play.did(c.Announce)[-1] == c.Announce(bridge_of(play), asked)
    # Without a key the end comes before a second more than the amount is metered.
    assert c.ArmAt("confirm", T0 - 30 + 150_000 - LIMITS.premium_cut_before_ms) in play.last
    assert play.keys("1", Leg.EXPERT).data.confirming
    assert not play.keys("1").data.confirming
    assert c.Disarm("confirm") in play.last


def test_who_does_not_confirm_is_hung_up() -> None:
    play = talking(NOTICES).then(e.TimerFired("notice"), e.TimerFired("notice"))
    play.then(e.TimerFired("confirm"))
    assert play.data.reason is EndReason.NOT_CONFIRMED
    assert play.did(c.HangUp)


def test_both_are_warned_before_the_cap_unless_it_comes_at_once() -> None:
    play = talking()
    warn_ms = T0 - 30 + 3_600_000 - LIMITS.warning_seconds * 1_000
    assert c.ArmAt("warn", warn_ms) in play.last
    play.then(e.TimerFired("warn"))
    assert play.did(c.Announce) == [c.Announce(bridge_of(play), (Phrase("warning"),))]
    assert play.data.state is State.TALKING_PAID
    short = talking(replace(PLAN, cap=Cap(LIMITS.warning_seconds, "seconds")))
    assert "warn" not in {one.timer for one in short.last if isinstance(one, c.ArmAt)}


def test_after_a_restart_the_caller_is_asked_anew_and_has_the_whole_time() -> None:
    play = talking(NOTICES)
    talk = play.data.talk
    assert talk is not None
    play.data, _ = adopt(play.data, talk, 1)
    play.then(e.TimerFired("notice"), e.TimerFired("notice"))
    assert c.Arm("confirm", LIMITS.premium_confirm_ms) in play.last


def test_an_account_of_the_caller_plays_no_part() -> None:
    play = Play().then(e.Received(Reception(DIRECT, CALLER)))
    assert play.data.caller is None
    assert play.did(c.HoldPremium) == [c.HoldPremium(EXPERT)]


@pytest.mark.parametrize("state", [one for one in REACH if one not in ENDING])
def test_an_order_ends_the_call_in_any_state(state: State) -> None:
    cause = None if state in ANSWERED else 21
    assert c.HangUp(Leg.CALLER, cause=cause) in REACH[state]().then(e.EndOrdered()).last


# Menus.


def test_a_menu_is_answered_and_over_within_thirty_seconds() -> None:
    play = holding(MENU).then(e.PremiumHeld(PLAN))
    assert play.did(c.Answer)
    assert c.Arm("menu", 30_000) in play.last
    limits = [one for one in play.did(c.Limit) if isinstance(one, c.Limit)]
    assert [one.farewell for one in limits] == ["silent"]
    assert play.then(e.TimerFired("menu")).data.reason is EndReason.NOTHING_KEYED
    play = choosing().keys("101#").then(e.LookedUp(EXPERT), e.PremiumHeld(PLAN))
    assert play.at(State.RINGING)
    play.then(e.TimerFired("menu"))
    assert play.data.reason is EndReason.EXPERT_NO_ANSWER
    assert c.HangUp(Leg.CALLER) in play.last


def test_our_price_message_comes_before_the_answer_of_a_menu_too() -> None:
    plan = replace(PLAN, terms=OURS)
    play = holding(replace(MENU, premium=OURS)).then(e.PremiumHeld(plan))
    assert not play.did(c.Answer)
    assert play.spoken() == ["price"]
    assert play.said().spoken() == ["tone"]
    assert play.said().did(c.Answer)
    play.keys("101#").then(
        e.LookedUp(EXPERT), e.PremiumHeld(plan), e.DialRecorded(1), e.LegReady(1), e.LegUp(1)
    )
    play.keys("1", Leg.EXPERT)
    assert play.spoken() == ["tone"]
    play.then(e.TalkRecorded(bridge_of(play))).said(Leg.CALLER).said(Leg.EXPERT)
    assert not play.did(c.Answer)
    assert play.did(c.Join)


def test_a_menu_whose_expert_is_busy_says_one_sentence_and_ends() -> None:
    busy = replace(EXPERT, availability=Availability.BUSY)
    play = choosing().keys("101#").then(e.LookedUp(busy))
    assert play.spoken() == ["expert-not-free"]
    assert play.said().data.reason is EndReason.EXPERT_BUSY
    assert play.did(c.HangUp) == [c.HangUp(Leg.CALLER)]


# After a restart.


def test_a_talk_is_adopted_with_a_new_lease() -> None:
    bridge = f"{CALL}-paid-1"
    data = CallData(CALL, LIMITS, number=DIRECT, premium=PLAN, expert_up=True, attempt=1)
    talk = Talk(bridge, True, from_ms=T0, inside=frozenset(Leg), written=True, limited=True)
    adopted, commands = adopt(data, talk, 1)
    assert adopted.state is State.TALKING_PAID
    assert adopted.answered_ms == T0
    assert c.Lease(T0 + 3_600_000) in commands
    assert c.Arm("lease", LIMITS.premium_renew_ms) in commands
    after, commands = step(adopted, e.Left(Leg.EXPERT, bridge, T0 + 9_000))
    assert after.state is State.STOPPING
    assert c.HangUp(Leg.CALLER) in commands


def test_a_call_without_a_talk_is_let_go_unanswered_and_without_a_word() -> None:
    data = CallData(CALL, LIMITS, number=DIRECT, premium=PLAN, expert_up=True, attempt=1)
    _, commands = let_go(data)
    assert [one for one in commands if isinstance(one, c.HangUp)] == [
        c.HangUp(Leg.CALLER, cause=34),
        c.HangUp(Leg.EXPERT, 1),
    ]
    assert not [one for one in commands if isinstance(one, c.Say)]


def test_a_caller_left_alone_is_hung_up_and_settled_by_the_record() -> None:
    data = CallData(CALL, LIMITS, number=DIRECT, premium=PLAN, answered=True, answered_ms=None)
    after, commands = release(data, EndReason.EXPERT_HUNG_UP)
    assert c.HangUp(Leg.CALLER) in commands
    _, commands = step(after, e.LegEnded(Leg.CALLER, at_ms=T0))
    (settle,) = [one for one in commands if isinstance(one, c.Settle)]
    assert settle.by_record
