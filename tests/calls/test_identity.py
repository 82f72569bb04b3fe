"""Who is who: a PIN unless the line vouches for the number; neither side learns of the other."""

import re

import pytest

from primeline.phones import Phone, PhoneCall
from tests.calls import evidence
from tests.calls.stage import (
    CARRIER,
    PASSWORD,
    PIN,
    STRANGER,
    CallerOnStage,
    Stage,
    euro,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

CREDIT = 1_000


async def _dial_as(phone: Phone, victim: CallerOnStage, number: str, header: str) -> PhoneCall:
    """One SIP message with the victim's number in one place and our own in all others."""
    if header == "From":
        return await phone.call(number, caller_number=victim.number)
    told = f"<sip:{victim.number}@127.0.0.1>"
    return await phone.call(number, caller_number="+33639989999", headers=((header, told),))


async def _unchanged(stage: Stage, victim: CallerOnStage) -> None:
    assert await evidence.wallet(stage, victim) == evidence.Wallet(euro(CREDIT).amount, 0)


@pytest.mark.parametrize("header", ["From", "P-Asserted-Identity", "P-Preferred-Identity"])
async def test_a_forged_number_from_an_untrusted_trunk_never_gets_past_the_pin(
    stage: Stage, header: str
) -> None:
    victim, expert = await stage.caller(CREDIT), await stage.expert()
    line = await stage.line(STRANGER)
    call = await _dial_as(line, victim, await stage.number(expert=expert), header)
    if header == "From":
        # That is where this trunk's caller number stands: it names the account, no more.
        await stage.hears(call, "enter-pin")
        await call.press("1#1#1#", hold_ms=60, gap_ms=200)
        await stage.told(call, "wrong-pin", "goodbye")
        assert (await stage.ended(victim)).summary.reason == "pin-wrong"
    else:
        await stage.told(call, "caller-unknown", "goodbye")
    assert expert.phone.calls == []
    await _unchanged(stage, victim)


@pytest.mark.parametrize("header", ["From", "P-Asserted-Identity", "P-Preferred-Identity"])
async def test_a_forged_number_from_a_registered_phone_names_nobody(
    stage: Stage, header: str
) -> None:
    victim, expert = await stage.caller(CREDIT), await stage.expert()
    attacker = (await stage.expert()).phone
    call = await _dial_as(attacker, victim, await stage.number(expert=expert), header)
    await stage.told(call, "caller-unknown", "goodbye")
    assert expert.phone.calls == []
    await _unchanged(stage, victim)


@pytest.mark.parametrize("header", ["From", "P-Asserted-Identity", "P-Preferred-Identity"])
async def test_a_forged_number_without_a_trunks_password_is_no_call_at_all(
    stage: Stage, header: str
) -> None:
    victim = await stage.caller(CREDIT)
    number = await stage.number()
    async with Phone(CARRIER, "not-the-password", server=stage.server) as phone:
        call = await _dial_as(phone, victim, number, header)
        await call.wait_ended()
        assert call.code in {401, 403}
    await _unchanged(stage, victim)
    with pytest.raises(AssertionError, match="no such call"):
        await stage.record(victim)


async def test_the_trusted_trunks_asserted_identity_counts(stage: Stage) -> None:
    caller = await stage.caller(CREDIT)
    line = await stage.line(CARRIER)
    call = await _dial_as(line, caller, await stage.number(), "P-Asserted-Identity")
    await stage.hears(call, "enter-extension")
    await call.hang_up()
    await stage.ended(caller)


@pytest.mark.parametrize(
    ("alone", "trunk", "asked"),
    [(True, CARRIER, False), (True, STRANGER, True), (False, CARRIER, True)],
)
async def test_a_pin_is_asked_unless_account_and_trunk_both_vouch_for_the_number(
    stage: Stage, alone: bool, trunk: str, asked: bool
) -> None:
    caller = await stage.caller(CREDIT, alone=alone)
    call = await stage.dial(caller, await stage.number(), trunk=trunk)
    if asked:
        await stage.hears(call, "enter-pin")
        await call.press(f"{PIN}#", hold_ms=60, gap_ms=60)
    await stage.hears(call, "enter-extension")
    await call.hang_up()
    record = await stage.ended(caller)
    said = [entry.detail for entry in record.timeline if entry.what == "identified"]
    assert said == [{"by": "PIN" if asked else "number"}]


async def test_past_the_days_allowance_for_the_number_alone_a_pin_is_asked(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller(CREDIT, alone_cents=4)
    number = await stage.number(expert=expert)
    talk = await stage.to_ringing_directly(caller, number, expert)
    await talk.expert.answer()
    await stage.hears(talk.expert, "press-1-or-3")
    await talk.expert.press("1")
    await stage.told(talk.caller, "number-alone-limit-reached", "goodbye")
    await stage.ended(caller)
    call = await stage.dial(caller, number)
    await stage.hears(call, "enter-pin")
    await call.hang_up()
    assert await stage.available(caller) == euro(CREDIT - 4)


async def test_neither_side_learns_number_or_name_of_the_other(stage: Stage) -> None:
    expert, caller = await stage.expert(), await stage.caller(CREDIT)
    number = await stage.number()
    line = await stage.line()
    line.display_name = "Thisis Thecaller"
    call = await line.call(
        number,
        caller_number=caller.number,
        headers=(
            ("P-Asserted-Identity", f'"Thisis Thecaller" <sip:{caller.number}@127.0.0.1>'),
            ("Remote-Party-ID", f"<sip:{caller.number}@127.0.0.1>;party=calling"),
            ("Diversion", f"<sip:{caller.number}@127.0.0.1>;reason=unconditional"),
            ("Call-Info", f"<sip:{caller.number}@127.0.0.1>"),
        ),
    )
    await stage.hears(call, "enter-extension")
    await call.press(f"{expert.extension}#")
    await stage.hears(call, "press-1-to-accept")
    await call.press("1")
    incoming = await expert.phone.wait_incoming()
    await incoming.answer()
    await stage.hears(incoming, "press-1-or-3")
    await incoming.press("1")
    await stage.hears(incoming, "tone")
    await call.hang_up()
    await incoming.wait_ended()
    await stage.ended(caller)

    digits = caller.number.removeprefix("+")
    caller_secrets = {digits, digits[2:], digits[-8:], "Thecaller", "Thisis"}
    name = f"Expert {_name_of(expert.extension)}"
    expert_secrets = {expert.phone.user, name, str(expert.phone.port), PASSWORD}
    to_expert, to_caller = _received(expert.phone), _received(line)
    assert "INVITE" in to_expert
    assert "BYE" in to_expert or "SIP/2.0 200" in to_expert
    # The search finds what is there: what each phone sent itself, and what it was sent of its own.
    assert digits in _sent(line)
    assert expert.phone.user in to_expert
    assert _found(caller_secrets, to_expert) == set()
    assert _found(expert_secrets, to_caller) == set()
    # Nor the number that was dialled, nor the name of the trunk.
    assert _found({number.removeprefix("+"), CARRIER}, to_expert) == set()


def _found(secrets: set[str], text: str) -> set[str]:
    return {secret for secret in secrets if secret.lower() in text.lower()}


def _name_of(extension: str) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(int(extension) - 1_000))


def _received(phone: Phone) -> str:
    return "\n".join(message.text for message in phone.wire.log if not message.sent)


def _sent(phone: Phone) -> str:
    sent = "\n".join(message.text for message in phone.wire.log if message.sent)
    assert re.search(r"^INVITE ", sent, re.MULTILINE)
    return sent
