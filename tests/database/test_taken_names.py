"""What is given only once says so, also where two ask for it at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import service as accounts
from billing.accounts.errors import NumberTaken
from billing.catalogue import service as catalogue
from billing.catalogue.errors import ExtensionTaken, NumberServed
from billing.endpoints import service as endpoints
from billing.endpoints import trunks
from billing.endpoints.errors import EndpointTaken, InvalidEndpoint
from billing.endpoints.values import Trunk
from billing.kit.errors import PrimelineError
from billing.kit.languages import LANGUAGES, UnknownLanguage
from billing.tariffs import service as tariffs
from billing.tariffs.service import TariffVersionTaken
from dialplan.prompts.catalogue import catalogue as texts
from tests.database.world import NOW, World, tariff_of

Add = Callable[[AsyncSession, str], Awaitable[Any]]


async def an_expert(s: AsyncSession, mark: str) -> Any:
    return await catalogue.add_expert(
        s, name="Eve", extension="19", endpoints=[f"eve-{mark}"], tariff_id=None, at=NOW
    )


async def a_phone(s: AsyncSession, mark: str) -> Any:
    return await catalogue.add_expert(
        s, name="Eve", extension=f"19{ord(mark)}", endpoints=["eve"], tariff_id=None, at=NOW
    )


async def a_number(s: AsyncSession, _mark: str) -> Any:
    return await catalogue.add_number(s, number="+33199001299", kind="menu", at=NOW)


async def a_caller(s: AsyncSession, mark: str) -> Any:
    return await accounts.add_caller(
        s, name=mark, numbers=["+33639980099"], currency="EUR", pin="4711", at=NOW
    )


async def a_trunk(s: AsyncSession, _mark: str) -> Any:
    return await trunks.add_trunk(s, Trunk("new", addresses=("203.0.113.12",)))


async def a_version(s: AsyncSession, _mark: str) -> Any:
    return await tariffs.add_version(s, name="new", tariff=tariff_of(), valid_from=NOW, at=NOW)


@pytest.mark.parametrize(
    ("add", "error"),
    [
        (an_expert, ExtensionTaken),
        (a_phone, EndpointTaken),
        (a_trunk, EndpointTaken),
        (a_number, NumberServed),
        (a_caller, NumberTaken),
        (a_version, TariffVersionTaken),
    ],
)
async def test_of_two_at_the_same_moment_one_gets_it_and_the_other_is_told(
    world: World, add: Add, error: type[PrimelineError]
) -> None:
    async def one(mark: str) -> Any:
        async with world.sessions.begin() as s:
            given = await add(s, mark)
            await asyncio.sleep(0.1)
            return given

    answers = await asyncio.gather(one("a"), one("b"), return_exceptions=True)
    assert sorted(isinstance(answer, error) for answer in answers) == [False, True]
    assert not any(isinstance(one, BaseException) for one in answers if not isinstance(one, error))


async def test_a_phone_has_one_owner_and_never_the_name_of_a_trunk(world: World) -> None:
    async with world.sessions.begin() as s:
        await endpoints.claim(s, "cleo", number="+33639980001")
        for taken in ("cleo", "expert-11", "carrier"):
            with pytest.raises(EndpointTaken, match=taken):
                await endpoints.claim(s, taken)
        with pytest.raises(InvalidEndpoint):
            await endpoints.claim(s, "a&b")
        phones = {one.endpoint: one.number for one in await endpoints.list_phones(s)}
    assert phones == {"cleo": "+33639980001", "expert-11": None, "expert-12": None}


async def test_a_language_without_prompts_is_refused_everywhere(world: World) -> None:
    assert all(texts(language) for language in LANGUAGES)
    async with world.sessions() as s:
        with pytest.raises(UnknownLanguage):
            await catalogue.add_expert(
                s, name="Eve", extension="19", endpoints=[], tariff_id=None, at=NOW, language="de"
            )
        with pytest.raises(UnknownLanguage, match="no prompts in 'de', only in: en, fr"):
            await catalogue.add_number(s, number="+33199001299", kind="menu", at=NOW, language="de")
        with pytest.raises(UnknownLanguage):
            await accounts.add_caller(
                s, name="Dora", numbers=[], currency="EUR", at=NOW, language="de"
            )


async def test_a_call_by_a_trunk_that_was_removed_is_a_strangers(world: World) -> None:
    async with world.sessions.begin() as s:
        await trunks.remove_trunk(s, "carrier")
    call_id = await world.receive(trunk="carrier")
    async with world.sessions() as s:
        assert await trunks.find_trunk(s, "carrier") is None
        assert await trunks.find_trunk(s, "untrusted") is not None
    assert (await world.record(call_id)).summary.call_id == call_id


async def try_pin(s: AsyncSession, world: World, pin: str, at: datetime) -> str:
    return await accounts.check_pin(s, world.account_id, pin, source="carrier -", at=at)


async def test_a_new_pin_replaces_the_old_one_and_unlocks(world: World) -> None:
    async with world.sessions.begin() as s:
        for _ in range(5):
            await try_pin(s, world, "0000", NOW)
        assert await try_pin(s, world, "4711", NOW) == "locked"
        pin = await accounts.set_pin(s, world.account_id)
        soon = NOW + timedelta(seconds=1)
        assert await try_pin(s, world, pin, soon) == "right"
        assert await try_pin(s, world, "4711", soon) == "wrong"
