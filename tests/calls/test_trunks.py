"""Trunks on a real Asterisk: how many calls come in, and how we come to a carrier."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import cast

import pytest

from billing.catalogue import phones
from billing.catalogue import service as catalogue
from billing.endpoints.digest import ha1_of
from billing.endpoints.trunks import add_trunk
from billing.endpoints.values import NumberFormat, Trunk
from billing.tariffs import service as tariffs
from dialplan.prompts.values import Phrase
from primeline.phones import Phone
from primeline.phones.digest import credentials
from primeline.phones.messages import Message, parameter, parse, quoted_fields, reply, uri_of
from tests.calls.stage import (
    CALLER_TONE,
    EXPERT_TONE,
    NARROW,
    PASSWORD,
    PRICE,
    Stage,
    Talk,
    stage_lines,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOST_SILENCE_MS = 500
"""Packets come every 20 ms; a busy machine may be late with some."""
HOME, PRESENTED = "+33199001277", "+33199001200"


async def test_a_trunk_brings_no_more_calls_at_once_than_it_may(stage: Stage) -> None:
    number, caller = await stage.number(), await stage.caller()
    first = await stage.dial(caller, number, trunk=NARROW)
    await stage.hears(first, "enter-pin")
    second = await stage.dial(stage.stranger(), number, trunk=NARROW)
    await second.wait_ended()
    assert (second.code, second.cause) == (503, 34)
    await first.hang_up()
    await stage.ended(caller)
    third = await stage.dial(caller, number, trunk=NARROW)
    await stage.hears(third, "enter-pin")
    await third.hang_up()


async def test_a_trunk_with_addresses_and_a_password_needs_the_password_too(stage: Stage) -> None:
    both = Trunk("both", addresses=("127.0.0.1",), ha1=ha1_of("both", PASSWORD))
    async with stage.sessions.begin() as s:
        await add_trunk(s, both)
    number, caller = await stage.number(), await stage.caller()
    await stage.system.use_lines(stage_lines(both))
    try:
        async with Phone(both.name, "another-password", server=stage.server) as wrong:
            refused = await wrong.call(number, caller_number=caller.number)
            await refused.wait_ended()
        assert refused.code == 401
        assert await stage.records(caller) == []
        taken = await stage.dial(caller, number, trunk=both.name)
        await stage.hears(taken, "enter-pin")
        await taken.hang_up()
        await stage.ended(caller)
    finally:
        await stage.system.use_lines(stage_lines())


async def test_a_trunk_added_and_removed_meanwhile_leaves_a_talk_alone(stage: Stage) -> None:
    expert, caller, number = await stage.expert(), await stage.caller(), await stage.number()
    talk = await stage.to_talk(caller, number, expert)
    began = len(talk.caller.heard)
    more = Trunk("more", addresses=("203.0.113.10",))
    assert await stage.system.use_lines(stage_lines(more))
    await stage.both_talk(talk)
    assert await stage.system.use_lines(stage_lines())
    await stage.both_talk(talk)
    heard = [frame.at_us for frame in list(talk.caller.heard)[began:]]
    await talk.caller.hang_up()
    record = await stage.ended(caller)
    assert record.summary.reason == "caller-hung-up"
    longest_ms = max(later - earlier for earlier, later in pairwise(heard)) // 1_000
    assert longest_ms < MOST_SILENCE_MS


async def _until(done: Callable[[], bool], *, seconds: int = 10) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _far_end(stage: Stage) -> AsyncIterator[tuple[Phone, Trunk]]:
    """A carrier that calls out are sent to, known to Asterisk as the trunk `out`."""
    async with Phone("far", PASSWORD, server=stage.server) as far:
        trunk = Trunk(
            "out",
            host=f"127.0.0.1:{far.port}",
            presented_number=PRESENTED,
            outbound=NumberFormat("national"),
        )
        await stage.system.use_lines(stage_lines(trunk))
        try:
            await _until(lambda: "Avail" in stage.system.asterisk.command("pjsip show contacts"))
            yield far, trunk
        finally:
            await stage.system.use_lines(stage_lines())


async def test_an_expert_at_an_ordinary_number_is_paid_for_and_nobody_learns_a_number(
    stage: Stage,
) -> None:
    now = datetime.now(UTC)
    await stage.say(Phrase("expert-name", "Far Expert"), Phrase("price", PRICE))
    async with _far_end(stage) as (far, trunk):
        async with stage.sessions.begin() as s:
            await add_trunk(s, trunk)
            kept = await tariffs.add_version(
                s, name="far tariff", tariff=PRICE, valid_from=now, at=now
            )
            expert_id = await catalogue.add_expert(
                s,
                name="Far Expert",
                extension="7001",
                endpoints=[],
                tariff_id=kept.tariff_id,
                at=now,
            )
            await phones.add_ordinary_phone(s, expert_id, HOME, trunk="out")
        caller, number = await stage.caller(), await stage.number()
        line = await stage.line()
        call = await line.call(number, caller_number=caller.number)
        await stage.hears(call, "enter-extension")
        await call.press("7001#")
        await stage.hears(call, "press-1-to-accept")
        await call.press("1")
        incoming = await far.wait_incoming()
        await incoming.answer()
        await stage.hears(incoming, "press-1-or-3")
        call.speak(CALLER_TONE)
        incoming.speak(EXPERT_TONE)
        await incoming.press("1")
        await stage.both_talk(Talk(call, incoming))
        await call.hang_up()
        await incoming.wait_ended()
        record = await stage.ended(caller)
        to_far, to_caller = _received(far), _received(line)
    assert [dial.endpoint for dial in record.dials] == [HOME]
    assert record.summary.settlement is not None
    assert incoming.invite is not None
    assert incoming.invite.start.startswith(f"INVITE sip:0199001277@127.0.0.1:{far.port}")
    assert uri_of(incoming.invite.get("from")).startswith("sip:0199001200@")
    for secret in (caller.number[3:], number[3:], "carrier"):
        assert secret not in to_far
    for secret in (HOME[3:], PRESENTED[3:], str(far.port), "Far Expert"):
        assert secret not in to_caller


def _received(phone: Phone) -> str:
    return "\n".join(message.text for message in phone.wire.log if not message.sent)


CHALLENGE = ("WWW-Authenticate", 'Digest realm="far away", nonce="once", algorithm=MD5')


class Registrar(asyncio.DatagramProtocol):
    """A carrier that asks who registers, and keeps what it got."""

    def __init__(self) -> None:
        self.proved: list[Message] = []
        self.port = 0
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = parse(data)
        given = quoted_fields(request.get("authorization"))
        code = 200 if request.method == "OPTIONS" or given else 401
        answer = reply(request, code, "So", tag="far")
        if code == 401:
            answer.headers.append(CHALLENGE)
        elif request.method == "REGISTER":
            own = credentials(
                Message("SIP/2.0 401 So", [CHALLENGE]),
                method="REGISTER",
                uri=given["uri"],
                user="us",
                password="semi;colon",
            )
            assert own is not None
            if given["response"] == quoted_fields(own[1])["response"]:
                self.proved.append(request)
            answer.headers.append(("Contact", f"{request.get('contact')};expires=600"))
        self._transport.sendto(answer.render(), addr)


async def test_we_register_at_a_carrier_with_the_password_it_gave_us(stage: Stage) -> None:
    loop = asyncio.get_running_loop()
    transport, registrar = await loop.create_datagram_endpoint(
        Registrar, local_addr=("127.0.0.1", 0)
    )
    trunk = Trunk(
        "registers",
        host=f"127.0.0.1:{registrar.port}",
        username="us",
        sealed_password="kept elsewhere",
        register=True,
        presented_number=PRESENTED,
        outbound=NumberFormat("e164"),
    )
    lines = replace(stage_lines(trunk), passwords={"registers": "semi;colon"})
    try:
        await stage.system.use_lines(lines)
        await _until(lambda: bool(registrar.proved))
    finally:
        await stage.system.use_lines(stage_lines())
        transport.close()
    first = registrar.proved[0]
    assert uri_of(first.get("from")).startswith("sip:us@127.0.0.1")
    assert uri_of(first.get("contact")).startswith("sip:33199001200@")
    assert parameter(first.get("from"), "tag")
