"""A phone that sends nothing from the first moment of paid time on: the talk costs nothing."""

import asyncio

import pytest

from ari_app.calls.states import State
from billing.calls import books
from billing.calls.values import NO_SOUND, NoPayer
from billing.kit.clock import now
from billing.reconciliation.asterisk.service import Scope, reconcile
from billing.reconciliation.asterisk.values import Cause
from tests.calls import evidence
from tests.calls.stage import CALLER_TONE, EXPERT_TONE, CallerOnStage, Stage, euro

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _mute(stage: Stage, who: str, *, ends: str) -> CallerOnStage:
    """One of them sends nothing any more once the expert has accepted."""
    expert, caller = await stage.expert(), await stage.caller()
    talk = await stage.to_offering(caller, await stage.number(), expert)
    talk.caller.speak(CALLER_TONE)
    talk.expert.speak(EXPERT_TONE)
    await talk.expert.press("1")
    mute, other = talk.caller, talk.expert
    if who == "expert":
        mute, other = other, mute
    mute.stop_packets()
    await stage.hears(mute, "tone")
    await mute.wait_until(
        lambda: any(frame.payload in other.spoken for frame in list(mute.heard)[-5:]),
        "the other's voice",
    )
    await asyncio.sleep(2)
    await (talk.caller if ends == "caller" else talk.expert).hang_up()
    return caller


@pytest.mark.parametrize("ends", ["caller", "expert"])
async def test_a_side_that_never_sent_a_packet_in_paid_time_makes_it_free(
    stage: Stage, ends: str
) -> None:
    callers = await asyncio.gather(
        _mute(stage, "caller", ends=ends), _mute(stage, "expert", ends=ends)
    )
    for caller, reason in zip(callers, (NoPayer.CALLER_SILENT, NoPayer.EXPERT_SILENT), strict=True):
        record = await stage.ended(caller)
        settlement = record.summary.settlement
        assert settlement is not None
        assert (settlement.reason, settlement.charge) == (f"{ends}-hung-up", euro(0))
        assert record.no_payer == reason
        assert NO_SOUND in [entry.what for entry in record.timeline]
        assert await stage.available(caller) == euro(1_000)
        await evidence.nothing_left(stage, record.summary.call_id)
    async with stage.sessions() as s:
        assert await books.check(s) == []


async def test_a_silent_talk_that_goes_back_to_free_costs_nothing_and_agrees_with_the_record(
    stage: Stage,
) -> None:
    began = now()
    expert, caller = await stage.expert(), await stage.caller()
    talk = await stage.to_offering(caller, await stage.number(), expert)
    talk.expert.speak(EXPERT_TONE)
    await talk.expert.press("1")
    talk.caller.stop_packets()
    await stage.hears(talk.caller, "tone")
    await asyncio.sleep(2.5)
    await talk.expert.press("*9")
    await stage.hears(talk.expert, "free-from-now")
    call_id = (await stage.record(caller)).summary.call_id
    await evidence.reached(stage, call_id, State.TALKING_FREE)
    wallet = await evidence.wallet(stage, caller)
    assert (wallet.posted, wallet.pending) == (euro(1_000).amount, 0)
    await talk.expert.hang_up()
    record = await stage.ended(caller)
    assert record.summary.settlement is not None
    assert record.summary.settlement.charge == euro(0)
    assert await stage.available(caller) == euro(1_000)
    await evidence.imported(stage, call_id)
    async with stage.sessions() as s:
        report = await reconcile(s, Scope(began, now(), call_id), at=now())
    assert [one.cause for one in report.differences] == [Cause.NO_SOUND]
    async with stage.sessions() as s:
        assert await books.check(s) == []
