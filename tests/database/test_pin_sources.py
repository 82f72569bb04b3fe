"""Whoever guesses a PIN locks himself out, not whose PIN it is; and gains nothing by spreading."""

import asyncio
from datetime import timedelta

from sqlalchemy import select, update

from billing.accounts import service as accounts
from billing.calls import lines
from billing.calls import service as calls
from billing.calls.models import CallRow
from billing.catalogue.models import Number
from billing.catalogue.pins import check_pin as check_experts
from billing.catalogue.pins import set_pin as set_experts
from billing.catalogue.pins import unlock_pin as unlock_experts
from billing.kit.ids import new_call_id
from billing.pins.models import PinSource
from billing.pins.rules import DAY, FAILURES_A_DAY, FAILURES_TO_LOCK, source_of
from billing.pins.values import PinCheck
from tests.database.world import CALLER, NOW, PIN, World

WRONG = "0000"
HOME, ELSEWHERE = source_of("carrier", CALLER), source_of("untrusted", CALLER)
LOCKED = [PinCheck.WRONG] * (FAILURES_TO_LOCK - 1) + [PinCheck.LOCKED]


async def try_pin(
    world: World, pin: str, source: str = HOME, later: timedelta = timedelta()
) -> PinCheck:
    async with world.sessions.begin() as s:
        return await accounts.check_pin(s, world.account_id, pin, source=source, at=NOW + later)


async def guess(world: World, source: str, times: int = FAILURES_TO_LOCK) -> list[PinCheck]:
    return [await try_pin(world, WRONG, source) for _ in range(times)]


async def stop_strangers(world: World) -> list[PinCheck]:
    """Guess from ever other numbers, as who forges them does."""
    sources = [source_of("untrusted", f"+33639981{n:03}") for n in range(FAILURES_A_DAY)]
    return [await try_pin(world, WRONG, source) for source in sources]


async def is_locked(world: World, trunk: str) -> bool:
    reception = await world.receive_as(new_call_id(), trunk=trunk)
    assert reception.caller is not None
    return reception.caller.locked


async def test_guesses_over_one_trunk_leave_the_owner_another(world: World) -> None:
    assert await guess(world, ELSEWHERE) == LOCKED
    assert await try_pin(world, PIN, ELSEWHERE) is PinCheck.LOCKED
    assert await is_locked(world, "untrusted")
    assert not await is_locked(world, "carrier")
    assert await try_pin(world, PIN) is PinCheck.RIGHT


async def test_guesses_from_ever_other_sources_stop_all_but_the_known_ones(world: World) -> None:
    assert await try_pin(world, PIN) is PinCheck.RIGHT
    answers = await stop_strangers(world)
    assert answers == [PinCheck.WRONG] * (FAILURES_A_DAY - 1) + [PinCheck.LOCKED]
    assert await try_pin(world, PIN, ELSEWHERE) is PinCheck.LOCKED
    assert await is_locked(world, "untrusted")
    assert not await is_locked(world, "carrier")
    assert await try_pin(world, PIN) is PinCheck.RIGHT
    assert await try_pin(world, PIN, ELSEWHERE, DAY) is PinCheck.RIGHT


async def test_a_known_source_is_locked_by_its_own_wrong_pins_only_for_itself(
    world: World,
) -> None:
    for source in (HOME, ELSEWHERE):
        assert await try_pin(world, PIN, source) is PinCheck.RIGHT
    assert await guess(world, HOME) == LOCKED
    assert await try_pin(world, PIN) is PinCheck.LOCKED
    assert await try_pin(world, PIN, ELSEWHERE) is PinCheck.RIGHT
    # What a known source does wrong is no stranger's.
    assert (await stop_strangers(world))[-2:] == [PinCheck.WRONG, PinCheck.LOCKED]


async def test_right_pins_between_give_a_guesser_on_the_same_source_no_more_a_day(
    world: World,
) -> None:
    wrong = 0
    while await try_pin(world, PIN) is PinCheck.RIGHT:
        await try_pin(world, WRONG)
        wrong += 1
    assert wrong == FAILURES_A_DAY
    assert await try_pin(world, PIN, later=DAY) is PinCheck.RIGHT


async def test_many_at_once_from_one_and_from_many_sources_get_no_more_tries(
    world: World,
) -> None:
    answers = await asyncio.gather(*(try_pin(world, WRONG, ELSEWHERE) for _ in range(10)))
    assert sorted(answers) == sorted([*LOCKED, *[PinCheck.LOCKED] * (10 - FAILURES_TO_LOCK)])
    await guess(world, source_of("other", CALLER))
    await guess(world, source_of("third", CALLER), 4)
    left = FAILURES_A_DAY - 2 * FAILURES_TO_LOCK - 4
    spread = [source_of("untrusted", f"+33639981{n:03}") for n in range(10)]
    answers = await asyncio.gather(*(try_pin(world, WRONG, source) for source in spread))
    assert answers.count(PinCheck.WRONG) == left - 1
    async with world.sessions() as s:
        kept = (await s.scalars(select(PinSource.source).order_by(PinSource.source))).all()
    assert len(kept) == 3 + left


async def test_many_at_once_from_a_known_source_get_no_more_tries(world: World) -> None:
    assert await try_pin(world, PIN) is PinCheck.RIGHT
    answers = await asyncio.gather(*(try_pin(world, WRONG) for _ in range(10)))
    assert answers.count(PinCheck.WRONG) == FAILURES_TO_LOCK - 1


async def test_the_operator_unlocks_and_what_is_known_stays_known(world: World) -> None:
    await try_pin(world, PIN)
    await guess(world, HOME)
    await stop_strangers(world)
    async with world.sessions.begin() as s:
        await accounts.unlock_pin(s, world.account_id)
    assert not await is_locked(world, "carrier")
    assert not await is_locked(world, "untrusted")
    await stop_strangers(world)
    assert await try_pin(world, PIN) is PinCheck.RIGHT


async def test_a_new_pin_makes_every_source_unknown(world: World) -> None:
    await try_pin(world, PIN)
    async with world.sessions.begin() as s:
        pin = await accounts.set_pin(s, world.account_id)
    await stop_strangers(world)
    assert await try_pin(world, pin) is PinCheck.LOCKED


async def test_numbers_of_strangers_are_forgotten_when_they_no_longer_count(world: World) -> None:
    await try_pin(world, PIN)
    await stop_strangers(world)
    await try_pin(world, WRONG, ELSEWHERE, 2 * DAY + timedelta(seconds=1))
    async with world.sessions() as s:
        assert set(await s.scalars(select(PinSource.source))) == {HOME, ELSEWHERE}


async def test_a_pin_in_a_call_counts_for_where_the_call_comes_from(world: World) -> None:
    call_id = await world.receive(trunk="untrusted")
    async with world.sessions.begin() as s:
        await calls.check_pin(s, call_id, world.account_id, WRONG, NOW)
    async with world.sessions() as s:
        assert list(await s.scalars(select(PinSource.source))) == [ELSEWHERE]


async def test_a_line_is_locked_for_the_source_that_guessed(world: World) -> None:
    await guess(world, ELSEWHERE)
    locked = {}
    for trunk in ("carrier", "untrusted"):
        call_id = await world.receive(trunk=trunk)
        async with world.sessions.begin() as s:
            await s.execute(update(Number).values(kind="account-line", expert_id=None))
            await s.execute(
                update(CallRow)
                .where(CallRow.id == call_id)
                .values(reason="self-service", ended_at=NOW, state="over")
            )
            call = await lines.take(s, call_id, "account-line", NOW)
        assert call is not None
        assert call.source == source_of(trunk, CALLER)
        locked[trunk] = call.locked
    assert locked == {"carrier": False, "untrusted": True}


async def test_an_expert_known_by_his_number_isnt_locked_out_by_who_keys_his_extension(
    world: World,
) -> None:
    async def tried(pin: str, source: str = HOME) -> PinCheck:
        async with world.sessions.begin() as s:
            return await check_experts(s, world.expert_id, pin, source=source, at=NOW)

    async with world.sessions.begin() as s:
        await set_experts(s, world.expert_id, PIN)
    assert await tried(PIN) is PinCheck.RIGHT
    for n in range(FAILURES_A_DAY):
        await tried(WRONG, source_of("untrusted", f"+33639981{n:03}"))
    assert await tried(PIN, ELSEWHERE) is PinCheck.LOCKED
    assert await tried(PIN) is PinCheck.RIGHT
    async with world.sessions.begin() as s:
        await unlock_experts(s, world.expert_id)
    assert await tried(PIN, ELSEWHERE) is PinCheck.RIGHT
