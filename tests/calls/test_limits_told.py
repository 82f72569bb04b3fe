"""Spending limits on real calls: named to the caller, asked for a PIN, and exact."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from billing.charging.limits import set_limits
from billing.money.values import Money
from tests.calls.stage import PIN, Stage, euro

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def limited(stage: Stage, number: str, **amounts: Money) -> None:
    """Set limits of one of our numbers."""
    async with stage.sessions.begin() as s:
        query = text("SELECT id FROM numbers WHERE e164 = :number AND removed_at IS NULL")
        number_id = await s.scalar(query, {"number": number})
        await set_limits(s, number_id=number_id, currency="EUR", values=amounts, expected=None)


async def test_a_caller_whose_number_alone_is_not_enough_pays_after_his_pin(stage: Stage) -> None:
    # Three cents buy a second and a half, less than the least talk.
    expert, caller = await stage.expert(), await stage.caller(8, alone_cents=3)
    call = await stage.to_choosing(caller, await stage.number())
    await call.press(f"{expert.extension}#")
    await stage.hears(call, "enter-pin")
    await call.press(f"{PIN}#", hold_ms=60, gap_ms=60)
    heard_us = await stage.hears(call, "press-1-to-accept")
    await call.press("1")
    ringing = await expert.phone.wait_incoming()
    await ringing.answer()
    await stage.hears(ringing, "press-1-or-3")
    await ringing.press("1")
    await stage.hears(call, "credit-used-up", since_us=heard_us, seconds=12)
    await call.wait_ended()
    record = await stage.ended(caller)
    assert record.summary.settlement is not None
    assert record.summary.settlement.charge == euro(8)
    assert record.summary.reason == "credit-used-up"


async def test_the_limit_of_a_number_cuts_the_call_and_refuses_the_next_by_its_name(
    stage: Stage,
) -> None:
    expert, caller = await stage.expert(), await stage.caller(100)
    number, other = await stage.number(expert=expert), await stage.number(expert=expert)
    await limited(stage, number, per_caller_day=euro(8))
    talk = await stage.to_ringing_directly(caller, number, expert)
    await talk.expert.answer()
    await stage.hears(talk.expert, "press-1-or-3")
    await talk.expert.press("1")
    await stage.hears(talk.caller, "number-limit-reached", seconds=12)
    await stage.hears(talk.expert, "caller-limit-reached", since_us=1)
    await talk.caller.wait_ended()
    record = await stage.ended(caller)
    assert record.summary.settlement is not None
    assert record.summary.settlement.charge == euro(8)
    assert record.summary.reason == "number-limit-reached"

    began = datetime.now(UTC)
    call = await stage.dial(caller, number)
    await stage.told(call, "number-limit-reached", "nothing-charged", "goodbye")
    refused = await stage.ended(caller)
    assert refused.summary.received_at >= began
    assert refused.summary.reason == "number-limit-reached"
    assert refused.summary.settlement is not None
    assert not refused.summary.settlement.charge
    # Another number of ours has no such limit.
    call = await stage.dial(caller, other)
    await stage.hears(call, "press-1-to-accept")
    await call.hang_up()
    assert await stage.available(caller) == euro(92)
