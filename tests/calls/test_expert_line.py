"""The expert line on a real Asterisk: presence, earnings and price by keypad, heard by callers."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from billing.catalogue import pins, pricing
from billing.catalogue.values import PriceBounds
from billing.pins.rules import FAILURES_A_DAY
from billing.shares.service import set_share
from billing.shares.values import ShareRule
from dialplan.prompts.spoken import sum_phrases
from dialplan.prompts.values import Phrase
from primeline.phones import PhoneCall
from tests.calls.stage import PRICE, ExpertOnStage, Stage, euro

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXPERT_PIN = "50618347"


async def key(call: PhoneCall, keys: str) -> None:
    await call.press(keys, hold_ms=60, gap_ms=60)


async def expert_with_pin(stage: Stage) -> ExpertOnStage:
    expert = await stage.expert()
    async with stage.sessions.begin() as s:
        await pins.set_pin(s, expert.expert_id, EXPERT_PIN)
        await pricing.set_bounds(s, expert.expert_id, PriceBounds(euro(100), euro(300)))
        await set_share(s, ShareRule(), expert_id=expert.expert_id, at=datetime.now(UTC))
    return expert


async def to_menu(stage: Stage, expert: ExpertOnStage, number: str) -> PhoneCall:
    """From his own SIP phone, which has no number: his extension and PIN say who he is."""
    call = await expert.phone.call(number)
    await stage.hears(call, "enter-own-extension")
    await key(call, f"{expert.extension}#")
    await stage.hears(call, "enter-pin")
    await key(call, f"{EXPERT_PIN}#")
    return call


async def test_an_expert_goes_off_line_then_on_line_until_an_hour_and_callers_hear_it(
    stage: Stage,
) -> None:
    expert, number = await expert_with_pin(stage), await stage.line_number("expert-line")
    own, caller = await stage.number(expert=expert), await stage.caller()
    line = await to_menu(stage, expert, number)
    await stage.hears(line, "you-are-on-line")
    await key(line, "2")
    await stage.hears(line, "you-are-off-line")
    call = await stage.dial(caller, own)
    await stage.told(call, "expert-away")
    await key(line, "3")
    await stage.hears(line, "enter-hour")
    await key(line, "2561")
    await stage.hears(line, "no-such-hour")
    await key(line, "2359")
    await stage.hears(line, "you-are-on-line-until")
    await stage.hears(line, Phrase("hours", 23))
    await key(line, "9")
    await stage.told(line, "expert-goodbye")
    call = await stage.dial(caller, own)
    await stage.hears(call, "press-1-to-accept")
    await call.hang_up()
    async with stage.sessions.begin() as s:
        hour = text("UPDATE experts SET available_until = now() WHERE id = :id")
        await s.execute(hour, {"id": expert.expert_id})
    call = await stage.dial(caller, own)
    await stage.told(call, "expert-away")


async def test_what_was_earned_and_a_new_price_are_heard_and_the_next_call_costs_it(
    stage: Stage,
) -> None:
    expert, number = await expert_with_pin(stage), await stage.line_number("expert-line")
    own, caller = await stage.number(expert=expert), await stage.caller()
    line = await to_menu(stage, expert, number)
    await stage.hears(line, "expert-menu")
    await key(line, "4")
    await stage.hears(line, "nothing")
    await key(line, "5")
    await stage.hears(line, "enter-price")
    await key(line, "301#")
    await stage.hears(line, "price-out-of-bounds")
    await key(line, "300#")
    await stage.hears(line, "new-price")
    await key(line, "1")
    await stage.hears(line, "price-set")
    await line.hang_up()

    dearer = replace(PRICE, price_per_minute=euro(300))
    await stage.say(Phrase("price", dearer))
    call = await stage.dial(caller, own)
    await stage.hears(call, Phrase("price", dearer))
    await stage.hears(call, "press-1-to-accept")
    await call.press("1")
    incoming = await expert.phone.wait_incoming()
    await incoming.answer()
    await stage.hears(incoming, "press-1-or-3")
    await incoming.press("1")
    await stage.hears(incoming, "tone")
    await stage.hears(call, "tone")
    await asyncio.sleep(2.5)
    await call.hang_up()
    await incoming.wait_ended()
    record = await stage.ended(caller)
    settlement = record.summary.settlement
    assert settlement is not None
    assert record.tariff == dearer
    assert settlement.charge == euro(5 * settlement.billed_seconds)
    assert settlement.charge >= euro(5)
    assert settlement.split is not None
    line = await to_menu(stage, expert, number)
    await stage.hears(line, "expert-menu")
    await key(line, "4")
    since_us = await stage.hears(line, "earned-today")
    (earned,) = sum_phrases(settlement.split.expert)
    await stage.hears(line, earned, since_us=since_us)
    await line.hang_up()


async def test_wrong_pins_lock_the_expert_line_for_him(stage: Stage) -> None:
    expert, number = await expert_with_pin(stage), await stage.line_number("expert-line")
    async with stage.sessions.begin() as s:
        await s.execute(
            text(
                "UPDATE expert_pins SET failures = :most, day_began_at = now()"
                " WHERE expert_id = :id"
            ),
            {"id": expert.expert_id, "most": FAILURES_A_DAY - 1},
        )
    call = await expert.phone.call(number)
    await stage.hears(call, "enter-own-extension")
    await key(call, f"{expert.extension}#")
    await stage.hears(call, "enter-pin")
    await key(call, "1111#")
    await stage.told(call, "expert-pin-locked", "expert-goodbye")
