"""One talk, free and paid in turns by the expert's keys, and topped up in its midst."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ari_app.calls.states import State
from billing.accounts import service as accounts
from billing.accounts import vouchers
from billing.calls import books
from billing.tariffs.rules import charge
from dialplan.prompts.values import Phrase
from tests.calls import evidence
from tests.calls.stage import PRICE, Stage, euro

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def checked(stage: Stage) -> None:
    async with stage.sessions() as s:
        assert await books.check(s) == []


async def test_paid_free_and_paid_again_is_billed_by_what_was_bridged_paid(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller()
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await asyncio.sleep(2.2)
    await stage.to_free_again(talk)

    # What was talked is paid at once, and nothing is held while nobody pays.
    record = await stage.record(caller)
    call_id = record.summary.call_id
    (first,) = record.intervals
    assert first.end_ms is not None
    paid = charge(PRICE, (first.end_ms - first.start_ms) // 1_000)
    wallet = await evidence.wallet(stage, caller)
    assert (wallet.posted, wallet.pending) == ((euro(1_000) - paid).amount, 0)

    # Declined: nothing is charged, they talk on.
    await stage.to_consenting(talk)
    await talk.caller.press("2")
    await stage.hears(talk.expert, "price-declined")
    await stage.hears(talk.caller, "stays-free")
    await evidence.reached(stage, call_id, State.TALKING_FREE)
    await asyncio.sleep(1)
    await stage.both_talk(talk)
    assert (await evidence.wallet(stage, caller)).pending == 0

    # Accepted: the money is held before the second paid stretch begins.
    await stage.to_consenting(talk)
    await talk.caller.press("1")
    await asyncio.sleep(1)
    await stage.both_talk(talk)
    assert (await evidence.wallet(stage, caller)).pending > 0
    await asyncio.sleep(1.5)
    await talk.caller.hang_up()

    record = await stage.ended(caller)
    settlement = record.summary.settlement
    assert settlement is not None
    assert settlement.charge is not None
    lengths = [(one.end_ms or 0) - one.start_ms for one in record.intervals]
    assert len(lengths) == 2
    assert settlement.charge == paid + charge(PRICE, lengths[1] // 1_000)
    assert settlement.used_seconds == sum(length // 1_000 for length in lengths)
    await evidence.nothing_left(stage, call_id)
    # Each paid stretch is one in Asterisk's own record, to 20 ms; no free one is.
    assert abs(sum(lengths) - evidence.paid_ms(stage, call_id)) <= 20
    states = [state for _, state in evidence.changes(stage, call_id)]
    assert states.count(State.CONSENTING) == 2
    await checked(stage)


async def test_free_seconds_are_promised_and_given_once_a_call(stage: Stage) -> None:
    tariff = replace(PRICE, free_seconds=2)
    expert, caller = await stage.expert(tariff=tariff), await stage.caller()
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await asyncio.sleep(3.2)
    await stage.to_free_again(talk)
    since_us = time.time_ns() // 1_000
    await talk.expert.press("*7")
    told = Phrase("price", tariff.after_paid_talk)
    since_us = await stage.hears(talk.caller, told, since_us=since_us)
    await stage.hears(talk.caller, "press-1-or-2", since_us=since_us)
    await asyncio.sleep(0.2)
    await talk.caller.press("1")
    await asyncio.sleep(1)
    await stage.both_talk(talk)
    await asyncio.sleep(1.5)
    await talk.caller.hang_up()
    record = await stage.ended(caller)
    settlement = record.summary.settlement
    assert settlement is not None
    seconds = [((one.end_ms or 0) - one.start_ms) // 1_000 for one in record.intervals]
    assert len(seconds) == 2
    assert settlement.charge == euro(2 * (sum(seconds) - 2))
    await checked(stage)


async def test_an_act_by_key_is_held_before_it_begins_and_charged_once(stage: Stage) -> None:
    sold = replace(PRICE, price_per_act=euro(300), act_minimum_seconds=1)
    expert, caller = await stage.expert(tariff=sold), await stage.caller()
    await stage.say(Phrase("price", sold.by("act")))
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await asyncio.sleep(1.2)
    await stage.to_free_again(talk)
    (first,) = (await stage.record(caller)).intervals
    since_us = time.time_ns() // 1_000
    await talk.expert.press("*8")
    await stage.hears(talk.caller, Phrase("price", sold.by("act")), since_us=since_us)
    await stage.hears(talk.caller, "press-1-or-2", since_us=since_us)
    assert (await evidence.wallet(stage, caller)).pending == 0
    await asyncio.sleep(0.2)
    await talk.caller.press("1")
    await asyncio.sleep(1)
    await stage.both_talk(talk)
    assert (await evidence.wallet(stage, caller)).pending == euro(300).amount
    await asyncio.sleep(2)
    await talk.caller.hang_up()
    settlement = (await stage.ended(caller)).summary.settlement
    assert settlement is not None
    minutes = charge(PRICE, ((first.end_ms or 0) - first.start_ms) // 1_000)
    assert settlement.charge == minutes + euro(300)
    await checked(stage)


async def test_a_voucher_keyed_in_the_talk_lengthens_it_and_the_meter_stands_still(
    stage: Stage,
) -> None:
    expert, caller = await stage.expert(), await stage.caller(10)
    async with stage.sessions.begin() as s:
        batch = await vouchers.add_batch(
            s, count=1, amount=euro(500), key=stage.system.secret_key, at=datetime.now(UTC)
        )
    talk = await stage.to_talk(caller, await stage.number(), expert)
    began = time.monotonic()
    await stage.to_topping_up(talk)
    await stage.hears(talk.expert, "caller-tops-up")
    (code,) = batch.codes
    await talk.caller.press(code)
    await stage.hears(talk.caller, "voucher-credited")
    await asyncio.sleep(1)
    await stage.both_talk(talk)
    # Five seconds were bought before; with the pause they are long over.
    await asyncio.sleep(max(0.0, 7 - (time.monotonic() - began)))
    assert talk.caller.state.name == "UP"
    await asyncio.sleep(1)
    await talk.expert.hang_up()
    record = await stage.ended(caller)
    call_id, settlement = record.summary.call_id, record.summary.settlement
    assert settlement is not None
    talked_ms = sum((one.end_ms or 0) - one.start_ms for one in record.intervals)
    assert len(record.intervals) == 2
    # One segment: whole seconds are counted once over both stretches.
    assert settlement.used_seconds == talked_ms // 1_000
    assert settlement.charge == charge(PRICE, settlement.used_seconds)
    assert abs(talked_ms - evidence.paid_ms(stage, call_id)) <= 20
    assert talked_ms / 1_000 < time.monotonic() - began - 1.5
    await checked(stage)


async def test_keys_that_are_no_code_are_heard_by_the_other_side(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller()
    talk = await stage.to_talk(caller, await stage.number(), expert)
    await talk.caller.press("4*3")
    await talk.expert.wait_until(
        lambda: "".join(one.key for one in talk.expert.keys) == "4*3", "the keys", seconds=5
    )
    await talk.caller.hang_up()
    await stage.ended(caller)


async def test_a_known_caller_begins_free_and_is_charged_from_his_consent_on(
    stage: Stage,
) -> None:
    expert, caller = await stage.expert(), await stage.caller()
    number = await stage.number(begins_free=True)
    talk = await stage.to_free_talk(caller, number, expert)
    assert (await evidence.wallet(stage, caller)).pending == 0
    await stage.to_consenting(talk)
    await talk.caller.press("1")
    await asyncio.sleep(1)
    await stage.both_talk(talk)
    await asyncio.sleep(1.5)
    await talk.expert.hang_up()
    record = await stage.ended(caller)
    (interval,) = record.intervals
    settlement = record.summary.settlement
    assert settlement is not None
    used = ((interval.end_ms or 0) - interval.start_ms) // 1_000
    assert used >= 1
    assert settlement.charge == charge(PRICE, used)
    await checked(stage)


async def test_a_talk_that_stayed_free_costs_a_known_caller_nothing(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller()
    talk = await stage.to_free_talk(caller, await stage.number(begins_free=True), expert)
    await talk.caller.hang_up()
    record = await stage.ended(caller)
    assert not record.intervals
    assert await stage.available(caller) == euro(1_000)
    await checked(stage)


async def test_a_top_up_from_outside_is_warned_of_anew_and_talked_to_its_end(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller(10)
    talk = await stage.to_talk(caller, await stage.number(), expert)
    # It is played over the talk, and so only heard alone in silence.
    talk.caller.silent()
    talk.expert.silent()
    await stage.hears(talk.caller, "warning")
    now = datetime.now(UTC)
    async with stage.sessions.begin() as s:
        key = f"again {caller.number}"
        await accounts.top_up(s, caller.account_id, euro(12), idempotency_key=key, at=now)
    warned_us = time.time_ns() // 1_000 + 500_000
    await stage.hears(talk.caller, "warning", since_us=warned_us, seconds=12)
    await stage.hears(talk.caller, "credit-used-up", since_us=warned_us)
    settlement = (await stage.ended(caller)).summary.settlement
    assert settlement is not None
    assert (settlement.billed_seconds, settlement.charge) == (11, euro(22))
    await checked(stage)
