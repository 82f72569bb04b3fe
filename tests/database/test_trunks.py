"""Trunks and experts' phones as they are kept: edits, removal, and what may be dialled."""

import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from billing.catalogue import phones, premium
from billing.catalogue import service as catalogue
from billing.catalogue.errors import ExpertUnknown, PhoneTwice
from billing.catalogue.experts import remove_expert
from billing.catalogue.listing import list_experts
from billing.catalogue.trunks import remove_trunk
from billing.endpoints import trunks
from billing.endpoints.errors import (
    DestinationRefused,
    EndpointTaken,
    PhoneUnknown,
    TrunkInUse,
    TrunkInvalid,
    TrunkUnknown,
)
from billing.endpoints.values import NumberFormat, Trunk
from billing.kit.versions import VersionConflict
from tests.database.test_premium_terms import TERMS
from tests.database.world import DIRECT, NOW, World

HOME = "+33199001277"
FIRST = frozenset({1})
OUT = Trunk(
    "out",
    host="sip.example.com",
    presented_number="+33199001200",
    outbound=NumberFormat("national", add="9"),
)


async def rung(world: World) -> list[str]:
    async with world.sessions() as s:
        choice = await catalogue.expert_choice(s, world.expert_id)
    assert choice is not None
    return [one.endpoint for one in choice.phones]


async def with_number(world: World, trunk: Trunk = OUT) -> None:
    async with world.sessions.begin() as s:
        await trunks.add_trunk(s, trunk)
        await phones.add_ordinary_phone(s, world.expert_id, HOME, trunk=trunk.name)


async def test_an_edit_raises_the_version_and_one_of_an_older_version_changes_nothing(
    world: World,
) -> None:
    async with world.sessions.begin() as s:
        first = await trunks.add_trunk(s, OUT)
        second = await trunks.change_trunk(s, replace(OUT, trusted=True), expected=FIRST)
    assert (first.version, second.version, first.trunk_id) == (1, 2, second.trunk_id)
    async with world.sessions.begin() as s:
        with pytest.raises(VersionConflict, match="it is at version 2"):
            await trunks.change_trunk(s, replace(OUT, region="BE"), expected=FIRST)
        with pytest.raises(VersionConflict):
            await trunks.remove_trunk(s, "out", expected=FIRST)
        with pytest.raises(TrunkInvalid):
            await trunks.change_trunk(s, replace(OUT, host=None, register=True), expected=None)
        with pytest.raises(TrunkUnknown):
            await trunks.change_trunk(s, replace(OUT, name="none"), expected=None)
        with pytest.raises(TrunkUnknown):
            await trunks.remove_trunk(s, "none")
        with pytest.raises(EndpointTaken):
            await trunks.add_trunk(s, replace(OUT, name="expert-11"))
        assert await trunks.get_trunk(s, "out") == second


async def test_each_field_of_a_trunk_is_kept(world: World) -> None:
    whole = Trunk(
        "whole",
        trusted=True,
        region="US",
        addresses=("203.0.113.10", "203.0.113.0/28"),
        ha1="0" * 32,
        inbound=NumberFormat("e164", strip="9", add="1"),
        maximum_calls=7,
        host="sip.example.com:5070",
        proxy="203.0.113.9",
        username="us",
        sealed_password="sealed",
        register=True,
        outbound=NumberFormat("00", strip="00", add="011"),
        presented_number="+12025550123",
        destinations=("US-fixed", "US-mobile"),
    )
    async with world.sessions.begin() as s:
        await trunks.add_trunk(s, whole)
    async with world.sessions() as s:
        assert (await trunks.get_trunk(s, "whole")).trunk == whole
        assert await trunks.find_trunk(s, "whole") == whole
    shown = str(trunks.shown(whole))
    assert "sealed" not in shown
    assert "0" * 32 not in shown


async def test_a_trunk_that_something_points_to_isnt_removed(world: World) -> None:
    await with_number(world)
    async with world.sessions.begin() as s:
        with pytest.raises(TrunkInUse, match="in use by an expert's phone"):
            await trunks.remove_trunk(s, "out")
        await phones.remove_ordinary_phone(s, world.expert_id, HOME, NOW)
        await trunks.remove_trunk(s, "out")
        assert await trunks.find_trunk(s, "out") is None


async def test_a_trunk_that_a_premium_rate_number_names_isnt_removed(world: World) -> None:
    async with world.sessions.begin() as s:
        await premium.add_terms(s, DIRECT, TERMS, valid_from=NOW, at=NOW)
        with pytest.raises(TrunkInUse, match=re.escape(f"the premium-rate number {DIRECT}")):
            await remove_trunk(s, "carrier")
        await remove_trunk(s, "untrusted")


async def test_an_expert_is_rung_at_an_ordinary_number_as_the_trunk_wants_it(world: World) -> None:
    await with_number(world)
    assert await rung(world) == ["expert-11", "90199001277@out"]
    async with world.sessions() as s:
        (ada, _) = await list_experts(s)
    assert ada.endpoints == ("expert-11", HOME)


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("112", "emergency"),
        ("+33899001277", "premium-rate"),
        ("+3225551212", "BE-fixed is not among"),
        ("0199001299", "one of our own"),
    ],
)
async def test_a_number_that_must_not_be_dialled_isnt_taken(
    world: World, number: str, why: str
) -> None:
    async with world.sessions.begin() as s:
        await trunks.add_trunk(s, OUT)
        await catalogue.add_number(s, number="+33199001299", kind="menu", at=NOW)
        with pytest.raises(DestinationRefused, match=why):
            await phones.add_ordinary_phone(s, world.expert_id, number, trunk="out")
    assert await rung(world) == ["expert-11"]


async def test_an_ordinary_number_needs_a_trunk_with_a_way_out_and_is_given_once(
    world: World,
) -> None:
    await with_number(world)
    async with world.sessions.begin() as s:
        with pytest.raises(PhoneTwice):
            await phones.add_ordinary_phone(s, world.expert_id, "01 99 00 12 77", trunk="out")
        with pytest.raises(TrunkInvalid, match="no calls go out"):
            await phones.add_ordinary_phone(s, world.expert_id, HOME, trunk="carrier")
        with pytest.raises(TrunkUnknown):
            await phones.add_ordinary_phone(s, world.expert_id, HOME, trunk="none")
        with pytest.raises(ExpertUnknown):
            await phones.add_ordinary_phone(s, UUID(int=1), HOME, trunk="out")
        with pytest.raises(PhoneUnknown):
            await phones.remove_ordinary_phone(s, world.other_expert_id, HOME, NOW)


async def test_a_number_no_longer_allowed_or_now_our_own_isnt_dialled(world: World) -> None:
    await with_number(world)
    async with world.sessions.begin() as s:
        known = await trunks.get_trunk(s, "out")
        mobile = replace(known.trunk, destinations=("FR-mobile",))
        await trunks.change_trunk(s, mobile, expected=None)
    assert await rung(world) == ["expert-11"]
    async with world.sessions.begin() as s:
        await trunks.change_trunk(s, known.trunk, expected=None)
    assert len(await rung(world)) == 2
    async with world.sessions.begin() as s:
        await catalogue.add_number(s, number=HOME, kind="menu", at=NOW)
    assert await rung(world) == ["expert-11"]


async def test_a_removed_phones_name_is_free_and_its_calls_still_name_it(world: World) -> None:
    call_id = await world.receive()
    async with world.sessions.begin() as s:
        await s.execute(
            text(
                "INSERT INTO dial_attempts (call_id, attempt, phone_id, channel_id, began_at)"
                " VALUES (:call, 1, :phone, 'x', :at)"
            ),
            {"call": call_id, "phone": world.phone_id, "at": NOW},
        )
        await phones.remove_sip_phone(s, "expert-11", NOW + timedelta(seconds=1))
        with pytest.raises(PhoneUnknown):
            await phones.remove_sip_phone(s, "expert-11", NOW)
        await phones.add_sip_phone(s, world.other_expert_id, "expert-11")
    assert await rung(world) == []
    async with world.sessions() as s:
        assert [one.endpoints for one in await list_experts(s)] == [(), ("expert-12", "expert-11")]
    assert [dial.endpoint for dial in (await world.record(call_id)).dials] == ["expert-11"]


async def test_a_phone_is_either_a_sip_phone_or_a_number_with_its_trunk(world: World) -> None:
    query = text(
        "INSERT INTO expert_phones (id, expert_id, position, endpoint, number)"
        " VALUES (gen_random_uuid(), :ada, 9, :endpoint, :number)"
    )
    for endpoint, number in (("x", HOME), (None, HOME), (None, None)):
        values = {"ada": world.expert_id, "endpoint": endpoint, "number": number}
        async with world.sessions() as s:
            with pytest.raises(IntegrityError):
                await s.execute(query, values)


async def test_an_expert_who_is_removed_gives_all_his_phones_back(world: World) -> None:
    await with_number(world)
    async with world.sessions.begin() as s:
        await s.execute(text("DELETE FROM numbers WHERE kind = 'direct'"))
        await remove_expert(s, world.expert_id, expected=None, at=NOW)
        await phones.add_sip_phone(s, world.other_expert_id, "expert-11")
        await trunks.remove_trunk(s, "out")
    assert await rung(world) == []
