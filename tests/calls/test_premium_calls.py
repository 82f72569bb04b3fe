"""Premium-rate calls on a real Asterisk: answered last, released at once, capped, and never free.

All calls run at once; each one's test then looks at the money.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from billing.calls import books
from billing.catalogue.rules import outpayment, retail
from billing.catalogue.values import Availability
from dialplan.prompts.values import Phrase
from primeline.phones import PhoneCall
from primeline.phones import State as PhoneState
from tests.calls import evidence
from tests.calls.aftermath import at_us
from tests.calls.premium import (
    TERMS,
    answered_us,
    premium_number,
    statuses,
    to_offering,
    to_ringing,
    to_talk,
)
from tests.calls.stage import CALLER_TONE, EXPERT_TONE, ExpertOnStage, Stage, euro
from tests.calls.together import Outcomes, Scenarios

pytestmark = pytest.mark.asyncio(loop_scope="session")

BYE_MS = 200

AT_ONCE = 4
"""Calls at a time: their ends are measured in tenths of a second."""


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a call. `status`: the only final answer the caller got, None: 200."""

    call: PhoneCall
    caller: str
    expert: ExpertOnStage | None
    reason: str
    status: int | None = None


scenario: Scenarios[Came] = Scenarios()


# Answered.


@scenario("the caller is answered only once the expert has accepted, and hears him at once")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await to_offering(stage, caller, expert)
    assert statuses(talk.caller) == [180]
    talk.caller.speak(CALLER_TONE)
    talk.expert.speak(EXPERT_TONE)
    pressed_us = time.time_ns() // 1_000
    await talk.expert.press("1")
    await stage.both_talk(talk)
    # The tone is early media; the answer is the last thing before the talk.
    assert statuses(talk.caller) == [180, 183, 200]
    assert answered_us(talk.caller) > pressed_us
    await asyncio.sleep(1.2)
    gone_us = time.time_ns() // 1_000
    await talk.caller.hang_up()
    await talk.expert.wait_ended()
    assert (at_us(talk.expert, PhoneState.ENDED) - gone_us) // 1_000 <= BYE_MS
    return Came(talk.caller, caller, expert, "caller-hung-up")


@scenario("the expert hangs up and the caller is released at once, without a word")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await to_talk(stage, caller, expert)
    await asyncio.sleep(1)
    gone_us = time.time_ns() // 1_000
    await talk.expert.hang_up()
    await talk.caller.wait_ended()
    assert (at_us(talk.caller, PhoneState.ENDED) - gone_us) // 1_000 <= BYE_MS
    assert talk.caller.ended_by == "them"
    return Came(talk.caller, caller, expert, "expert-hung-up")


@scenario("our own price message comes before the answer")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await to_offering(stage, caller, expert, announced_by="us")
    talk.expert.speak(EXPERT_TONE)
    talk.caller.speak(CALLER_TONE)
    await talk.expert.press("1")
    await stage.both_talk(talk)
    price_us = await stage.hears(talk.caller, Phrase("price", TERMS.retail), since_us=1)
    tone_us = await stage.hears(talk.caller, "tone", since_us=price_us)
    assert price_us < tone_us < answered_us(talk.caller)
    await talk.caller.hang_up()
    await talk.expert.wait_ended()
    return Came(talk.caller, caller, expert, "caller-hung-up")


async def _capped(stage: Stage, reason: str, seconds: int, **caps: object) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await to_talk(stage, caller, expert, **caps)
    await talk.caller.wait_ended()
    await talk.expert.wait_ended(seconds=1)
    lasted_ms = (at_us(talk.caller, PhoneState.ENDED) - answered_us(talk.caller)) // 1_000
    assert seconds * 1_000 - 400 <= lasted_ms <= seconds * 1_000, lasted_ms
    assert talk.caller.ended_by == talk.expert.ended_by == "them"
    return Came(talk.caller, caller, expert, reason)


@scenario("a call ends at its longest time, never after it")
async def _(stage: Stage) -> Came:
    return await _capped(stage, "maximum-reached", 3, maximum_seconds=3)


@scenario("a call ends before it costs more than it may")
async def _(stage: Stage) -> Came:
    return await _capped(stage, "limit-reached", 3, maximum_charge=euro(4))


@scenario("a premium menu is answered, and the meter runs from there")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    call = await stage.dial(caller, await premium_number(stage))
    await stage.hears(call, "enter-extension")
    assert statuses(call) == [200]
    await call.press(f"{expert.extension}#")
    incoming = await expert.phone.wait_incoming()
    await incoming.answer()
    await stage.hears(incoming, "press-1-or-3")
    incoming.speak(EXPERT_TONE)
    await incoming.press("1")
    await call.wait_until(
        lambda: any(f.payload in incoming.spoken for f in list(call.heard)[-5:]), "the expert"
    )
    await asyncio.sleep(0.5)
    await incoming.hang_up()
    await call.wait_ended(seconds=1)
    return Came(call, caller, expert, "expert-hung-up")


@scenario("a premium menu in which nothing is keyed is over in time")
async def _(stage: Stage) -> Came:
    caller = stage.stranger()
    call = await stage.dial(caller, await premium_number(stage))
    await stage.hears(call, "enter-extension")
    await call.wait_ended(seconds=6)
    return Came(call, caller, None, "nothing-keyed")


# Never answered.


@scenario("an expert who is in a call gives 486")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    number = await premium_number(stage, expert)
    first = await stage.dial(stage.stranger(), number)
    ringing = await expert.phone.wait_incoming()
    call = await stage.dial(caller, number)
    await call.wait_ended()
    await first.hang_up()
    await ringing.wait_ended()
    return Came(call, caller, None, "expert-busy", 486)


@scenario("an expert who is away gives 480")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(presence="away"), stage.stranger()
    call = await stage.dial(caller, await premium_number(stage, expert))
    await call.wait_ended()
    assert expert.phone.calls == []
    return Came(call, caller, None, "expert-away", 480)


@scenario("an expert who refuses by key gives 486")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    talk = await to_offering(stage, caller, expert)
    await talk.expert.press("3")
    await talk.caller.wait_ended()
    await talk.expert.wait_ended()
    return Came(talk.caller, caller, expert, "expert-refused", 486)


@scenario("a phone that is busy gives 486")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    expert.phone.refuse_with = 486
    call = await stage.dial(caller, await premium_number(stage, expert))
    await call.wait_ended()
    return Came(call, caller, expert, "expert-busy", 486)


@scenario("phones that nobody answers give 480 within the set-up time")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(phones=2), stage.stranger()
    talk = await to_ringing(stage, caller, expert)
    await expert.phones[1].wait_incoming()
    await talk.caller.wait_ended()
    assert 180 in statuses(talk.caller)
    return Came(talk.caller, caller, expert, "expert-no-answer", 480)


@scenario("a phone that isn't registered gives 480")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(registered=False), stage.stranger()
    call = await stage.dial(caller, await premium_number(stage, expert))
    await call.wait_ended()
    return Came(call, caller, expert, "expert-unreachable", 480)


@scenario("a caller number whose day is used up is refused with 403")
async def _(stage: Stage) -> Came:
    expert, caller = await stage.expert(), stage.stranger()
    number = await premium_number(stage, expert, day_maximum=euro(4))
    call = await stage.dial(caller, number)
    talking = await expert.phone.wait_incoming()
    await talking.answer()
    await stage.hears(talking, "press-1-or-3")
    await talking.press("1")
    await call.wait_ended()
    assert statuses(call)[-1] == 200
    await stage.ended(caller)
    again = await stage.dial(caller, number)
    await again.wait_ended()
    assert len(expert.phone.calls) == 1
    return Came(again, caller, None, "limit-reached", 403)


# What came of them.


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(stage: Stage) -> AsyncIterator[Outcomes[Came]]:
    yield await scenario.play(stage, at_once=AT_ONCE)


@pytest.mark.parametrize("name", scenario.names)
async def test_a_premium_rate_call(stage: Stage, played: Outcomes[Came], name: str) -> None:
    came = played.of(name)
    record = await stage.ended(came.caller)
    settlement = record.summary.settlement
    assert settlement is not None
    await evidence.nothing_left(stage, record.summary.call_id)
    assert record.summary.reason == came.reason
    assert record.account_id is None
    if came.expert is not None:
        assert await evidence.availability(stage, came.expert) is Availability.AVAILABLE
    if came.status is not None:
        # Refused as it is: not answered for a moment, and worth nothing.
        assert statuses(came.call)[-1] == came.status
        assert 200 not in statuses(came.call)
        assert PhoneState.UP not in {event.state for event in came.call.events}
        assert record.ledger == ()
        return
    outcome = settlement.premium
    assert outcome is not None
    assert outcome.answered_ms is not None
    assert outcome.released_ms is not None
    # The meter is what the caller's phone saw, from 200 to BYE.
    seen_ms = (at_us(came.call, PhoneState.ENDED) - answered_us(came.call)) // 1_000
    assert abs(outcome.released_ms - outcome.answered_ms - seen_ms) <= 100
    assert outcome.retail == retail(TERMS, outcome.metered_seconds)
    assert outcome.outpayment == outpayment(TERMS, outcome.metered_seconds)
    assert outcome.expert + outcome.platform == outcome.outpayment
    # The talk lies within it, as Asterisk recorded it.
    talked_ms = sum((i.end_ms or 0) - i.start_ms for i in record.intervals)
    assert abs(talked_ms - evidence.paid_ms(stage, record.summary.call_id)) <= 20
    assert talked_ms <= outcome.released_ms - outcome.answered_ms
    assert bool(outcome.expert) is bool(talked_ms)


async def test_after_all_premium_rate_calls_the_books_are_right(
    stage: Stage, played: Outcomes[Came]
) -> None:
    assert played
    await asyncio.sleep(0.5)
    async with stage.sessions() as s:
        assert await books.check(s) == []
