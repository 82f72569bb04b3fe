"""Silence that was paid in mid-call goes back as the call ends, once, or not at all."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from ari_app.cel import CelReader
from ari_app.spool import Spool, SpooledEnd
from billing.calls import books
from billing.calls import service as calls
from billing.calls.receipts import queue_receipt, receipts_of
from billing.calls.values import EndReason, Interval
from billing.disputes.errors import CallNotEnded
from billing.kit.clock import to_ms
from billing.refunds import service as refunds
from billing.refunds.asked import Asked
from billing.refunds.values import Refunded, RefundReason
from tests.database.world import NOW, World, eur

START = to_ms(NOW)
TALKED = (Interval(START, START + 61_000),)


async def closed_call(world: World) -> UUID:
    """61 seconds at 1.20 were paid as the talk went back to free."""
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions.begin() as s:
        await calls.close_segment(s, call_id, intervals=TALKED, at=world.now)
    assert await world.available() == eur("8.78")
    return call_id


def spool_of(world: World, directory: Path) -> Spool:
    cel = CelReader(directory / "cel.csv", world.sessions, "asterisk")
    return Spool(directory / "spool", world.sessions, cel)


def lost(world: World, call_id: UUID, silent_seconds: int) -> SpooledEnd:
    return SpooledEnd(
        call_id, EndReason.MEDIA_LOST, TALKED, None, world.now, (), silent_seconds=silent_seconds
    )


async def test_what_was_silence_goes_back_once_and_is_not_told_as_a_cost(
    world: World, tmp_path: Path
) -> None:
    call_id = await closed_call(world)
    spool = spool_of(world, tmp_path)
    for _ in range(2):
        settlement = await spool.settle(lost(world, call_id, 11))
        assert settlement is not None
        # 50 of the 61 seconds are left.
        assert settlement.charge == eur("1.00")
        assert settlement.wallet_available == await world.available() == eur("9.00")
        assert not spool.waiting()
    async with world.sessions() as s:
        (made,) = await refunds.refunds_of(s, call_id)
    assert (made.amount, made.seconds, made.reason) == (eur("0.22"), 11, RefundReason.WRONG_CHARGE)
    async with world.sessions() as s:
        assert await books.check(s) == []


async def test_an_end_that_a_crash_left_half_done_is_ended_from_disk(
    world: World, tmp_path: Path
) -> None:
    call_id = await closed_call(world)
    spool = spool_of(world, tmp_path)
    end = lost(world, call_id, 11)
    spool.write(end)
    # The settlement is written, and the process died before the refund.
    async with world.sessions.begin() as s:
        await calls.settle(
            s, call_id, intervals=TALKED, reason=end.reason, no_payer=None, at=world.now
        )
    assert await world.available() == eur("8.78")
    assert await spool_of(world, tmp_path).drain() == 1
    assert await world.available() == eur("9.00")
    assert not spool.waiting()


async def test_seconds_that_are_worth_nothing_leave_the_settlement_as_it_is(
    world: World, tmp_path: Path
) -> None:
    call_id = await closed_call(world)
    spool = spool_of(world, tmp_path)
    # More than was billed.
    settlement = await spool.settle(lost(world, call_id, 62))
    assert settlement is not None
    assert settlement.charge == eur("1.22")
    assert not spool.waiting()
    async with world.sessions() as s:
        assert await refunds.refunds_of(s, call_id) == ()


async def test_no_key_of_an_operator_stands_in_the_way(world: World, tmp_path: Path) -> None:
    call_id = await closed_call(world)
    for key in (f"silence-{call_id}", f"silence:{call_id}", str(call_id)):
        async with world.sessions.begin() as s:
            with pytest.raises(CallNotEnded):
                await refund_of_a_cent(s, call_id, key)
    spool = spool_of(world, tmp_path)
    settlement = await spool.settle(lost(world, call_id, 11))
    assert settlement is not None
    assert settlement.charge == eur("1.00")
    for key in (f"silence-{call_id}", f"silence:{call_id}", str(call_id)):
        async with world.sessions.begin() as s:
            assert (await refund_of_a_cent(s, call_id, key)).new
    assert await world.available() == eur("9.03")


async def refund_of_a_cent(s: AsyncSession, call_id: UUID, key: str) -> Refunded:
    return await refunds.refund(
        s,
        call_id,
        Asked(amount=eur("0.01")),
        reason=RefundReason.GOODWILL,
        note="A bad line.",
        by="operator",
        idempotency_key=key,
        at=NOW,
    )


async def test_the_receipt_tells_what_is_left_of_the_cost(world: World, tmp_path: Path) -> None:
    call_id = await closed_call(world)
    settlement = await spool_of(world, tmp_path).settle(lost(world, call_id, 11))
    assert settlement is not None
    async with world.sessions.begin() as s:
        assert await queue_receipt(s, call_id, wanted_by_default=True, at=NOW)
    async with world.sessions() as s:
        (message,) = await receipts_of(s, call_id)
    assert "€1.00 for 50 s" in message.text
    assert "Credit left: €9.00" in message.text


async def test_who_got_all_back_gets_no_receipt(world: World, tmp_path: Path) -> None:
    call_id = await closed_call(world)
    settlement = await spool_of(world, tmp_path).settle(lost(world, call_id, 61))
    assert settlement is not None
    assert settlement.charge == eur("0.00")
    async with world.sessions.begin() as s:
        assert not await queue_receipt(s, call_id, wanted_by_default=True, at=NOW)
