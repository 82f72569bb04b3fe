"""The account line on a real Asterisk: what a caller hears and changes of his account by keypad."""

import signal
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from billing.accounts import vouchers
from billing.accounts.vouchers import NewBatch
from billing.pins.rules import FAILURES_A_DAY
from dialplan.prompts.spoken import sum_phrases
from dialplan.prompts.values import Phrase
from primeline.phones import PhoneCall
from tests.calls.stage import PIN, CallerOnStage, Stage, euro
from tests.calls.test_secrets import (
    by_call,
    files_written,
    holds_in_order,
    holds_whole,
    random_pin,
    rows_stored,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def key(call: PhoneCall, keys: str) -> None:
    await call.press(keys, hold_ms=60, gap_ms=60)


async def to_menu(stage: Stage, caller: CallerOnStage, number: str) -> PhoneCall:
    """The right PIN was keyed and the balance told."""
    call = await stage.dial(caller, number)
    await stage.hears(call, "enter-pin")
    await key(call, f"{PIN}#")
    await stage.hears(call, "balance-is")
    return call


async def make_vouchers(stage: Stage, count: int, cents: int = 1_000) -> NewBatch:
    async with stage.sessions.begin() as s:
        return await vouchers.add_batch(
            s,
            count=count,
            amount=euro(cents),
            key=stage.system.secret_key,
            at=datetime.now(UTC),
        )


async def result_of(stage: Stage, caller: CallerOnStage) -> str | None:
    record = await stage.ended(caller)
    async with stage.sessions() as s:
        query = text("SELECT result FROM line_sessions WHERE call_id = :id")
        found: str | None = await s.scalar(query, {"id": record.summary.call_id})
        return found


async def test_with_his_pin_a_caller_hears_his_credit_even_by_a_number_that_is_enough_elsewhere(
    stage: Stage,
) -> None:
    caller, number = await stage.caller(1_234), await stage.line_number("account-line")
    call = await to_menu(stage, caller, number)
    (credit,) = sum_phrases(euro(1_234))
    await stage.hears(call, credit)
    await stage.hears(call, "account-menu")
    await key(call, "9")
    await stage.told(call, "goodbye")
    record = await stage.ended(caller)
    assert record.summary.reason == "self-service"
    assert record.ledger == ()
    assert await stage.available(caller) == euro(1_234)
    assert await result_of(stage, caller) == "done"
    whats = [entry.what for entry in record.timeline]
    assert "handed over" in whats
    assert "PIN right" in whats


async def test_a_voucher_is_redeemed_and_a_used_one_refused(stage: Stage) -> None:
    caller, number = await stage.caller(500), await stage.line_number("account-line")
    (code,) = (await make_vouchers(stage, 1)).codes
    call = await to_menu(stage, caller, number)
    await key(call, "2")
    await stage.hears(call, "enter-voucher")
    await key(call, code)
    await stage.hears(call, "voucher-credited")
    await stage.hears(call, Phrase("amount", euro(1_500)))
    assert await stage.available(caller) == euro(1_500)
    await key(call, "2")
    await stage.hears(call, "enter-voucher")
    await key(call, code)
    await stage.hears(call, "voucher-used")
    await call.hang_up()
    assert await stage.available(caller) == euro(1_500)


async def test_three_wrong_pins_end_the_call(stage: Stage) -> None:
    caller, number = await stage.caller(), await stage.line_number("account-line")
    call = await stage.dial(caller, number)
    for said in ("enter-pin", "wrong-pin", "wrong-pin"):
        await stage.hears(call, said)
        await key(call, "1111#")
    await stage.told(call, "wrong-pin", "goodbye")
    assert await result_of(stage, caller) == "pin-wrong"


async def test_too_many_wrong_pins_of_strangers_stop_them_on_the_line_as_in_a_call(
    stage: Stage,
) -> None:
    caller, number = await stage.caller(), await stage.line_number("account-line")
    async with stage.sessions.begin() as s:
        query = text(
            "INSERT INTO pin_states (account_id, failures, lockouts, day_began_at)"
            " VALUES (:id, :failures, 0, now())"
        )
        await s.execute(query, {"id": caller.account_id, "failures": FAILURES_A_DAY - 1})
    call = await stage.dial(caller, number)
    await stage.hears(call, "enter-pin")
    await key(call, "1111#")
    await stage.told(call, "pin-locked", "goodbye")
    call = await stage.dial(caller, number)
    await stage.told(call, "pin-locked", "goodbye")


async def test_a_server_that_hangs_or_is_gone_leaves_no_silence(stage: Stage) -> None:
    caller, number = await stage.caller(), await stage.line_number("account-line")
    stage.system.kill("agi", signal.SIGSTOP)
    try:
        call = await stage.dial(caller, number)
        await stage.hears(call, "apology")
        await call.wait_ended()
        assert call.code == 503  # never answered, and to be routed elsewhere
    finally:
        stage.system.kill("agi", signal.SIGCONT)
    stage.system.kill("agi", signal.SIGKILL)
    await stage.system.ended("agi")
    call = await stage.dial(caller, number)
    await stage.hears(call, "apology")
    await call.wait_ended()
    assert call.code == 503
    await stage.system.start("agi")
    call = await stage.dial(caller, number)
    await stage.hears(call, "enter-pin")
    stage.system.kill("agi", signal.SIGKILL)
    await stage.told(call, "apology")
    await stage.system.ended("agi")
    await stage.system.start("agi")
    assert await stage.available(caller) == euro(1_000)


async def test_keyed_pin_and_voucher_code_are_nowhere_afterwards(stage: Stage) -> None:
    pin = random_pin()
    caller, number = await stage.caller(pin=pin), await stage.line_number("account-line")
    code, unused = (await make_vouchers(stage, 2)).codes
    call = await stage.dial(caller, number)
    await stage.hears(call, "enter-pin")
    await key(call, f"{pin}#")
    await stage.hears(call, "balance-is")
    await key(call, "2")
    await stage.hears(call, "enter-voucher")
    await key(call, code)
    await stage.hears(call, "voucher-credited")
    await call.hang_up()
    record = await stage.ended(caller)
    names = [str(record.summary.call_id)]
    files, tables = files_written(stage), await rows_stored(stage)
    assert by_call(files["agi.log"], names)
    assert by_call([row.whole for row in tables["public.timeline_entries"]], names)
    for secret in (pin, code, unused):
        for name, lines in files.items():
            assert holds_whole(lines, secret) == [], name
            assert holds_in_order(by_call(lines, names), secret) is None, name
        for name, rows in tables.items():
            assert holds_whole([row.whole for row in rows], secret) == [], name
