"""Asterisk dies in mid-call, or only the socket to it is lost."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio
from sqlalchemy import text

from billing.money.values import Money
from billing.tariffs.rules import charge
from primeline.system import System
from tests.calls import evidence
from tests.calls.aftermath import UNHEARD_MS, all_in_order, now_us, settled_once, talked_ms
from tests.calls.loose_socket import LooseSocket, loose_socket
from tests.calls.parked import Park, ParkedCall
from tests.calls.stage import (
    LIMITS,
    PRICE,
    CallerOnStage,
    Stage,
    euro,
    whole_system,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG = replace(LIMITS, grant_seconds=30, extend_at_seconds=5)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def alone(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> AsyncIterator[Stage]:
    async with whole_system(tmp_path_factory.mktemp("lost"), tree, limits=LONG) as stage:
        yield stage


@dataclass(frozen=True, slots=True)
class Loose:
    """A system whose application reaches Asterisk by a socket that can be broken."""

    stage: Stage
    socket: LooseSocket


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def loose(alone: Stage) -> AsyncIterator[Loose]:
    get = cast("property", vars(System)["environment"]).fget
    assert get is not None
    async with loose_socket(alone.system.ports.ari) as (socket, port):
        url = f"http://127.0.0.1:{port}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                System, "environment", property(lambda s: get(s) | {"PRIMELINE_ARI_URL": url})
            )
            await alone.system.stop("ari_app")
            await alone.system.start("ari_app")
        yield Loose(alone, socket)


@dataclass(frozen=True, slots=True)
class Missed:
    """What happened while the socket was lost."""

    stage: Stage
    talks: dict[str, ParkedCall]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def missed(loose: Loose) -> Missed:
    stage = loose.stage
    park = Park(stage)
    names = ("the expert hangs up", "the caller hangs up", "both stay")
    calls = await asyncio.gather(*(park.talking_paid() for _ in names))
    talks = dict(zip(names, calls, strict=True))
    offered = await stage.to_ringing(
        answering := await stage.caller(), await stage.number(), busy := await stage.expert()
    )
    loose.socket.break_off()
    await offered.expert.answer()
    await asyncio.sleep(0.5)
    await talks["the expert hangs up"].talk.expert.hang_up()
    await talks["the caller hangs up"].talk.caller.hang_up()
    await asyncio.sleep(0.5)
    lost_at = now_us()
    loose.socket.mend()
    await evidence.connected(stage, since_us=lost_at)
    # Answered unseen, and yet asked.
    await stage.hears(offered.expert, "press-1-or-3")
    await offered.caller.hang_up()
    record = await stage.ended(answering)
    assert record.summary.reason == "caller-hung-up"
    assert await evidence.availability(stage, busy) == "available"
    await talks["both stay"].talk.expert.hang_up()
    for call in talks.values():
        await call.talk.caller.wait_ended()
        await call.talk.expert.wait_ended()
    return Missed(stage, talks)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("the expert hangs up", "expert-hung-up"),
        ("the caller hangs up", "caller-hung-up"),
        ("both stay", "expert-hung-up"),
    ],
)
async def test_with_the_socket_lost_a_talk_is_paid_as_asterisk_recorded_it(
    missed: Missed, name: str, reason: str
) -> None:
    call = missed.talks[name]
    record = await settled_once(missed.stage, call)
    assert record.summary.reason == reason
    billed_ms = sum((i.end_ms or 0) - i.start_ms for i in record.intervals)
    for heard_ms in talked_ms(call.talk):
        assert abs(heard_ms - billed_ms) <= UNHEARD_MS, (heard_ms, billed_ms)


async def test_after_a_lost_socket_the_books_are_right(missed: Missed) -> None:
    await all_in_order(missed.stage)


@dataclass(frozen=True, slots=True)
class Killed:
    """Talks in which Asterisk was killed."""

    stage: Stage
    calls: tuple[ParkedCall, ...]
    chooser: CallerOnStage


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def killed(missed: Missed) -> Killed:
    stage = missed.stage
    park = Park(stage)
    chooser = await stage.caller()
    number = await stage.number()
    first, second, menu = await asyncio.gather(
        park.talking_paid(), park.talking_paid(), stage.to_choosing(chooser, number)
    )
    await asyncio.sleep(2.5)
    stage.system.kill("asterisk")
    killed_at = now_us()
    await stage.system.ended("asterisk")
    await asyncio.sleep(1.5)
    for call in (*first.calls, *second.calls, menu):
        call.forget()
    await stage.system.start("asterisk")
    await evidence.connected(stage, since_us=killed_at)
    return Killed(stage, (first, second), chooser)


@pytest.mark.parametrize("which", [0, 1])
async def test_with_asterisk_dead_a_talk_is_paid_up_to_its_last_sign_of_life(
    killed: Killed, which: int
) -> None:
    call = killed.calls[which]
    record = await killed.stage.ended(call.caller, seconds=20)
    settlement = record.summary.settlement
    assert settlement is not None
    (interval,) = record.intervals
    assert interval.end_ms is not None
    billed_ms = interval.end_ms - interval.start_ms
    for heard_ms in talked_ms(call.talk):
        # In the caller's favour, by at most one heartbeat.
        assert -LONG.heartbeat_ms - 300 <= billed_ms - heard_ms <= UNHEARD_MS, (billed_ms, heard_ms)
    charged = charge(PRICE, billed_ms // 1_000)
    assert settlement.charge == charged
    assert isinstance(call.caller, CallerOnStage)
    wallet = await evidence.wallet(killed.stage, call.caller)
    assert (wallet.posted, wallet.pending) == ((euro(call.cents) - charged).amount, 0)
    assert await killed.stage.available(call.caller) == Money(wallet.posted, "EUR")


async def test_with_asterisk_dead_a_call_before_its_talk_is_free(killed: Killed) -> None:
    record = await killed.stage.ended(killed.chooser, seconds=20)
    assert record.intervals == ()
    assert await killed.stage.available(killed.chooser) == euro(1_000)


async def test_after_asterisk_has_died_new_calls_work_and_the_books_are_right(
    killed: Killed,
) -> None:
    call = await Park(killed.stage).talking_paid()
    await call.talk.expert.hang_up()
    await call.talk.caller.wait_ended()
    await settled_once(killed.stage, call)
    await all_in_order(killed.stage)
    async with killed.stage.sessions() as s:
        posts = text("SELECT call_id FROM settlements GROUP BY call_id HAVING count(*) > 1")
        assert (await s.execute(posts)).all() == []
