"""Every way in which a call doesn't become a talk: free, and said in words.

All calls run at once; each one's test then looks at the money.
"""

import asyncio
import math
import re
import time
from array import array
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from billing.accounts import service as accounts
from billing.catalogue.values import Availability
from billing.money.values import Money
from billing.pins.rules import FAILURES_TO_LOCK
from dialplan.prompts.values import Phrase
from primeline.phones import PhoneCall, State, Voice, alaw
from primeline.phones.heard import RATE_HZ
from primeline.phones.rtp import FRAME_SAMPLES
from primeline.sound import carried_spans, whole_span
from tests.calls import evidence
from tests.calls.stage import (
    CALLER_TONE,
    PIN,
    CallerOnStage,
    ExpertOnStage,
    Stage,
    Talk,
    euro,
)
from tests.calls.together import Outcomes, Scenarios

pytestmark = pytest.mark.asyncio(loop_scope="session")

CREDIT = 1_000


@dataclass(frozen=True, slots=True)
class Failed:
    """A call without paid talk. `caller` is an account or a number alone."""

    caller: CallerOnStage | str
    reason: str
    expert: ExpertOnStage | None = None
    cents: int = CREDIT


failure: Scenarios[Failed] = Scenarios()


def answered(call: PhoneCall) -> bool:
    """Whether a 200 ever came for the INVITE."""
    return any(
        not message.sent
        and re.search(r"^SIP/2.0 200[^~]*^CSeq: \d+ INVITE", message.text, re.MULTILINE)
        for message in call.phone.wire.log
    )


# The expert's side.


@failure("an expert who refuses by key")
async def _(stage: Stage) -> Failed:
    expert, caller = await stage.expert(phones=2), await stage.caller(CREDIT)
    talk = await stage.to_ringing_directly(caller, await stage.number(expert=expert), expert)
    await talk.expert.answer()
    await stage.hears(talk.expert, "press-1-or-3")
    await talk.expert.press("3")
    await stage.told(talk.caller, "expert-refused", "goodbye")
    await talk.expert.wait_ended()
    assert expert.phones[1].calls == [], "his refusal holds for all his phones"
    return Failed(caller, "expert-refused", expert)


@failure("an expert who declines without answering")
async def _(stage: Stage) -> Failed:
    expert, caller = await stage.expert(phones=2), await stage.caller(CREDIT)
    talk = await stage.to_ringing_directly(caller, await stage.number(expert=expert), expert)
    await talk.expert.reject(603)
    await stage.told(talk.caller, "expert-refused", "goodbye")
    assert expert.phones[1].calls == []
    return Failed(caller, "expert-refused", expert)


@failure("a phone that nobody answers")
async def _(stage: Stage) -> Failed:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    talk = await stage.to_ringing_directly(caller, await stage.number(expert=expert), expert)
    await stage.told(talk.caller, "expert-no-answer", "goodbye")
    assert (talk.expert.ended_by, talk.expert.code) == ("them", 487)
    return Failed(caller, "expert-no-answer", expert)


@failure("a phone that is busy")
async def _(stage: Stage) -> Failed:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    expert.phone.refuse_with = 486
    call = await _accept_directly(stage, caller, expert)
    await stage.told(call, "expert-busy", "goodbye")
    return Failed(caller, "expert-busy", expert)


@failure("a phone that isn't registered")
async def _(stage: Stage) -> Failed:
    expert, caller = await stage.expert(registered=False), await stage.caller(CREDIT)
    call = await _accept_directly(stage, caller, expert)
    await stage.told(call, "expert-unreachable", "goodbye")
    return Failed(caller, "expert-unreachable", expert)


@failure("a phone that has lost its plug")
async def _(stage: Stage) -> Failed:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    expert.phone.vanish()
    call = await _accept_directly(stage, caller, expert)
    await stage.hears(call, "goodbye")
    await call.wait_ended()
    record = await stage.ended(caller)
    assert record.summary.reason in {"expert-no-answer", "expert-unreachable"}
    return Failed(caller, str(record.summary.reason), expert)


@failure("an expert who is away")
async def _(stage: Stage) -> Failed:
    return await _off_line(stage, await stage.expert(presence="away"))


@failure("an expert who is there but takes no calls")
async def _(stage: Stage) -> Failed:
    return await _off_line(stage, await stage.expert(presence="there-but-not-available"))


async def _off_line(stage: Stage, expert: ExpertOnStage) -> Failed:
    caller = await stage.caller(CREDIT)
    call = await stage.dial(caller, await stage.number(expert=expert))
    await stage.told(call, "expert-away", "goodbye")
    assert expert.phone.calls == []
    return Failed(caller, "expert-away")


@failure("an offer that is met with silence")
async def _(stage: Stage) -> Failed:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    talk = await stage.to_ringing_directly(caller, await stage.number(expert=expert), expert)
    await talk.expert.answer()
    await stage.told(talk.caller, "expert-no-answer", "goodbye")
    await talk.expert.wait_ended()
    assert talk.expert.ended_by == "them"
    return Failed(caller, "expert-no-answer", expert)


@failure("an offer that is met with a voicemail's noise, and the caller's own key")
async def _(stage: Stage) -> Failed:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    talk = await stage.to_ringing_directly(caller, await stage.number(expert=expert), expert)
    talk.expert.speak(KEY_ONE_AS_SOUND)
    await talk.expert.answer()
    await talk.caller.press("11")
    await stage.told(talk.caller, "expert-no-answer", "goodbye")
    assert (await stage.ended(caller)).accepted_at is None
    return Failed(caller, "expert-no-answer", expert)


def _key_one() -> Voice:
    """The two tones of key 1, on and off, as a voicemail's greeting may hold them."""
    count = RATE_HZ // 5
    wave = array("h", [0] * (2 * count))
    for place in range(count):
        turn = 2 * math.pi * place / RATE_HZ
        wave[place] = round(6_000 * (math.sin(697 * turn) + math.sin(1_209 * turn)))
    sound = alaw.encode(wave)
    starts = range(0, len(sound), FRAME_SAMPLES)
    return Voice(tuple(sound[start : start + FRAME_SAMPLES] for start in starts))


KEY_ONE_AS_SOUND = _key_one()


@failure("an expert who is in another call")
async def _(stage: Stage) -> Failed:
    expert = await stage.expert()
    first, second = await stage.caller(CREDIT), await stage.caller(CREDIT)
    talk = await stage.to_talk(first, await stage.number(), expert)
    call = await stage.to_choosing(second, await stage.number())
    await call.press(f"{expert.extension}#")
    said_us = await stage.hears(call, "expert-busy")
    # From a menu another extension may be keyed.
    await stage.hears(call, "enter-extension", since_us=said_us)
    await call.hang_up()
    await talk.caller.hang_up()
    await stage.ended(first)
    assert len(expert.phone.calls) == 1
    return Failed(second, "expert-busy", expert)


@failure("two callers who want one expert in the same moment: one of them gets him")
async def _(stage: Stage) -> Failed:
    expert = await stage.expert()
    number = await stage.number(expert=expert)
    callers = [await stage.caller(CREDIT), await stage.caller(CREDIT)]
    calls = await asyncio.gather(*(stage.dial(caller, number) for caller in callers))
    await asyncio.gather(*(stage.hears(call, "press-1-to-accept") for call in calls))
    await asyncio.gather(*(call.press("1") for call in calls))
    incoming = await expert.phone.wait_incoming()
    await incoming.answer()
    await stage.hears(incoming, "press-1-or-3")
    await incoming.press("1")
    told = await asyncio.gather(
        *(stage.hears(call, "expert-busy", seconds=3) for call in calls), return_exceptions=True
    )
    losers = [place for place, came in enumerate(told) if isinstance(came, int)]
    assert len(losers) == 1, told
    winner = 1 - losers[0]
    talk = Talk(calls[winner], incoming)
    talk.caller.speak(CALLER_TONE)
    await asyncio.sleep(0.5)
    assert carried_spans(incoming.heard, talk.caller.spoken)
    await talk.caller.hang_up()
    await stage.ended(callers[winner])
    assert len(expert.phone.calls) == 1
    return Failed(callers[losers[0]], "expert-busy", expert)


# Who calls, and what.


@failure("a caller without credit")
async def _(stage: Stage) -> Failed:
    return await _too_low(stage, 0)


@failure("a caller with credit for less than the shortest talk")
async def _(stage: Stage) -> Failed:
    return await _too_low(stage, 3)


async def _too_low(stage: Stage, cents: int) -> Failed:
    expert, caller = await stage.expert(), await stage.caller(cents)
    call = await stage.dial(caller, await stage.number(expert=expert))
    await stage.told(call, "welcome", "balance-is", "credit-too-low", "goodbye")
    assert expert.phone.calls == []
    return Failed(caller, "credit-too-low", expert, cents=cents)


@failure("a caller whose limit for a call is less than the shortest talk")
async def _(stage: Stage) -> Failed:
    expert, caller = await stage.expert(), await stage.caller(CREDIT, call_limit=euro(3))
    call = await stage.dial(caller, await stage.number(expert=expert))
    await stage.told(call, "call-limit-reached", "nothing-charged", "goodbye")
    return Failed(caller, "call-limit-reached", expert)


@failure("an expert without a price")
async def _(stage: Stage) -> Failed:
    expert, caller = await stage.expert(tariff=None), await stage.caller(CREDIT)
    call = await stage.dial(caller, await stage.number(expert=expert))
    await stage.told(call, "no-tariff", "goodbye")
    return Failed(caller, "no-tariff", expert)


@failure("credit in another currency than the price")
async def _(stage: Stage) -> Failed:
    expert, number = await stage.expert(), stage.stranger()
    async with stage.sessions.begin() as s:
        await accounts.add_caller(
            s,
            name="Caller in dollars",
            numbers=[number],
            currency="USD",
            at=datetime.now(UTC),
            number_alone_limit=Money.of_minor(10_000, "USD"),
        )
    await stage.say(Phrase("amount", Money.zero("USD")))
    call = await stage.dial(number, await stage.number(expert=expert))
    await stage.told(call, "wrong-currency", "goodbye")
    return Failed(number, "currency", expert)


@failure("a number that isn't ours, which is never answered")
async def _(stage: Stage) -> Failed:
    caller = await stage.caller(CREDIT)
    call = await stage.dial(caller, "+33199099999")
    await stage.hears(call, "number-unknown")
    await call.wait_ended()
    assert (call.code, call.cause) == (404, 1)
    assert not answered(call)
    return Failed(caller, "number-unknown")


@failure("a caller whom nobody knows")
async def _(stage: Stage) -> Failed:
    caller = stage.stranger()
    call = await stage.dial(caller, await stage.number())
    await stage.told(call, "welcome", "caller-unknown", "goodbye")
    return Failed(caller, "caller-unknown")


@failure("a wrong PIN, three times")
async def _(stage: Stage) -> Failed:
    caller = await stage.caller(CREDIT, alone=False)
    call = await stage.dial(caller, await stage.number())
    await call.wait_state(State.UP)
    since_us = 0
    for _try in range(3):
        since_us = await _wrong_pin(stage, call, since_us)
    await stage.told(call, "goodbye")
    return Failed(caller, "pin-wrong")


async def _wrong_pin(stage: Stage, call: PhoneCall, since_us: int) -> int:
    await call.press("1#", hold_ms=60, gap_ms=60)
    await stage.hears(call, "wrong-pin", since_us=since_us)
    # Its beginning is enough to be found: its rest must not be taken for the next one's.
    await asyncio.sleep(len(stage.sound("wrong-pin")) / RATE_HZ)
    return time.time_ns() // 1_000


@failure("wrong PINs over several calls, until even the right one isn't asked for")
async def _(stage: Stage) -> Failed:
    caller = await stage.caller(CREDIT, alone=False)
    number = await stage.number()
    tries = FAILURES_TO_LOCK - 1
    while tries:
        call = await stage.dial(caller, number)
        since_us = await stage.hears(call, "enter-pin")
        for _try in range(min(tries, 2)):
            since_us = await _wrong_pin(stage, call, since_us)
            tries -= 1
        await call.hang_up()
        await stage.ended(caller)
    call = await stage.dial(caller, number)
    await stage.hears(call, "enter-pin")
    await call.press("12#", hold_ms=60, gap_ms=60)
    await stage.told(call, "pin-locked", "goodbye")
    assert (await stage.ended(caller)).summary.reason == "pin-locked"

    call = await stage.dial(caller, number)
    await call.press(f"{PIN}#", hold_ms=60, gap_ms=60)
    await stage.told(call, "welcome", "pin-locked", "goodbye")
    return Failed(caller, "pin-locked")


@failure("an extension that nobody has, three times")
async def _(stage: Stage) -> Failed:
    caller = await stage.caller(CREDIT)
    call = await stage.dial(caller, await stage.number())
    await call.wait_state(State.UP)
    since_us = 0
    for _try in range(3):
        await call.press("9#", hold_ms=60, gap_ms=60)
        since_us = await stage.hears(call, "unknown-extension", since_us=since_us)
    await stage.told(call, "goodbye")
    return Failed(caller, "extension-unknown")


# Silence, and keys that mean nothing.


@failure("no key at all for the PIN")
async def _(stage: Stage) -> Failed:
    caller = await stage.caller(CREDIT, alone=False)
    call = await stage.dial(caller, await stage.number())
    await stage.told(call, "welcome", "enter-pin", "enter-pin", "nothing-keyed", "goodbye")
    return Failed(caller, "nothing-keyed")


@failure("no key at all for the extension")
async def _(stage: Stage) -> Failed:
    caller = await stage.caller(CREDIT)
    call = await stage.dial(caller, await stage.number())
    await stage.told(call, "enter-extension", "enter-extension", "nothing-keyed", "goodbye")
    return Failed(caller, "nothing-keyed")


@failure("a price that is met with silence")
async def _(stage: Stage) -> Failed:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    await stage.to_quoting(caller, await stage.number(), expert)
    return await _not_confirmed(stage, caller, expert)


@failure("a price that is met with every key but the one that accepts")
async def _(stage: Stage) -> Failed:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    call = await stage.to_quoting(caller, await stage.number(), expert)
    await call.press("0234567890*#", hold_ms=60, gap_ms=40)
    return await _not_confirmed(stage, caller, expert)


@failure("a key 1 that came before the price was heard")
async def _(stage: Stage) -> Failed:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    call = await stage.to_choosing(caller, await stage.number())
    await call.press(f"{expert.extension}#1")
    await stage.hears(call, "press-1-to-accept")
    return await _not_confirmed(stage, caller, expert)


async def _not_confirmed(stage: Stage, caller: CallerOnStage, expert: ExpertOnStage) -> Failed:
    record = await stage.ended(caller)
    assert record.consented_at_ms is None
    assert record.grants == ()
    assert expert.phone.calls == []
    return Failed(caller, "not-confirmed", expert)


# Nobody pays.


@failure("a free talk, cut at the number's limit")
async def _(stage: Stage) -> Failed:
    expert, caller = await stage.expert(), stage.stranger()
    number = await stage.number(without_payer="free", free_limit_seconds=3)
    talk = await stage.to_free_offering(caller, number, expert)
    await stage.hears(talk.caller, Phrase("free-call", 3))
    await stage.hears(talk.expert, "offer-free")
    talk.caller.speak(CALLER_TONE)
    await talk.expert.press("1")
    await stage.told(talk.expert, "free-limit", "expert-goodbye")
    await stage.told(talk.caller, "free-limit", "nothing-charged", "goodbye")
    heard = whole_span(carried_spans(talk.expert.heard, talk.caller.spoken))
    assert 2_980 <= heard.duration_ms <= 3_200
    record = await stage.ended(caller)
    assert record.no_payer == "caller-unknown"
    return Failed(caller, "free-limit", expert)


async def _accept_directly(stage: Stage, caller: CallerOnStage, expert: ExpertOnStage) -> PhoneCall:
    call = await stage.dial(caller, await stage.number(expert=expert))
    await stage.hears(call, "press-1-to-accept")
    await call.press("1")
    return call


# What came of them.


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def failed(stage: Stage) -> AsyncIterator[Outcomes[Failed]]:
    yield await failure.play(stage)


@pytest.mark.parametrize("name", failure.names)
async def test_a_failure_is_free(stage: Stage, failed: Outcomes[Failed], name: str) -> None:
    came = failed.of(name)
    record = await stage.ended(came.caller)
    settlement = record.summary.settlement
    assert settlement is not None
    assert settlement.reason == came.reason
    await evidence.nothing_left(stage, record.summary.call_id)
    assert not settlement.charge
    assert settlement.billed_seconds == 0
    assert record.intervals == ()
    assert {line.kind for line in record.ledger} <= {"pending", "void"}
    if isinstance(came.caller, CallerOnStage):
        assert await evidence.wallet(stage, came.caller) == evidence.Wallet(
            euro(came.cents).amount, 0
        )
    if came.expert is not None:
        assert await evidence.availability(stage, came.expert) is Availability.AVAILABLE


# What is no failure after all.


async def test_the_second_phone_rings_when_the_first_is_busy(stage: Stage) -> None:
    expert, caller = await stage.expert(phones=2), await stage.caller(CREDIT)
    expert.phones[0].refuse_with = 486
    call = await _accept_directly(stage, caller, expert)
    incoming = await expert.phones[1].wait_incoming()
    await incoming.answer()
    await stage.hears(incoming, "press-1-or-3")
    call.speak(CALLER_TONE)
    await incoming.press("1")
    await asyncio.sleep(2)
    await call.hang_up()
    record = await stage.ended(caller)
    assert [dial.result for dial in record.dials] == ["expert-busy", "accepted"]
    assert record.summary.settlement is not None
    assert record.summary.settlement.charge


async def test_after_a_refusal_another_expert_may_be_chosen_from_the_menu(stage: Stage) -> None:
    first, second = await stage.expert(), await stage.expert()
    caller, number = await stage.caller(CREDIT), await stage.number()
    talk = await stage.to_offering(caller, number, first)
    await talk.expert.press("3")
    said_us = await stage.hears(talk.caller, "expert-refused")
    assert await stage.available(caller) == euro(CREDIT)
    await stage.hears(talk.caller, "enter-extension", since_us=said_us)
    await talk.caller.press(f"{second.extension}#")
    await stage.hears(talk.caller, "press-1-to-accept", since_us=said_us)
    await talk.caller.press("1")
    incoming = await second.phone.wait_incoming()
    await incoming.answer()
    await stage.hears(incoming, "press-1-or-3")
    await incoming.press("1")
    await asyncio.sleep(2)
    await incoming.hang_up()
    record = await stage.ended(caller)
    assert record.expert_id == second.expert_id
    assert record.summary.reason == "expert-hung-up"
    assert record.summary.settlement is not None
    assert record.summary.settlement.charge


async def test_a_phone_that_dials_an_emergency_number_hears_at_once_that_it_cannot(
    stage: Stage,
) -> None:
    expert = await stage.expert(registered=False)
    call = await expert.phone.call("112")
    said_us = await stage.hears(call, "emergency", seconds=3)
    await stage.hears(call, "emergency", language="fr", since_us=said_us)
    await call.wait_ended()
    # Never answered: nobody may think that he has reached help.
    assert (call.code, State.UP in [event.state for event in call.events]) == (404, False)
