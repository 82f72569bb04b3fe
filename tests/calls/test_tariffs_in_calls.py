"""Tariffs as real calls: what is talked, what is charged, when it is cut, and who hears what.

All calls run at once; each one's test then rates the talk again by the rules.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from billing.accounts import service as accounts
from billing.calls.records import CallRecord
from billing.tariffs.rules import charge
from billing.tariffs.text import own_prices
from billing.tariffs.values import Tariff
from billing.tariffs.windows import DAYS, Timetable, Window, tariff_in
from dialplan.prompts.values import Phrase
from primeline.sound import carried_spans, cut_error_ms, whole_span
from tests.calls import evidence
from tests.calls.stage import (
    CALLER_TONE,
    EXPERT_TONE,
    PRICE,
    CallerOnStage,
    Stage,
    Talk,
    euro,
)
from tests.calls.together import Outcomes, Scenarios

pytestmark = pytest.mark.asyncio(loop_scope="session")

LATEST_CUT_MS = 200
"""A packet is 20 ms, so a talk that is exact may look that much too short; see the bench for
how late a cut is on a machine that isn't busy with a dozen other calls."""


@dataclass(frozen=True, slots=True)
class Talked:
    """A paid call that is over.

    `charged` gives the cents for the seconds billed, worked out by hand. `seconds`: exactly what
    was granted and used up, None where somebody hung up before.
    """

    caller: CallerOnStage
    tariff: Tariff
    reason: str
    cents: int
    charged: Callable[[int], int]
    talk: Talk | None = None
    seconds: int | None = None


rated: Scenarios[Talked] = Scenarios()


def two_a_second(seconds: int) -> int:
    """1.20 a minute are two cents a second."""
    return 2 * seconds


async def talk_directly(stage: Stage, caller: CallerOnStage, tariff: Tariff) -> Talk:
    """A paid talk by the expert's own number, up to the moment in which both talk."""
    expert = await stage.expert(tariff=tariff)
    number = await stage.number(expert=expert)
    talk = await stage.to_ringing_directly(caller, number, expert)
    await talk.expert.answer()
    await stage.hears(talk.expert, "press-1-or-3")
    talk.caller.speak(CALLER_TONE)
    talk.expert.speak(EXPERT_TONE)
    await talk.expert.press("1")
    await stage.both_talk(talk)
    return talk


async def _hung_up_after(
    stage: Stage, tariff: Tariff, ms: int, *, charged: Callable[[int], int], cents: int = 1_000
) -> Talked:
    caller = await stage.caller(cents)
    talk = await talk_directly(stage, caller, tariff)
    await asyncio.sleep(ms / 1_000)
    await talk.caller.hang_up()
    return Talked(caller, tariff, "caller-hung-up", cents, charged)


async def _cut(stage: Stage, tariff: Tariff, reason: str, *, cents: int, seconds: int) -> Talked:
    caller = await stage.caller(cents)
    talk = await talk_directly(stage, caller, tariff)
    told_expert = "caller-credit-used-up" if reason == "credit-used-up" else reason
    await stage.hears(talk.caller, reason, seconds=seconds + 6)
    await stage.hears(talk.expert, told_expert)
    await asyncio.gather(talk.caller.wait_ended(), talk.expert.wait_ended())
    return Talked(caller, tariff, reason, cents, two_a_second, talk, seconds)


@rated("by the second")
async def _(stage: Stage) -> Talked:
    return await _hung_up_after(stage, PRICE, 2_200, charged=two_a_second)


@rated("the expert hangs up first")
async def _(stage: Stage) -> Talked:
    caller = await stage.caller(1_000)
    talk = await talk_directly(stage, caller, PRICE)
    await asyncio.sleep(2.2)
    await talk.expert.hang_up()
    await stage.told(talk.caller, "expert-hung-up", "the-call-cost", "credit-left-is", "goodbye")
    return Talked(caller, PRICE, "expert-hung-up", 1_000, two_a_second)


@rated("a connect fee on top")
async def _(stage: Stage) -> Talked:
    return await _hung_up_after(
        stage, replace(PRICE, connect_fee=euro(50)), 1_200, charged=lambda s: 50 + 2 * s
    )


@rated("by the window of a week that holds now, not by the price of the rest")
async def _(stage: Stage) -> Talked:
    # Half past the hours of UTC, and perhaps past midnight there.
    local = _now().astimezone(ZoneInfo("Asia/Kolkata"))
    minute = local.hour * 60 + local.minute
    prices = replace(own_prices(PRICE), connect_fee=euro(30))
    now = Window(
        "now", frozenset(DAYS), (minute - 60) % 1_440, (minute + 60) % 1_440 or 1_440, prices
    )
    rest = replace(PRICE, price_per_minute=euro(900))
    expert = await stage.expert(tariff=rest, timetable=Timetable("Asia/Kolkata", "IN", (now,)))
    number = await stage.number(expert=expert)
    caller = await stage.caller(1_000)
    call = await stage.dial(caller, number)
    held = tariff_in(rest, now)
    await stage.hears(call, Phrase("price", held))
    await stage.hears(call, "press-1-to-accept")
    await call.press("1")
    talk = Talk(call, await expert.phone.wait_incoming())
    await talk.expert.answer()
    await stage.hears(talk.expert, "press-1-or-3")
    talk.caller.speak(CALLER_TONE)
    talk.expert.speak(EXPERT_TONE)
    await talk.expert.press("1")
    await stage.both_talk(talk)
    await asyncio.sleep(1.2)
    await talk.caller.hang_up()
    return Talked(caller, held, "caller-hung-up", 1_000, lambda s: 30 + 2 * s)


@rated("whole minutes begun")
async def _(stage: Stage) -> Talked:
    tariff = replace(PRICE, first_increment_seconds=60, next_increment_seconds=60)
    return await _hung_up_after(stage, tariff, 1_200, charged=lambda _: 120)


@rated("the first seconds free, hung up within them")
async def _(stage: Stage) -> Talked:
    return await _hung_up_after(stage, replace(PRICE, free_seconds=10), 1_200, charged=lambda _: 0)


@rated("the first seconds free, talked past them")
async def _(stage: Stage) -> Talked:
    return await _hung_up_after(
        stage, replace(PRICE, free_seconds=2), 3_200, charged=lambda s: 2 * (s - 2)
    )


@rated("a minimum charge")
async def _(stage: Stage) -> Talked:
    return await _hung_up_after(
        stage, replace(PRICE, minimum_charge=euro(99)), 1_200, charged=lambda _: 99
    )


@rated("a maximum charge")
async def _(stage: Stage) -> Talked:
    tariff = replace(PRICE, connect_fee=euro(50), maximum_charge=euro(51))
    return await _hung_up_after(stage, tariff, 3_200, charged=lambda _: 51)


@rated("less than a second is talked, and nothing charged")
async def _(stage: Stage) -> Talked:
    caller = await stage.caller(1_000)
    talk = await talk_directly(stage, caller, replace(PRICE, connect_fee=euro(50)))
    await talk.caller.hang_up()
    return Talked(
        caller, replace(PRICE, connect_fee=euro(50)), "caller-hung-up", 1_000, lambda _: 0
    )


@rated("cut at the tariff's longest talk")
async def _(stage: Stage) -> Talked:
    tariff = replace(PRICE, maximum_seconds=4)
    return await _cut(stage, tariff, "maximum-reached", cents=1_000, seconds=4)


@rated("cut at the limit of one call")
async def _(stage: Stage) -> Talked:
    caller = await stage.caller(1_000, call_limit=euro(8))
    talk = await talk_directly(stage, caller, PRICE)
    told = ("call-limit-reached", "the-call-cost", "credit-left-is", "goodbye")
    await stage.told(talk.caller, *told)
    await talk.expert.wait_ended()
    return Talked(caller, PRICE, "call-limit-reached", 1_000, two_a_second, talk, 4)


@rated("lengthened across three grants, warned, then cut at zero")
async def _(stage: Stage) -> Talked:
    caller = await stage.caller(20)
    talk = await talk_directly(stage, caller, PRICE)
    began_us = whole_span(carried_spans(talk.expert.heard, talk.caller.spoken)).first_us
    # Nobody speaks over the warning; it is mixed into the talk for both.
    await asyncio.sleep(6.5)
    talk.caller.silent()
    talk.expert.silent()
    for call in (talk.caller, talk.expert):
        warned_us = await stage.hears(call, "warning", seconds=6)
        assert abs((warned_us - began_us) // 1_000 - 8_000) < 700
    talk.caller.speak(CALLER_TONE)
    talk.expert.speak(EXPERT_TONE)
    await stage.told(talk.caller, "credit-used-up", "the-call-cost", "goodbye")
    await stage.told(talk.expert, "caller-credit-used-up", "you-earned", "expert-goodbye")
    record = await stage.ended(caller)
    assert [grant.granted_seconds for grant in record.grants] == [6, 9, 10]
    assert [grant.final for grant in record.grants] == [False, False, True]
    return Talked(caller, PRICE, "credit-used-up", 20, two_a_second, talk, 10)


@rated("topped up in mid-call, and cut later for it")
async def _(stage: Stage) -> Talked:
    caller = await stage.caller(10)
    talk = await talk_directly(stage, caller, PRICE)
    await asyncio.sleep(2.5)
    async with stage.sessions.begin() as s:
        await accounts.top_up(
            s, caller.account_id, euro(6), idempotency_key=f"more-{caller.number}", at=_now()
        )
    await stage.told(talk.caller, "credit-used-up", "the-call-cost", "goodbye")
    await talk.expert.wait_ended()
    record = await stage.ended(caller)
    assert record.grants[0].granted_seconds == 5
    assert record.grants[-1].granted_seconds == 8
    return Talked(caller, PRICE, "credit-used-up", 16, two_a_second, talk, 8)


def _now() -> datetime:
    return datetime.now(UTC)


# What came of them.


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def talked(stage: Stage) -> AsyncIterator[Outcomes[Talked]]:
    yield await rated.play(stage)


@pytest.mark.parametrize("name", rated.names)
async def test_a_talk_costs_what_the_tariff_says(
    stage: Stage, talked: Outcomes[Talked], name: str
) -> None:
    came = talked.of(name)
    record = await stage.ended(came.caller)
    settlement = record.summary.settlement
    assert settlement is not None
    assert settlement.reason == came.reason
    assert record.tariff == came.tariff
    assert settlement.charge == charge(came.tariff, settlement.billed_seconds)
    charged = euro(came.charged(settlement.billed_seconds))
    assert settlement.charge == charged
    await evidence.nothing_left(stage, record.summary.call_id)
    recorded_ms = evidence.paid_ms(stage, record.summary.call_id)
    assert abs(_talked_ms(record) - recorded_ms) <= 20
    left = euro(came.cents) - charged
    assert await evidence.wallet(stage, came.caller) == evidence.Wallet(left.amount, 0)
    if came.seconds is None:
        assert settlement.billed_seconds == settlement.used_seconds
        return
    assert came.talk is not None
    assert settlement.billed_seconds == came.seconds
    # Never before what is paid for, by Asterisk's clock; and nearly not after it, at the phones.
    assert recorded_ms >= came.seconds * 1_000
    error_ms = cut_error_ms(
        whole_span(carried_spans(came.talk.caller.heard, came.talk.expert.spoken)),
        whole_span(carried_spans(came.talk.expert.heard, came.talk.caller.spoken)),
        came.seconds,
    )
    assert -20 <= error_ms <= LATEST_CUT_MS


def _talked_ms(record: CallRecord) -> int:
    return sum((interval.end_ms or 0) - interval.start_ms for interval in record.intervals)


async def test_two_calls_at_once_never_spend_more_than_the_wallet_holds(stage: Stage) -> None:
    # 0.26 are 13 s: two first grants of 6 s, and one second more for whoever asks first.
    caller = await stage.caller(26)
    talks = await asyncio.gather(*(talk_directly(stage, caller, PRICE) for _ in range(2)))
    assert await stage.available(caller) <= euro(2)
    await asyncio.gather(
        *(stage.told(talk.caller, "credit-used-up", "the-call-cost", "goodbye") for talk in talks)
    )
    await asyncio.gather(*(talk.expert.wait_ended() for talk in talks))
    settlements = [record.summary.settlement for record in await stage.records(caller)]
    billed = sorted(one.billed_seconds for one in settlements if one)
    assert billed == [6, 7]
    assert [one.charge for one in settlements if one] in (
        [euro(12), euro(14)],
        [euro(14), euro(12)],
    )
    assert await evidence.wallet(stage, caller) == evidence.Wallet(0, 0)
