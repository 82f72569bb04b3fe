"""Receptions and what is written of a call while it goes on."""

from datetime import timedelta

import pytest

from billing.accounts import service as accounts
from billing.calls import service as calls
from billing.calls.errors import CallUnknown
from billing.calls.values import EndReason, Interval, TimelineEntry
from billing.catalogue import service as catalogue
from billing.catalogue.errors import ExpertUnknown, ExtensionTaken, NumberServed
from billing.catalogue.values import Availability
from billing.charging.values import Quote
from billing.endpoints.errors import InvalidEndpoint
from billing.kit.clock import to_ms
from billing.kit.ids import new_call_id
from billing.kit.phones import NumberInvalid
from tests.database.world import DIRECT, MENU, NOW, World, eur

START = to_ms(NOW)


@pytest.mark.parametrize("dialled", [MENU, "0199001234", "0033199001234", "33199001234"])
async def test_our_number_is_found_in_any_form_a_trunk_dials(world: World, dialled: str) -> None:
    async with world.sessions() as s:
        number = await catalogue.find_number(s, dialled, None)
    assert number is not None
    assert (number.e164, number.kind, number.expert) == (MENU, "menu", None)


async def test_a_direct_number_leads_to_its_expert_alone(world: World) -> None:
    async with world.sessions() as s:
        number = await catalogue.find_number(s, DIRECT, None)
        assert number is not None
        assert number.expert is not None
        assert number.expert.name == "Ada"
        assert await catalogue.find_extension(s, number, "11") == number.expert
        assert await catalogue.find_extension(s, number, "12") is None


async def test_a_menu_leads_to_every_extension_and_to_no_other(world: World) -> None:
    async with world.sessions() as s:
        number = await catalogue.find_number(s, MENU, None)
        assert number is not None
        ben = await catalogue.find_extension(s, number, "12")
        assert ben is not None
        assert (ben.name, ben.availability) == ("Ben", Availability.AVAILABLE)
        for digits in ("13", "", "1", "112", "1' OR '1'='1"):
            assert await catalogue.find_extension(s, number, digits) is None


async def test_a_number_that_isnt_ours_is_received_as_such(world: World) -> None:
    async with world.sessions.begin() as s:
        reception = await calls.receive(
            s,
            call_id=(call_id := new_call_id()),
            asterisk_id="asterisk",
            channel_id="1.1",
            dialled="+33199009999",
            caller_number=None,
            trunk="carrier",
            language_default="fr",
            at=NOW,
        )
    assert (reception.number, reception.caller) == (None, None)
    record = await world.record(call_id)
    assert (record.summary.dialled, record.language) == ("+33199009999", "fr")


async def test_a_reception_said_twice_is_one_call(world: World) -> None:
    call_id = new_call_id()
    assert await world.receive_as(call_id) == await world.receive_as(call_id)
    async with world.sessions() as s:
        assert len(await calls.list_calls(s)) == 1


async def test_a_repeated_reception_never_spares_a_pin_that_was_asked_for(world: World) -> None:
    call_id = new_call_id()
    first = await world.receive_as(call_id, trunk="carrier")
    await world.set_limits(number_alone_limit=eur("5.00"))
    second = await world.receive_as(call_id, trunk="carrier")
    assert first.caller is not None
    assert second.caller is not None
    assert (first.caller.pin_needed, second.caller.pin_needed) == (True, True)


async def test_presence_decides_who_can_be_rung(world: World) -> None:
    for presence in ("away", "there-but-not-available"):
        async with world.sessions.begin() as s:
            await catalogue.set_presence(s, world.expert_id, presence)
        assert await world.availability(world.expert_id) is Availability.AWAY
    async with world.sessions() as s:
        with pytest.raises(ExpertUnknown):
            await catalogue.set_presence(s, world.account_id, "away")


@pytest.mark.parametrize(
    "endpoint", ["", "a&b", "a/b", "a@b", "PJSIP/x", "a\nb", "-a", "a b", "é", "a" * 80]
)
async def test_no_endpoint_can_become_another_dial_string(world: World, endpoint: str) -> None:
    async with world.sessions() as s:
        with pytest.raises(InvalidEndpoint):
            await catalogue.add_expert(
                s, name="Eve", extension="19", endpoints=[endpoint], tariff_id=None, at=NOW
            )


async def test_what_is_taken_or_missing_is_said(world: World) -> None:
    async with world.sessions() as s:
        with pytest.raises(ExtensionTaken):
            await catalogue.add_expert(
                s, name="Eve", extension="11", endpoints=[], tariff_id=None, at=NOW
            )
        with pytest.raises(NumberServed):
            await catalogue.add_number(s, number="01 99 00 12 34", kind="menu", at=NOW)
        with pytest.raises(ExpertUnknown):
            await catalogue.add_number(s, number="01 99 00 12 36", kind="direct", at=NOW)
        with pytest.raises(NumberInvalid):
            await catalogue.add_number(s, number="12", kind="menu", at=NOW)


async def test_a_restart_finds_all_it_needs(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    channel, bridge = f"{call_id}-expert-1", f"{call_id}-paid-1"
    later = NOW + timedelta(seconds=7)
    async with world.sessions.begin() as s:
        await calls.write_step(s, call_id, "ringing", consented_at_ms=START)
        await calls.answered(s, call_id, at_ms=to_ms(NOW))
        await calls.dial_attempted(
            s, call_id, attempt=1, phone_id=world.phone_id, channel_id=channel, at=NOW
        )
        await calls.dial_ended(s, call_id, attempt=1, result="up", at=NOW)
        await calls.dial_ended(s, call_id, attempt=1, result="no-answer", at=later)
        await calls.write_step(s, call_id, "ringing", accepted_at=NOW)
        await calls.talk_started(s, call_id, bridge=bridge, paid=True, start_ms=None, at=NOW)
    async with world.sessions() as s:
        (found,) = await calls.open_calls(s, "asterisk")
        assert (found.intervals, found.talk_bridge) == ((), bridge)
    async with world.sessions.begin() as s:
        await calls.talk_started(s, call_id, bridge=bridge, paid=True, start_ms=START, at=NOW)
        await calls.talk_started(s, call_id, bridge=bridge, paid=True, start_ms=START + 9, at=NOW)
        await calls.write_step(s, call_id, "talking-paid")
        await calls.heartbeat(s, [call_id], later)

    async with world.sessions() as s:
        assert await calls.open_calls(s, "another") == []
        (found,) = await calls.open_calls(s, "asterisk")
    assert found.call_id == call_id
    assert (found.state, found.expert_channel) == ("talking-paid", channel)
    assert found.intervals == (Interval(START, None),)
    assert found.number is not None
    assert found.expert is not None
    assert found.expert.expert_id == world.expert_id
    assert isinstance(found.quote, Quote)
    assert found.quote.affordable_seconds == 500
    assert found.grant is not None
    assert found.grant.held == eur("6.00")
    assert (found.received_at, found.last_seen_at) == (NOW, later)

    async with world.sessions.begin() as s:
        await calls.talk_stopped(s, call_id, bridge=bridge, end_ms=START + 5_000)
        await calls.talk_stopped(s, call_id, bridge=bridge, end_ms=START + 9_000)
    async with world.sessions() as s:
        (found,) = await calls.open_calls(s, "asterisk")
    assert found.intervals == (Interval(START, START + 5_000),)

    await world.settle(call_id, 5)
    async with world.sessions() as s:
        assert await calls.open_calls(s, "asterisk") == []
    record = await world.record(call_id)
    assert [(dial.endpoint, dial.result) for dial in record.dials] == [("expert-11", "up")]
    assert (record.accepted_at, record.consented_at_ms) == (NOW, START)


async def test_a_free_talk_is_found_with_its_beginning(world: World) -> None:
    call_id = new_call_id()
    await world.receive_as(call_id, number=None)
    async with world.sessions.begin() as s:
        await calls.talk_started(
            s, call_id, bridge=f"{call_id}-free-1", paid=False, start_ms=START, at=NOW
        )
    async with world.sessions() as s:
        (found,) = await calls.open_calls(s, "asterisk")
    assert (found.free_from_ms, found.quote, found.grant, found.intervals) == (
        START,
        None,
        None,
        (),
    )


async def test_an_ended_call_keeps_what_it_has(world: World) -> None:
    call_id = await world.receive()
    await world.settle(call_id, None, EndReason.NOTHING_KEYED)
    async with world.sessions.begin() as s:
        await calls.write_step(s, call_id, "choosing")
        await calls.heartbeat(s, [call_id], NOW + timedelta(hours=1))
    record = await world.record(call_id)
    assert (record.summary.state, record.summary.reason) == ("ended", "nothing-keyed")


async def test_the_timeline_is_read_in_asterisks_order(world: World) -> None:
    call_id = await world.receive()
    async with world.sessions.begin() as s:
        await calls.append_timeline(s, call_id, [TimelineEntry(START + 2, "b", {"n": 1})])
        await calls.append_timeline(s, call_id, [])
        await calls.append_timeline(s, call_id, [TimelineEntry(START + 1, "a", {})])
    assert (await world.record(call_id)).timeline == (
        TimelineEntry(START + 1, "a", {}),
        TimelineEntry(START + 2, "b", {"n": 1}),
    )


async def test_calls_are_listed_newest_first(world: World) -> None:
    first = await world.receive()
    world.now += timedelta(minutes=1)
    second = await world.receive()
    await world.settle(second, None, EndReason.NOTHING_KEYED)
    async with world.sessions() as s:
        assert [call.call_id for call in await calls.list_calls(s)] == [second, first]
        assert [call.call_id for call in await calls.list_calls(s, limit=1)] == [second]
        assert [call.call_id for call in await calls.list_calls(s, open_only=True)] == [first]
        with pytest.raises(CallUnknown):
            await calls.get_call(s, new_call_id())


async def test_a_caller_is_spoken_to_in_his_language(world: World) -> None:
    async with world.sessions.begin() as s:
        await accounts.add_caller(
            s, name="Luc", numbers=["+33639980003"], currency="EUR", language="fr", at=NOW
        )
    call_id = await world.receive(number="+33639980003")
    assert (await world.record(call_id)).language == "fr"
