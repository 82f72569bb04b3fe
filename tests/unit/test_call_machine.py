"""The call machine driven by plain values: no clock, no Asterisk, no database."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from ari_app.calls import commands as c
from ari_app.calls import events as e
from ari_app.calls.adopting import adopt, let_go, release
from ari_app.calls.data import CallData, Talk
from ari_app.calls.machine import IMPOSSIBLE, TABLE, IllegalEvent, begin, step
from ari_app.calls.states import Leg, State
from billing.accounts.values import Identified
from billing.calls.values import EndReason, Interval, NoPayer, Reception
from billing.catalogue.values import Availability, ExpertChoice, Phone, ServedNumber
from billing.charging.values import Grant, Quote, Refusal, Settlement
from billing.kit.limits import Limits
from billing.money.values import Money
from billing.pins.values import PinCheck
from billing.shares.values import ShareRule, Split
from billing.tariffs.values import Tariff

CALL = "019f0000-0000-7000-8000-000000000001"


def eur(cents: int) -> Money:
    return Money.of_minor(cents, "EUR")


TARIFF = Tariff(
    price_per_minute=eur(120), connect_fee=eur(0), minimum_charge=eur(0), maximum_charge=None
)
EXPERT = ExpertChoice(
    uuid4(),
    "Ada",
    "101",
    "en",
    Availability.AVAILABLE,
    (Phone(uuid4(), "ada-1"), Phone(uuid4(), "ada-2")),
)
MENU = ServedNumber(uuid4(), "+33199000001", "menu", "en", "refuse", 600, True, None)
DIRECT = replace(MENU, kind="direct", expert=EXPERT)
CALLER = Identified(uuid4(), "en", pin_needed=True, locked=False, available=eur(1000))
QUOTE = Quote(TARIFF, ShareRule(), eur(1000), 500, price_known=False)
GRANT = Grant(0, 300, 500, final=False, held=eur(600))
SETTLED = Settlement(
    UUID(CALL),
    "caller-hung-up",
    61,
    61,
    0,
    Split(eur(122), eur(20), eur(71), eur(31)),
    eur(878),
    datetime(2026, 11, 22, tzinfo=UTC),
)
T0 = 1_700_000_000_000


class Play:
    """A call under test: `then` feeds events and keeps the last commands."""

    def __init__(self, data: CallData | None = None) -> None:
        self.data, self.last = begin(data or CallData(CALL, Limits()))

    def at(self, state: State) -> bool:
        return self.data.state is state

    def then(self, *events: e.Event) -> "Play":
        collected: list[c.Command] = []
        for event in events:
            self.data, commands = step(self.data, event)
            collected.extend(commands)
        self.last = tuple(collected)
        return self

    def said(self, leg: Leg = Leg.CALLER, *, heard: bool = True) -> "Play":
        number = self.data.playback(leg)
        assert number is not None, f"{leg} hears nothing"
        return self.then(e.Said(leg, number, heard))

    def keys(self, digits: str, leg: Leg = Leg.CALLER) -> "Play":
        attempt = self.data.attempt if leg is Leg.EXPERT else 0
        return self.then(*(e.Key(leg, digit, attempt) for digit in digits))

    def did(self, kind: type[c.Command]) -> list[c.Command]:
        return [command for command in self.last if isinstance(command, kind)]

    def spoken(self, leg: Leg = Leg.CALLER) -> list[str]:
        return [
            phrase.id
            for command in self.last
            if isinstance(command, c.Say) and command.leg is leg
            for phrase in command.phrases
        ]


def received(number: ServedNumber | None = MENU, caller: Identified | None = CALLER) -> Play:
    return Play().then(e.Received(Reception(number, caller)))


def choosing() -> Play:
    return received().keys("1234#").then(e.PinChecked(PinCheck.RIGHT))


def quoting() -> Play:
    return choosing().keys("101#").then(e.LookedUp(EXPERT), e.Quoted(QUOTE))


def holding() -> Play:
    return quoting().said().keys("1")


def ringing() -> Play:
    return holding().then(e.Held(GRANT), e.DialRecorded(1), e.LegReady(1))


def offering() -> Play:
    return ringing().then(e.LegUp(1))


def joining() -> Play:
    return offering().keys("1", Leg.EXPERT)


def talking() -> Play:
    play = joining()
    assert play.data.talk is not None
    bridge = play.data.talk.bridge
    play.said(Leg.CALLER).said(Leg.EXPERT).then(e.TalkRecorded(bridge))
    return play.then(e.Entered(Leg.EXPERT, bridge, T0 - 3), e.Entered(Leg.CALLER, bridge, T0))


def bridge_of(play: Play) -> str:
    assert play.data.talk is not None
    return play.data.talk.bridge


def stopping() -> Play:
    return talking().then(e.TimerFired("cut"))


def settling() -> Play:
    play = talking()
    bridge = bridge_of(play)
    return play.then(
        e.Left(Leg.CALLER, bridge, T0 + 61_500),
        e.LegEnded(Leg.CALLER),
        e.Left(Leg.EXPERT, bridge, T0 + 61_501),
    )


def aftercare() -> Play:
    return settling().then(e.Settled(SETTLED))


def goodbye() -> Play:
    return received(caller=None).then(e.Settled(replace(SETTLED, split=None)))


def ending() -> Play:
    return goodbye().said()


def free_talk() -> Play:
    number = replace(MENU, without_payer="free")
    play = (
        received(number, None)
        .keys("101#")
        .then(e.LookedUp(EXPERT), e.Held(None), e.DialRecorded(1), e.LegReady(1), e.LegUp(1))
    )
    play.keys("1", Leg.EXPERT)
    bridge = bridge_of(play)
    return play.then(
        e.TalkRecorded(bridge),
        e.Entered(Leg.EXPERT, bridge, T0 - 3),
        e.Entered(Leg.CALLER, bridge, T0),
    )


def out_of(play: Play, at_ms: int) -> Play:
    """Both legs leave the bridge that was just taken down."""
    bridge = bridge_of(play)
    return play.then(e.Left(Leg.EXPERT, bridge, at_ms), e.Left(Leg.CALLER, bridge, at_ms))


def freeing() -> Play:
    return out_of(talking().keys("*9", Leg.EXPERT), T0 + 61_500)


def free_again() -> Play:
    play = freeing().then(e.SegmentClosed(61)).said(Leg.CALLER).said(Leg.EXPERT)
    return joined(play, T0 + 65_000)


def joined(play: Play, at_ms: int) -> Play:
    bridge = bridge_of(play)
    if play.data.talk is not None and play.data.talk.tones:
        play.said(Leg.CALLER).said(Leg.EXPERT)
    return play.then(
        e.TalkRecorded(bridge),
        e.Entered(Leg.EXPERT, bridge, at_ms),
        e.Entered(Leg.CALLER, bridge, at_ms),
    )


def consenting() -> Play:
    play = out_of(free_again().keys("*7", Leg.EXPERT), T0 + 75_000)
    return play.then(e.Quoted(QUOTE))


def topping_up() -> Play:
    return out_of(talking().keys("*5"), T0 + 61_500)


def on_hold() -> Play:
    play = talking().then(e.HoldBegan(Leg.EXPERT, 1), e.TimerFired("hold"))
    return out_of(play, T0 + 61_500)


REACH: dict[State, Callable[[], Play]] = {
    State.RECEIVED: Play,
    State.IDENTIFYING: received,
    State.CHOOSING: choosing,
    State.QUOTING: quoting,
    State.HOLDING: holding,
    State.RINGING: ringing,
    State.OFFERING: offering,
    State.TALKING_FREE: free_talk,
    State.TALKING_PAID: talking,
    State.CONSENTING: consenting,
    State.FREEING: freeing,
    State.TOPPING_UP: topping_up,
    State.ON_HOLD: on_hold,
    State.STOPPING: stopping,
    State.SETTLING: settling,
    State.AFTERCARE: aftercare,
    State.GOODBYE: goodbye,
    State.ENDING: ending,
}


@pytest.mark.parametrize("state", list(REACH))
def test_each_state_is_reached_by_its_story(state: State) -> None:
    assert REACH[state]().data.state is state


def test_every_state_has_a_story() -> None:
    assert set(REACH) | {State.OVER} == set(TABLE)


@pytest.mark.parametrize("leg", list(Leg))
@pytest.mark.parametrize("state", list(REACH))
def test_a_hang_up_in_any_state_ends_the_call_or_is_impossible(state: State, leg: Leg) -> None:
    play = REACH[state]()
    gone = e.LegEnded(leg, play.data.attempt if leg is Leg.EXPERT else 0, 16)
    if (state, leg) in IMPOSSIBLE:
        up = play.data.expert_up if leg is Leg.EXPERT else play.data.caller_up
        assert state is State.ENDING or not up
        return
    assert (e.LegEnded, leg) in TABLE[state]
    before = play.data
    play.then(gone)
    up = play.data.expert_up if leg is Leg.EXPERT else play.data.caller_up
    # A phone that ends while the expert is being rung leads to his next one.
    assert not up or play.data.attempt > before.attempt or play.data.phone > before.phone


def test_every_hang_up_is_in_the_table_or_impossible_with_a_reason() -> None:
    for state in TABLE:
        for leg in Leg:
            assert (e.LegEnded, leg) in TABLE[state] or (state, leg) in IMPOSSIBLE, (state, leg)


def test_an_illegal_event_raises_and_changes_nothing() -> None:
    play = choosing()
    before = play.data
    with pytest.raises(IllegalEvent, match="LegEnded can't happen while choosing"):
        step(replace(before, expert_up=True), e.LegEnded(Leg.EXPERT))
    assert play.data is before


def test_a_caller_who_hangs_up_before_he_is_looked_up_is_no_fault() -> None:
    play = Play().then(e.LegEnded(Leg.CALLER))
    before = play.data
    assert play.then(e.Received(Reception(MENU, CALLER))).data is before


def test_no_late_answer_lets_a_caller_past_his_pin() -> None:
    for answer in (
        e.LookedUp(EXPERT),
        e.Quoted(QUOTE),
        e.Held(GRANT),
        e.Received(Reception(MENU, None)),
    ):
        play = received()
        before = play.data
        assert play.then(answer).data is before
        assert not play.last


def test_an_unknown_number_is_told_unanswered_and_refused_by_cause_1() -> None:
    play = received(None, None)
    assert not play.did(c.Answer)
    play.then(e.Settled(replace(SETTLED, split=None)))
    assert play.spoken() == ["number-unknown"]
    play.said()
    assert play.did(c.HangUp) == [c.HangUp(Leg.CALLER, cause=1)]


def test_an_unknown_caller_is_told_so_where_nobody_else_pays() -> None:
    play = received(caller=None)
    assert play.data.reason is EndReason.CALLER_UNKNOWN
    assert play.did(c.Settle) == [c.Settle(EndReason.CALLER_UNKNOWN, (), NoPayer.CALLER_UNKNOWN)]
    play.then(e.Settled(replace(SETTLED, split=None)))
    assert "caller-unknown" in play.spoken()


def test_a_free_talk_has_no_tone_no_meter_and_a_zero_line_with_its_reason() -> None:
    play = free_talk()
    assert play.data.talk is not None
    assert not play.data.talk.paid
    assert "-free-" in play.data.talk.bridge
    bridge = bridge_of(play)
    play.then(
        e.TimerFired("cut"), e.Left(Leg.EXPERT, bridge, T0 + 9), e.Left(Leg.CALLER, bridge, T0 + 9)
    )
    assert play.did(c.Settle) == [c.Settle(EndReason.FREE_LIMIT, (), NoPayer.CALLER_UNKNOWN)]


def test_three_wrong_pins_end_the_call() -> None:
    play = received()
    for _ in range(2):
        play.keys("0000#").then(e.PinChecked(PinCheck.WRONG))
        assert play.spoken() == ["wrong-pin", "enter-pin"]
    play.keys("0000#").then(e.PinChecked(PinCheck.WRONG))
    assert play.data.reason is EndReason.PIN_WRONG
    assert play.data.state is State.SETTLING


def test_a_pin_never_shows_in_a_repr() -> None:
    play = received().keys("83649#")
    assert play.did(c.CheckPin) == [c.CheckPin("83649")]
    shown = repr(play.last) + repr(e.Key(Leg.CALLER, "8")) + repr(play.data)
    assert "83649" not in shown
    assert "'8'" not in shown


def test_silence_after_some_keys_takes_them_as_the_extension() -> None:
    play = choosing().said().keys("10").then(e.TimerFired("wait"))
    assert play.did(c.LookUp) == [c.LookUp(MENU, "10")]


def test_three_unknown_extensions_end_the_call() -> None:
    play = choosing()
    for _ in range(2):
        play.keys("999#").then(e.LookedUp(None))
        assert play.spoken() == ["unknown-extension", "enter-extension"]
    play.keys("999#").then(e.LookedUp(None))
    assert play.data.reason is EndReason.EXTENSION_UNKNOWN


def test_consent_counts_only_once_the_whole_price_was_heard() -> None:
    play = quoting().keys("1#")
    assert play.at(State.QUOTING)
    assert not play.last
    play.said()
    assert play.spoken() == ["press-1-to-accept"]
    assert play.keys("1").data.state is State.HOLDING


def test_a_price_known_may_be_skipped_with_hash_and_accepted_at_once() -> None:
    known = e.Quoted(replace(QUOTE, price_known=True))
    skipped = choosing().keys("101#").then(e.LookedUp(EXPERT), known).keys("#")
    assert skipped.spoken() == ["press-1-to-accept"]
    at_once = choosing().keys("101#").then(e.LookedUp(EXPERT), known).keys("1")
    assert at_once.data.state is State.HOLDING


def test_a_price_that_could_not_be_played_is_never_charged() -> None:
    play = quoting().said(heard=False).keys("1").then(e.TimerFired("wait"))
    assert play.data.reason is EndReason.SERVICE_DOWN


def test_who_hangs_up_while_the_price_is_said_has_hung_up() -> None:
    play = quoting().said(heard=False).then(e.LegEnded(Leg.CALLER))
    assert play.data.reason is EndReason.CALLER_HUNG_UP


@pytest.mark.parametrize("leg", list(Leg))
def test_who_hangs_up_in_the_start_tone_has_hung_up(leg: Leg) -> None:
    play = joining().said(leg, heard=False)
    play.said(Leg.EXPERT if leg is Leg.CALLER else Leg.CALLER).then(e.TalkRecorded(bridge_of(play)))
    assert not play.did(c.Join)
    play.then(e.LegEnded(leg, 1 if leg is Leg.EXPERT else 0))
    assert play.data.reason is (
        EndReason.CALLER_HUNG_UP if leg is Leg.CALLER else EndReason.EXPERT_HUNG_UP
    )


def test_a_start_tone_that_could_not_be_played_costs_nothing() -> None:
    play = joining().said(Leg.EXPERT, heard=False).then(e.TimerFired("wait"))
    (settle,) = play.did(c.Settle)
    assert isinstance(settle, c.Settle)
    assert (settle.reason, settle.intervals) == (EndReason.SERVICE_DOWN, ())


def test_silence_after_the_price_says_it_twice_in_all() -> None:
    play = quoting().said().said().then(e.TimerFired("wait"))
    assert play.spoken() == ["expert-name", "price", "credit-buys"]
    play.said().said().then(e.TimerFired("wait"))
    assert play.data.reason is EndReason.NOT_CONFIRMED


def test_while_the_price_is_said_again_it_may_be_accepted() -> None:
    play = quoting().said().said().then(e.TimerFired("wait"))
    assert play.keys("1").at(State.HOLDING)


@pytest.mark.parametrize("refusal", list(Refusal))
def test_no_hold_is_told_and_another_expert_may_be_chosen(refusal: Refusal) -> None:
    play = holding().then(e.NotGranted(refusal))
    assert play.data.state is State.CHOOSING
    assert play.did(c.Release)
    assert play.spoken()[-1] == "enter-extension"


def test_a_price_beyond_what_the_number_alone_may_spend_asks_for_the_pin_then_quotes_again() -> (
    None
):
    known = replace(CALLER, pin_needed=False)
    for reach in (e.LookedUp(EXPERT),), (e.LookedUp(EXPERT), e.Quoted(QUOTE)):
        play = received(caller=known).keys("101#").then(*reach)
        if len(reach) == 2:
            play.said().said().keys("1")
        play.then(e.NotGranted(Refusal.NUMBER_ALONE_LIMIT))
        assert play.at(State.IDENTIFYING)
        assert play.spoken() == ["number-alone-limit-reached", "enter-pin"]
        play.keys("4711#").then(e.PinChecked(PinCheck.RIGHT))
        assert play.at(State.QUOTING)
        assert play.did(c.AskQuote) == [c.AskQuote(EXPERT)]
        play.then(e.NotGranted(Refusal.NUMBER_ALONE_LIMIT))
        assert play.at(State.CHOOSING)


@pytest.mark.parametrize(
    "limit", [one for one in Refusal if str(one).endswith("-limit-reached")], ids=str
)
def test_a_talk_cut_at_a_spending_limit_is_told_which_and_not_that_credit_is_used_up(
    limit: Refusal,
) -> None:
    play = talking()
    play.data = replace(play.data, grant=Grant(0, 25, 25, final=True, held=eur(50), limit=limit))
    bridge = bridge_of(play)
    play.then(e.TimerFired("cut"))
    play.then(e.Left(Leg.EXPERT, bridge, T0 + 25_041), e.Left(Leg.CALLER, bridge, T0 + 25_041))
    assert play.data.reason is EndReason(limit.value)
    play.then(e.Settled(SETTLED))
    assert play.spoken()[0] == str(limit)
    assert play.spoken(Leg.EXPERT)[0] == "caller-limit-reached"


def test_a_caller_who_hangs_up_after_a_refusal_is_recorded_with_it() -> None:
    play = holding().then(e.NotGranted(Refusal.EXPERT_BUSY), e.LegEnded(Leg.CALLER))
    assert play.data.reason is EndReason.EXPERT_BUSY


def test_a_direct_number_needs_no_extension_and_ends_where_there_is_no_talk() -> None:
    play = received(DIRECT, replace(CALLER, pin_needed=False))
    assert play.spoken() == ["welcome", "balance-is", "amount"]
    play.said()
    assert play.at(State.QUOTING)
    play.then(e.NotGranted(Refusal.CREDIT_TOO_LOW), e.Settled(replace(SETTLED, split=None)))
    assert play.at(State.GOODBYE)
    assert "credit-too-low" in play.spoken()


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (17, "expert-busy"),
        (19, "expert-no-answer"),
        (21, "expert-refused"),
        (20, "expert-unreachable"),
        (None, "expert-unreachable"),
    ],
)
def test_the_last_phones_cause_is_what_the_caller_hears(cause: int | None, reason: str) -> None:
    play = ringing()
    if reason != "expert-refused":
        play.then(e.LegEnded(Leg.EXPERT, 1, 17), e.DialRecorded(2), e.LegReady(2))
        play.then(e.LegEnded(Leg.EXPERT, 2, cause))
    else:
        play.then(e.LegEnded(Leg.EXPERT, 1, cause))
    assert play.spoken() == [reason, "enter-extension"]
    assert play.data.state is State.CHOOSING


def test_a_phone_has_a_switch_for_its_ringing_alone_and_a_new_one_once_it_answers() -> None:
    play = holding().then(e.Held(GRANT), e.DialRecorded(1))
    limits = Limits()
    (made,) = play.did(c.CreateLeg)
    assert isinstance(made, c.CreateLeg)
    assert made.for_ms == limits.ringing_phone_ms + limits.grace_ms
    play.then(e.LegReady(1), e.LegUp(1))
    setup_ms = limits.ringing_and_offering_ms + limits.grace_ms
    assert c.Limit((Leg.EXPERT,), setup_ms) in play.last


def test_an_old_phones_end_means_nothing_while_the_next_one_rings() -> None:
    play = ringing().then(e.TimerFired("wait"), e.DialRecorded(2), e.LegReady(2))
    before = play.data
    play.then(e.LegEnded(Leg.EXPERT, 1, 16))
    assert play.data == before


def test_what_failed_for_an_old_phone_does_not_end_the_next_one() -> None:
    play = ringing().then(e.LegEnded(Leg.EXPERT, 1, 17))
    before = play.data
    play.then(e.CommandFailed(Leg.EXPERT, "DialLeg", 1))
    assert play.data == before
    assert play.then(e.DialRecorded(1)).did(c.CreateLeg) == []
    assert len(play.then(e.DialRecorded(2)).did(c.CreateLeg)) == 1


def test_a_channel_made_after_its_phone_was_given_up_is_hung_up() -> None:
    play = ringing().then(e.TimerFired("wait"), e.DialRecorded(2), e.LegReady(1))
    assert play.did(c.HangUp)[-1] == c.HangUp(Leg.EXPERT, 1)
    assert not play.did(c.DialLeg)


def test_a_key_of_an_old_phone_does_not_accept_for_the_next_one() -> None:
    play = ringing().then(e.LegEnded(Leg.EXPERT, 1, 17), e.DialRecorded(2), e.LegUp(2))
    assert play.at(State.OFFERING)
    assert play.then(e.Key(Leg.EXPERT, "1", attempt=1)).data.state is State.OFFERING


@pytest.mark.parametrize("key", list("024567890*#ABCD"))
def test_no_other_key_accepts_an_offer(key: str) -> None:
    play = offering().keys(key, Leg.EXPERT).keys("1", Leg.CALLER)
    assert play.data.state is State.OFFERING


def test_a_voicemail_says_nothing_that_accepts() -> None:
    play = offering().said(Leg.EXPERT).then(e.TimerFired("wait")).said(Leg.EXPERT)
    play.then(e.TimerFired("wait"))
    assert play.did(c.HangUp) == [c.HangUp(Leg.EXPERT, 1)]
    assert play.did(c.RecordDial) == [c.RecordDial(2, EXPERT.phones[1])]


def test_a_refusal_leaves_the_experts_other_phones_in_peace() -> None:
    play = offering().keys("3", Leg.EXPERT)
    assert play.spoken() == ["expert-refused", "enter-extension"]
    assert not play.did(c.RecordDial)


def test_the_legs_join_only_after_both_tones_the_record_and_the_limit() -> None:
    play = joining()
    bridge = bridge_of(play)
    assert play.spoken(Leg.EXPERT) == ["tone"]
    assert not play.said(Leg.CALLER).did(c.Join)
    assert not play.then(e.TalkRecorded(bridge)).did(c.Join)
    play.said(Leg.EXPERT)
    assert [type(command) for command in play.last] == [c.Limit, c.Join]
    assert play.did(c.Limit) == [c.Limit((Leg.EXPERT, Leg.CALLER), 302_000, "credit")]


def test_the_meter_starts_with_the_second_legs_entry() -> None:
    play = talking()
    assert play.data.talk is not None
    assert play.data.talk.from_ms == T0
    assert c.ArmAt("cut", T0 + 300_040) in play.last
    assert c.ArmAt("extend", T0 + 150_000) in play.last
    assert c.Disarm("warn") in play.last


def test_a_longer_grant_counts_only_once_asterisk_has_confirmed_it() -> None:
    play = talking().then(e.TimerFired("extend"))
    assert play.did(c.Extend) == [c.Extend(1, T0)]
    longer = Grant(1, 450, 500, final=False, held=eur(900))
    play.then(e.Extended(longer))
    assert play.did(c.LimitTalk) == [c.LimitTalk(T0 + 450_000, 450)]
    assert not play.did(c.ArmAt)
    play.then(e.LimitSet(450))
    assert c.ArmAt("cut", T0 + 450_040) in play.last
    assert c.ArmAt("warn", T0 + 440_000) in play.last


def test_a_warning_that_was_given_is_given_again_after_a_top_up_from_outside() -> None:
    play = talking()
    final = Grant(0, 200, 200, final=True, held=eur(400))
    play.then(e.TimerFired("extend"), e.Extended(final), e.LimitSet(200))
    assert play.then(e.TimerFired("warn")).did(c.Announce)
    play.then(e.AvailableRose(7))
    play.then(e.Extended(Grant(1, 400, 400, final=True, held=eur(800))), e.LimitSet(400))
    assert c.ArmAt("warn", T0 + 340_000) in play.last
    assert play.then(e.TimerFired("warn")).did(c.Announce)


def test_a_final_grant_is_asked_again_only_when_more_is_available() -> None:
    play = talking().then(
        e.TimerFired("extend"),
        e.Extended(Grant(1, 450, 450, final=True, held=eur(900))),
        e.LimitSet(450),
    )
    assert not play.then(e.TimerFired("extend")).did(c.Extend)
    assert play.then(e.AvailableRose(7)).did(c.Extend) == [c.Extend(2, T0)]


def test_money_that_came_before_the_extension_is_seen_at_it() -> None:
    final = Grant(0, 200, 200, final=True, held=eur(400))
    play = talking()
    play.data = replace(play.data, grant=final)
    assert not play.then(e.AvailableRose(7)).did(c.Extend)
    assert play.then(e.TimerFired("extend")).did(c.Extend)


def final_at_its_extension() -> Play:
    play = talking()
    play.data = replace(play.data, grant=Grant(0, 200, 200, final=True, held=eur(400)))
    return play.then(e.TimerFired("extend"), e.AvailableRose(7))


def test_money_that_comes_while_a_longer_grant_is_asked_for_is_asked_for_after_it() -> None:
    play = final_at_its_extension()
    assert play.did(c.Extend) == [c.Extend(1, T0)]
    # The same request again would only get its first answer.
    assert not play.then(e.AvailableRose(8)).did(c.Extend)
    play.then(e.Extended(Grant(1, 200, 200, final=True, held=eur(400))))
    assert play.did(c.Extend) == [c.Extend(2, T0)]


def test_money_that_comes_while_a_longer_grant_is_confirmed_is_not_forgotten() -> None:
    play = final_at_its_extension()
    longer = e.Extended(Grant(1, 250, 250, final=True, held=eur(500)))
    play.then(longer, e.AvailableRose(8), e.LimitSet(250))
    assert not play.did(c.Extend)
    assert play.then(e.TimerFired("extend")).did(c.Extend) == [c.Extend(2, T0)]


def test_a_final_grant_that_rose_is_asked_for_again_after_the_database_was_away() -> None:
    play = final_at_its_extension().then(e.DatabaseAway())
    assert play.then(e.TimerFired("extend")).did(c.Extend) == [c.Extend(1, T0)]


def test_a_longer_grant_that_asterisk_did_not_confirm_is_asked_for_again() -> None:
    play = talking().then(e.TimerFired("extend"))
    play.then(e.Extended(Grant(1, 450, 500, final=False, held=eur(900))))
    play.then(e.CommandFailed(Leg.CALLER, "Limit"))
    assert c.Arm("extend", 5_000) in play.last
    assert play.then(e.TimerFired("extend")).did(c.Extend) == [c.Extend(1, T0)]
    play.then(e.Extended(Grant(1, 450, 500, final=False, held=eur(900))), e.LimitSet(450))
    assert c.ArmAt("cut", T0 + 450_040) in play.last


def test_the_cut_is_one_request_and_both_are_told() -> None:
    play = talking()
    play.data = replace(play.data, grant=Grant(0, 25, 25, final=True, held=eur(50)))
    bridge = bridge_of(play)
    play.then(e.TimerFired("cut"))
    assert play.did(c.DropBridge) == [c.DropBridge(bridge)]
    play.then(e.Left(Leg.EXPERT, bridge, T0 + 25_041), e.Left(Leg.CALLER, bridge, T0 + 25_041))
    interval = Interval(T0, T0 + 25_041)
    assert play.did(c.Settle) == [c.Settle(EndReason.CREDIT_USED_UP, (interval,), None)]
    play.then(e.Settled(SETTLED))
    assert play.spoken()[0] == "credit-used-up"
    assert play.spoken(Leg.EXPERT)[0] == "caller-credit-used-up"


IN_A_TALK = (
    State.TALKING_FREE,
    State.TALKING_PAID,
    State.CONSENTING,
    State.FREEING,
    State.TOPPING_UP,
    State.ON_HOLD,
)
BEFORE_ANY_TALK = (
    State.RECEIVED,
    State.IDENTIFYING,
    State.CHOOSING,
    State.QUOTING,
    State.HOLDING,
    State.RINGING,
    State.OFFERING,
)


@pytest.mark.parametrize("state", BEFORE_ANY_TALK)
def test_an_ordered_end_before_any_talk_costs_nothing_and_the_caller_is_told(state: State) -> None:
    play = REACH[state]()
    expert_up = play.data.expert_up
    play.then(e.EndOrdered())
    assert play.did(c.Settle) == [c.Settle(EndReason.OPERATOR_ENDED, (), None)]
    assert play.did(c.HangUp) == ([c.HangUp(Leg.EXPERT, 1)] if expert_up else [])
    assert play.did(c.Ring) == ([c.Ring(on=False)] if expert_up else [])
    play.then(e.Settled(replace(SETTLED, split=None)))
    assert play.spoken() == ["operator-ended", "nothing-charged", "goodbye"]
    play.said()
    cause = 21 if state is State.RECEIVED else None
    assert c.HangUp(Leg.CALLER, cause=cause) in play.last


def test_an_ordered_end_while_a_talk_joins_costs_nothing() -> None:
    play = joining()
    bridge = bridge_of(play)
    play.then(e.EndOrdered())
    assert play.did(c.DropBridge) == [c.DropBridge(bridge)]
    assert play.did(c.HangUp) == [c.HangUp(Leg.EXPERT, 1)]
    assert play.did(c.Settle) == [c.Settle(EndReason.OPERATOR_ENDED, (), None)]


@pytest.mark.parametrize("talk", [talking, free_talk])
def test_an_ordered_end_stops_a_talk_at_once_and_both_are_told(talk: Callable[[], Play]) -> None:
    play = talk()
    bridge, paid = bridge_of(play), talk is talking
    play.then(e.EndOrdered())
    assert play.at(State.STOPPING)
    assert play.did(c.DropBridge) == [c.DropBridge(bridge)]
    play.then(e.Left(Leg.EXPERT, bridge, T0 + 7_900), e.Left(Leg.CALLER, bridge, T0 + 7_900))
    talked = (Interval(T0, T0 + 7_900),) if paid else ()
    nobody = None if paid else NoPayer.CALLER_UNKNOWN
    assert play.did(c.Settle) == [c.Settle(EndReason.OPERATOR_ENDED, talked, nobody)]
    play.then(e.Settled(SETTLED))
    assert play.spoken()[0] == play.spoken(Leg.EXPERT)[0] == "operator-ended"


@pytest.mark.parametrize("state", [*TABLE])
def test_a_call_that_is_ending_already_ends_for_its_own_reason(state: State) -> None:
    if state in BEFORE_ANY_TALK or state in {*IN_A_TALK, State.OVER}:
        assert state is State.OVER or (e.EndOrdered, None) in TABLE[state]
        return
    play = REACH[state]()
    before = play.data
    assert play.then(e.EndOrdered()).data is before
    assert not play.last


def test_who_is_still_up_as_a_talk_stops_has_the_short_limit_of_stopping_and_settling() -> None:
    assert stopping().did(c.Limit) == [c.Limit((Leg.EXPERT, Leg.CALLER), 8_500, "silent")]
    play = talking()
    play.then(e.Left(Leg.EXPERT, bridge_of(play), T0 + 9_000))
    assert play.did(c.Limit) == [c.Limit((Leg.CALLER,), 8_500, "silent")]


def test_a_leg_gone_without_leaving_the_bridge_ends_the_talk_all_the_same() -> None:
    play = talking().then(e.LegEnded(Leg.EXPERT, 1, 16))
    assert play.at(State.STOPPING)
    bridge = bridge_of(play)
    assert play.did(c.DropBridge) == [c.DropBridge(bridge)]
    assert play.did(c.Limit) == [c.Limit((Leg.CALLER,), 8_500, "silent")]
    # It was told after all, only later.
    play.then(e.Left(Leg.EXPERT, bridge, T0 + 9_000), e.Left(Leg.CALLER, bridge, T0 + 9_005))
    paid = (Interval(T0, T0 + 9_000),)
    assert play.did(c.Settle) == [c.Settle(EndReason.EXPERT_HUNG_UP, paid, None)]


@pytest.mark.parametrize("state", [State.RINGING, State.OFFERING, State.TALKING_PAID])
def test_where_there_was_no_talk_the_expert_is_let_go_before_the_money_is_written(
    state: State,
) -> None:
    play = joining() if state is State.TALKING_PAID else REACH[state]()
    play.then(e.LegEnded(Leg.CALLER))
    kinds = [type(command) for command in play.last]
    assert kinds.index(c.HangUp) < kinds.index(c.Settle)
    assert play.did(c.HangUp) == [c.HangUp(Leg.EXPERT, 1)]


def test_a_stop_that_asterisk_does_not_confirm_hangs_up_and_is_paid_by_its_record() -> None:
    play = stopping().then(e.TimerFired("state"))
    assert play.did(c.Settle) == [c.Settle(EndReason.DATABASE_AWAY, (), None, by_record=True)]
    assert play.did(c.HangUp) == [c.HangUp(Leg.EXPERT, 1), c.HangUp(Leg.CALLER)]


@pytest.mark.parametrize(
    ("clock_ms", "steady_ms", "billed_ms"),
    [
        (9_000, 9_004, 9_000),
        (9_000, 8_760, 9_000),
        # Set forward by an hour; we stood still at its end; set back by seconds, by a minute.
        (3_609_000, 9_004, 9_004),
        (9_000, 14_000, 9_000),
        (5_000, 9_004, 5_000),
        (-51_000, 9_004, 0),
    ],
)
def test_a_clock_set_in_a_talk_makes_nobody_pay_for_it(
    clock_ms: int, steady_ms: int, billed_ms: int
) -> None:
    play = joining().said(Leg.CALLER).said(Leg.EXPERT)
    bridge = bridge_of(play)
    play.then(
        e.TalkRecorded(bridge),
        e.Entered(Leg.EXPERT, bridge, T0 - 3, 500),
        e.Entered(Leg.CALLER, bridge, T0, 503),
        e.Left(Leg.CALLER, bridge, T0 + clock_ms, 503 + steady_ms),
    )
    assert play.data.intervals == (Interval(T0, T0 + billed_ms),)
    flagged = [
        note
        for note in play.did(c.Note)
        if note == c.Note("clocks differ", {"milliseconds": clock_ms - steady_ms})
    ]
    assert bool(flagged) is (abs(clock_ms - steady_ms) > 250)


def test_a_stop_told_of_one_leg_alone_is_paid_by_asterisks_record() -> None:
    play = stopping()
    left = e.Left(Leg.EXPERT, bridge_of(play), T0 + 300_041)
    play.then(left, e.TimerFired("state"))
    paid = (Interval(T0, T0 + 300_041),)
    # The other may have left sooner, which was not told.
    assert play.did(c.Settle) == [c.Settle(EndReason.DATABASE_AWAY, paid, None, by_record=True)]
    assert play.did(c.HangUp) == [c.HangUp(Leg.CALLER)]


@pytest.mark.parametrize(
    ("leg", "reason"),
    [(Leg.CALLER, EndReason.CALLER_HUNG_UP), (Leg.EXPERT, EndReason.EXPERT_HUNG_UP)],
)
def test_who_left_first_ended_the_talk(leg: Leg, reason: EndReason) -> None:
    play = talking()
    bridge = bridge_of(play)
    other = Leg.EXPERT if leg is Leg.CALLER else Leg.CALLER
    play.then(e.Left(leg, bridge, T0 + 61_500), e.LegEnded(leg, 1 if leg is Leg.EXPERT else 0))
    assert play.at(State.STOPPING)
    play.then(e.Left(other, bridge, T0 + 61_505))
    assert play.did(c.Settle) == [c.Settle(reason, (Interval(T0, T0 + 61_500),), None)]
    play.then(e.Settled(SETTLED))
    assert play.at(State.AFTERCARE)
    assert play.spoken(other)
    assert not play.spoken(leg)


def test_an_expert_gone_before_the_join_costs_nothing() -> None:
    play = joining().then(e.LegEnded(Leg.EXPERT, 1, 16))
    assert play.did(c.Settle) == [c.Settle(EndReason.EXPERT_HUNG_UP, (), None)]


@pytest.mark.parametrize(
    "state", [State.IDENTIFYING, State.CHOOSING, State.QUOTING, State.HOLDING, State.RINGING]
)
def test_without_a_database_there_is_no_paid_call_and_the_caller_is_told(state: State) -> None:
    play = REACH[state]().then(e.DatabaseAway(), e.Spooled())
    assert play.at(State.GOODBYE)
    assert play.spoken()[0] == "service-down"


def test_without_a_database_a_talk_goes_on_to_its_grant() -> None:
    play = talking().then(e.TimerFired("extend"), e.DatabaseAway())
    assert play.data.state is State.TALKING_PAID
    assert c.Arm("extend", 5_000) in play.last


def test_a_spooled_end_says_that_the_cost_is_on_the_statement() -> None:
    play = talking()
    bridge = bridge_of(play)
    play.then(
        e.Left(Leg.EXPERT, bridge, T0 + 1),
        e.LegEnded(Leg.EXPERT, 1),
        e.Left(Leg.CALLER, bridge, T0 + 2),
        e.Spooled(),
    )
    assert play.spoken() == ["expert-hung-up", "on-your-statement", "goodbye"]


def test_without_the_dead_mans_switch_nobody_talks() -> None:
    play = joining()
    play.then(e.CommandFailed(Leg.EXPERT, "Limit", 1))
    assert play.data.reason is EndReason.SERVICE_DOWN
    assert play.did(c.Settle) == [c.Settle(EndReason.SERVICE_DOWN, (), None)]


def test_a_leg_that_does_not_go_is_hung_up_three_times() -> None:
    play = ending()
    for _ in range(2):
        assert play.then(e.TimerFired("state")).did(c.HangUp)
    assert play.then(e.TimerFired("state")).did(c.Stop)
    assert play.data.state is State.OVER


def test_a_talk_found_after_a_restart_is_cut_at_the_same_moment() -> None:
    talk = Talk(
        f"{CALL}-paid-1", paid=True, from_ms=T0, inside=frozenset(Leg), written=True, limited=True
    )
    data = replace(talking().data, talk=None)
    data, commands = adopt(data, talk, 1)
    assert data.state is State.TALKING_PAID
    assert c.ArmAt("cut", T0 + 300_040) in commands


def test_a_call_found_before_its_talk_is_let_go_with_an_apology() -> None:
    data, commands = let_go(replace(offering().data, state=State.RECEIVED))
    assert c.HangUp(Leg.EXPERT, 1) in commands
    play = Play()
    play.data = data
    play.then(e.Settled(replace(SETTLED, split=None)))
    assert play.spoken() == ["apology"]


def test_a_talk_that_ended_before_the_restart_is_settled_and_released() -> None:
    data, commands = release(talking().data, EndReason.SERVICE_DOWN)
    assert any(isinstance(command, c.Settle) for command in commands)
    assert data.state is State.SETTLING


def test_a_talk_found_after_a_restart_has_its_limits_set_and_its_start_written_again() -> None:
    talk = Talk(
        f"{CALL}-paid-1", paid=True, from_ms=T0, inside=frozenset(Leg), written=True, limited=True
    )
    data, commands = adopt(replace(talking().data, talk=None), talk, 1)
    assert c.LimitTalk(T0 + 300_000, 300, "credit") in commands
    assert c.RecordTalk(talk.bridge, True, T0) in commands
    assert data.wallet_version == 0


def test_a_caller_who_hears_his_farewell_hears_no_apology_after_it() -> None:
    limits = Limits()
    ms = limits.goodbye_ms + limits.grace_ms
    assert goodbye().did(c.Limit) == [c.Limit((Leg.CALLER,), ms, "silent")]


def test_an_end_pressed_twice_or_first_keeps_no_digit_from_counting() -> None:
    again = received().keys("9##").then(e.PinChecked(PinCheck.WRONG)).keys("#1234#")
    assert c.CheckPin("1234") in again.last
    again.then(e.PinChecked(PinCheck.RIGHT)).keys("#101##")
    assert c.LookUp(MENU, "101") in again.last
