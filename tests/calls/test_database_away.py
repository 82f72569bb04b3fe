"""PostgreSQL hangs or dies in mid-call: talks go on, nobody new pays, all is settled later."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ari_app.calls.states import State
from primeline.phones import PhoneCall
from primeline.phones import State as PhoneState
from tests.calls import evidence
from tests.calls.aftermath import all_in_order, family, send, settled_once, talked_to_the_limit
from tests.calls.parked import Park, ParkedCall
from tests.calls.stage import LIMITS, CallerOnStage, Stage, whole_system

pytestmark = pytest.mark.asyncio(loop_scope="session")

GRANT_SECONDS, EXTEND_AT_SECONDS = 14, 11
SHORT: Final = replace(
    LIMITS,
    grant_seconds=GRANT_SECONDS,
    extend_at_seconds=EXTEND_AT_SECONDS,
    choosing_ms=8_000,
    extension_first_digit_ms=8_000,
)
CREDIT_SECONDS, CREDIT_CENTS = 18, 36
END_CONNECTIONS: Final = text(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE application_name LIKE 'primeline ari_app %'"
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def alone(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> AsyncIterator[Stage]:
    async with whole_system(tmp_path_factory.mktemp("away"), tree, limits=SHORT) as stage:
        yield stage


@dataclass(frozen=True, slots=True)
class Away:
    """What happened while the database hung for longer than a grant."""

    stage: Stage
    talk: ParkedCall
    chooser: PhoneCall
    newcomer: PhoneCall
    callers: tuple[CallerOnStage, CallerOnStage]
    spooled: list[str]
    statement_us: int


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hung(alone: Stage) -> Away:
    """The database hangs from the talk's first second until after its grant."""
    park = Park(alone)
    number = await alone.number()
    expert = await alone.expert()
    callers = (await alone.caller(), await alone.caller())
    talk, chooser = await asyncio.gather(
        park.talking_paid(CREDIT_CENTS), alone.to_choosing(callers[0], number)
    )
    processes = family(alone.system.pids["postgres"])
    send(processes, signal.SIGSTOP)
    try:
        newcomer = await alone.dial(callers[1], number)
        await chooser.press(f"{expert.extension}#")
        await asyncio.gather(
            alone.hears(chooser, "service-down", seconds=6),
            alone.hears(newcomer, "service-down", seconds=6),
        )
        statement_us = await alone.hears(
            talk.talk.caller, "on-your-statement", seconds=GRANT_SECONDS + 6
        )
        await talk.talk.caller.wait_ended()
        await talk.talk.expert.wait_ended()
        spooled = await _spooled(alone, any_there=True)
    finally:
        send(processes, signal.SIGCONT)
    return Away(alone, talk, chooser, newcomer, callers, spooled, statement_us)


async def _spooled(stage: Stage, *, any_there: bool, seconds: int = 15) -> list[str]:
    """Wait until the spool holds something, or nothing; gives the calls it holds."""
    folder = stage.system.config.directory / "spool"
    end = time.monotonic() + seconds
    while bool(ids := [path.stem for path in folder.glob("*.json")]) is not any_there:
        assert time.monotonic() < end, ids
        await asyncio.sleep(0.1)
    return ids


async def test_a_talk_goes_on_to_its_grant_without_the_database(hung: Away) -> None:
    talked_to_the_limit(hung.stage, hung.talk, GRANT_SECONDS)


async def test_its_end_is_on_disk_and_is_settled_once_when_the_database_is_back(
    hung: Away,
) -> None:
    assert str(hung.talk.call_id) in hung.spooled
    record = await settled_once(hung.stage, hung.talk, seconds=15)
    assert record.summary.reason == "database-away"
    assert record.summary.settlement is not None
    assert record.summary.settlement.billed_seconds == GRANT_SECONDS


async def test_nobody_new_pays_meanwhile(hung: Away) -> None:
    await hung.newcomer.wait_ended()
    await hung.chooser.wait_ended()
    assert PhoneState.UP not in {event.state for event in hung.newcomer.events}
    assert hung.newcomer.code == 503
    for caller in hung.callers:
        wallet = await evidence.wallet(hung.stage, caller)
        assert (wallet.posted, wallet.pending) == (100_000, 0)


async def test_after_the_database_hung_the_books_are_right(hung: Away) -> None:
    await _spooled(hung.stage, any_there=False)
    await all_in_order(hung.stage)


@dataclass(frozen=True, slots=True)
class Died:
    """Two talks in which the database was killed and started again."""

    stage: Stage
    extended: ParkedCall
    hung_up: ParkedCall


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def died(hung: Away) -> Died:
    stage = hung.stage
    park = Park(stage)
    extended, hung_up = await asyncio.gather(
        park.talking_paid(CREDIT_CENTS), park.talking_paid(CREDIT_CENTS)
    )
    stage.system.kill("postgres")
    await stage.system.ended("postgres")
    # Past the first try for a longer grant, before the second.
    await asyncio.sleep(4)
    await hung_up.talk.expert.hang_up()
    await stage.hears(hung_up.talk.caller, "on-your-statement")
    await stage.system.start("postgres")
    await extended.talk.caller.wait_ended(seconds=CREDIT_SECONDS + 5)
    return Died(stage, extended, hung_up)


async def test_a_grant_is_extended_once_the_database_is_back(died: Died) -> None:
    record = await settled_once(died.stage, died.extended)
    assert record.summary.reason == "credit-used-up"
    assert [grant.granted_seconds for grant in record.grants] == [GRANT_SECONDS, CREDIT_SECONDS]
    talked_to_the_limit(died.stage, died.extended, CREDIT_SECONDS)


async def test_a_talk_that_ended_without_a_database_is_settled_when_it_is_back(
    died: Died,
) -> None:
    record = await settled_once(died.stage, died.hung_up)
    assert record.summary.reason == "expert-hung-up"


async def test_after_the_database_died_the_books_are_right(died: Died) -> None:
    await all_in_order(died.stage)


@dataclass(frozen=True, slots=True)
class Broken:
    """A talk whose connections were all reset, and one that was being settled at a kill."""

    stage: Stage
    reset: ParkedCall
    settling: ParkedCall


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def broken(alone: Stage) -> Broken:
    stage = alone
    park = Park(stage)
    reset, settling = await asyncio.gather(
        park.talking_paid(CREDIT_CENTS), park.talking_paid(CREDIT_CENTS)
    )
    async with stage.sessions() as s:
        ended = await s.scalar(END_CONNECTIONS)
        assert ended
    await reset.talk.expert.hang_up()
    await stage.ended(reset.caller)
    # The tests' database writes what it has committed a moment later (it is not `durable`).
    await asyncio.sleep(1)
    assert isinstance(settling.caller, CallerOnStage)
    assert settling.call_id is not None
    with suppress(SQLAlchemyError):
        async with evidence.locked(stage, "wallet", settling.caller.wallet_id):
            await settling.talk.expert.hang_up()
            await evidence.reached(stage, settling.call_id, State.SETTLING)
            stage.system.kill("postgres")
            await stage.system.ended("postgres")
    await stage.hears(settling.talk.caller, "on-your-statement")
    await stage.system.start("postgres")
    await _spooled(stage, any_there=False)
    return Broken(stage, reset, settling)


async def test_a_talk_whose_connections_were_all_reset_is_settled_once(broken: Broken) -> None:
    record = await settled_once(broken.stage, broken.reset)
    assert record.summary.reason == "expert-hung-up"


async def test_a_call_whose_settling_the_database_did_not_live_to_end_is_settled_once(
    broken: Broken,
) -> None:
    record = await settled_once(broken.stage, broken.settling)
    assert record.summary.reason == "expert-hung-up"


async def test_after_a_kill_in_the_settling_the_books_are_right(broken: Broken) -> None:
    await all_in_order(broken.stage)


async def test_after_the_database_died_a_new_call_works(died: Died) -> None:
    call = await Park(died.stage).talking_paid(CREDIT_CENTS)
    await call.talk.caller.hang_up()
    assert call.state is State.TALKING_PAID
    await settled_once(died.stage, call)
