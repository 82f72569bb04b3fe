"""PostgreSQL is killed in mid-call: once for a moment, once until after the end of the grant.

A grant is a small part of what it is by default, so a second here is 25 there. In the long outage
another call application takes the calls over, and what people key meanwhile is tried: back to
free, paid again, a voucher. Then that one is killed, too.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from sqlalchemy import text

from billing.accounts import vouchers
from primeline.phones import PhoneCall
from primeline.phones import State as PhoneState
from tests.calls import evidence
from tests.calls.aftermath import all_in_order, settled_once, talked_to_the_limit
from tests.calls.beside import REPLACED, Beside
from tests.calls.parked import Park, ParkedCall
from tests.calls.stage import LIMITS, CallerOnStage, Stage, euro, whole_system
from tests.faults import judging

pytestmark = pytest.mark.asyncio(loop_scope="session")

GRANT_SECONDS: Final = 12
SHORT: Final = replace(
    LIMITS,
    grant_seconds=GRANT_SECONDS,
    extend_at_seconds=9,
    topping_up_ms=90_000,
    voucher_key_ms=60_000,
)
CENTS: Final = 1_000
SOON_SECONDS: Final = 30
LATE_MS: Final = 300
"""Asterisk's own limit ends a talk so much later at most, should the take-over last that long."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def alone(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> AsyncIterator[Stage]:
    directory = tmp_path_factory.mktemp("outages")
    async with whole_system(directory, tree, limits=SHORT, durable=True) as stage:
        yield stage


@dataclass(frozen=True, slots=True)
class Outages:
    """Two outages, and who talked in them.

    `early` was hung up in the short one, `late` in the long one; `stays` was never hung up.
    `newcomers` called in either; `spooled` is what was on disk at the end of either. `status` is
    what the call application ended with that was replaced in the long one.
    """

    stage: Stage
    since: datetime
    stays: ParkedCall
    early: ParkedCall
    late: ParkedCall
    frees: ParkedCall
    tops: ParkedCall
    newcomers: list[tuple[CallerOnStage, PhoneCall]]
    spooled: list[set[str]]
    status: int


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def outages(alone: Stage) -> AsyncIterator[Outages]:
    beside = Beside(alone)
    try:
        yield await _outages(alone, beside)
    finally:
        await beside.close()


async def _outages(alone: Stage, beside: Beside) -> Outages:
    since, park = datetime.now(UTC), Park(alone)
    async with alone.sessions.begin() as s:
        batch = await vouchers.add_batch(
            s, count=1, amount=euro(500), key=alone.system.secret_key, at=since
        )
    (code,) = batch.codes
    number = await alone.number()
    callers = [await alone.caller(), await alone.caller()]
    stays, early, late, frees, tops = await asyncio.gather(
        *(park.talking_paid(CENTS) for _ in range(5))
    )

    await _away(alone)
    newcomers = [(callers[0], await alone.dial(callers[0], number))]
    await early.talk.expert.hang_up()
    await alone.hears(early.talk.caller, "on-your-statement")
    spooled = [await _spooled(alone, early)]
    await alone.system.start("postgres")
    for call in (stays, late, frees, tops):
        await _grants(alone, call, 2)

    await _away(alone)
    # All this before the take-over, which may take longer than a grant on a slow machine.
    await asyncio.gather(
        _hung_up(alone, late), alone.to_free_again(frees.talk), alone.to_topping_up(tops.talk)
    )
    await beside.start()
    status = await asyncio.wait_for(alone.system.ended("ari_app"), SOON_SECONDS)
    newcomers.append((callers[1], await alone.dial(callers[1], number)))
    await asyncio.gather(
        _not_paid_again(alone, frees),
        _topped_up(alone, tops, code),
        stays.talk.caller.wait_ended(seconds=3 * GRANT_SECONDS),
    )
    await stays.talk.expert.wait_ended()
    spooled.append(await _spooled(alone, stays, late, tops))
    # What is on disk is settled by whoever is there when the database is back, and a talk is
    # adopted in whose bridge nobody was written.
    await beside.close()
    await alone.system.start("ari_app")
    await alone.system.start("postgres")
    await _logged(alone, frees, "talk adopted")
    await alone.both_talk(frees.talk)
    await frees.talk.caller.hang_up()
    return Outages(alone, since, stays, early, late, frees, tops, newcomers, spooled, status)


async def _away(stage: Stage) -> None:
    stage.system.kill("postgres")
    await stage.system.ended("postgres")


async def _hung_up(stage: Stage, call: ParkedCall) -> None:
    await call.talk.expert.hang_up()
    await stage.hears(call.talk.caller, "on-your-statement")


async def _not_paid_again(stage: Stage, call: ParkedCall) -> None:
    await call.talk.expert.press("*7")
    await stage.hears(call.talk.expert, "price-not-possible")
    await stage.hears(call.talk.caller, "stays-free")
    await asyncio.sleep(0.5)
    await stage.both_talk(call.talk)


async def _topped_up(stage: Stage, call: ParkedCall, code: str) -> None:
    await call.talk.caller.press(code)
    await stage.hears(call.talk.caller, "voucher-later")
    await asyncio.sleep(0.5)
    await stage.both_talk(call.talk)
    await call.talk.caller.hang_up()


async def _spooled(stage: Stage, *calls: ParkedCall) -> set[str]:
    """Wait until the ends of calls are on disk; gives all that is there."""
    folder = stage.system.config.directory / "spool"
    wanted = {str(call.call_id) for call in calls}
    async with asyncio.timeout(SOON_SECONDS):
        while not wanted <= (found := {path.stem for path in folder.glob("*.json")}):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return found


async def _logged(stage: Stage, call: ParkedCall, event: str) -> None:
    log_file = stage.system.log_file("ari_app")
    async with asyncio.timeout(SOON_SECONDS):
        while True:
            lines = log_file.read_text().splitlines()
            if any(str(call.call_id) in line and event in line for line in lines):
                return
            await asyncio.sleep(0.1)


async def _grants(stage: Stage, call: ParkedCall, count: int) -> None:
    query = text("SELECT count(*) FROM grants WHERE session_id = :id")
    async with asyncio.timeout(SOON_SECONDS):
        while True:
            async with stage.sessions() as s:
                if (await s.execute(query, {"id": call.call_id})).scalar_one() >= count:
                    return
            await asyncio.sleep(0.1)


async def test_a_talk_outlives_a_short_outage_and_its_grant_is_made_longer(
    outages: Outages,
) -> None:
    record = await settled_once(outages.stage, outages.stays, seconds=SOON_SECONDS)
    assert record.grants[0].granted_seconds == GRANT_SECONDS
    assert record.grants[1].granted_seconds > GRANT_SECONDS


async def test_in_a_long_outage_a_talk_goes_on_to_the_end_of_its_grant(outages: Outages) -> None:
    record = await settled_once(outages.stage, outages.stays, seconds=SOON_SECONDS)
    most_ms = SHORT.grace_ms + LATE_MS
    granted_seconds = record.grants[-1].granted_seconds
    talked_to_the_limit(outages.stage, outages.stays, granted_seconds, late_ms=most_ms)
    assert record.summary.reason == "database-away"


@pytest.mark.parametrize("who", ["early", "late", "frees", "tops"])
async def test_who_hung_up_meanwhile_pays_once_for_what_was_talked(
    outages: Outages, who: str
) -> None:
    record = await settled_once(outages.stage, getattr(outages, who), seconds=SOON_SECONDS)
    assert record.summary.reason in {"caller-hung-up", "expert-hung-up"}
    assert record.intervals


async def test_ends_are_on_disk_while_the_database_is_away(outages: Outages) -> None:
    short, long = outages.spooled
    early = str(outages.early.call_id)
    assert early in short
    assert early not in long
    later = (outages.stays, outages.late, outages.tops)
    assert long >= {str(call.call_id) for call in later}


async def test_calls_are_taken_over_while_the_database_is_away(outages: Outages) -> None:
    assert outages.status == REPLACED
    # Who has them now writes it: nobody found them anew.
    for call in (outages.stays, outages.tops):
        record = await settled_once(outages.stage, call, seconds=SOON_SECONDS)
        assert "adopted after a restart" not in [entry.what for entry in record.timeline]


async def test_a_talk_whose_bridge_the_database_never_heard_of_outlives_a_crash(
    outages: Outages,
) -> None:
    record = await settled_once(outages.stage, outages.frees, seconds=SOON_SECONDS)
    assert "adopted after a restart" in [entry.what for entry in record.timeline]
    assert record.summary.reason == "caller-hung-up"


async def test_nobody_pays_anew_meanwhile(outages: Outages) -> None:
    for caller, call in outages.newcomers:
        await call.wait_ended()
        assert PhoneState.UP not in {event.state for event in call.events}
        assert call.code == 503
        wallet = await evidence.wallet(outages.stage, caller)
        assert (wallet.posted, wallet.pending) == (euro(CENTS).amount, 0)
    record = await settled_once(outages.stage, outages.frees, seconds=SOON_SECONDS)
    assert len(record.intervals) == 1


async def test_after_two_outages_the_books_and_asterisks_record_agree(outages: Outages) -> None:
    await all_in_order(outages.stage)
    assert await judging.unexplained(outages.stage, outages.since) == []
