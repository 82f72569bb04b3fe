"""What the self-service lines read and write: past calls, earnings, limits, presences that end."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from api import jobs
from billing.accounts import limits
from billing.accounts.errors import CallerUnknown
from billing.accounts.limits import LimitNotLower, OwnLimits
from billing.calls import lines
from billing.calls.lines import Earned, PastTalk
from billing.calls.values import EndReason
from billing.catalogue import presence
from billing.kit.clock import now
from billing.money.values import CurrencyMismatch, Money
from tests.database.world import NOW, World, eur

PARIS = "Europe/Paris"


async def earned(world: World, at: datetime) -> Earned:
    async with world.sessions() as s:
        return await lines.earnings(s, world.expert_id, PARIS, at)


async def test_the_latest_talks_are_told_the_newest_first_and_nothing_else(world: World) -> None:
    await world.top_up("50.00")
    for place, seconds in enumerate((60, 120, 180, 240)):
        world.now = NOW + timedelta(hours=place)
        await world.paid_call(seconds)
    refused = await world.receive()
    await world.settle(refused, None, EndReason.SELF_SERVICE)
    async with world.sessions() as s:
        told = await lines.last_calls(s, world.account_id, 3)
    assert told == [
        PastTalk(NOW + timedelta(hours=3), 240, eur("4.80")),
        PastTalk(NOW + timedelta(hours=2), 180, eur("3.60")),
        PastTalk(NOW + timedelta(hours=1), 120, eur("2.40")),
    ]


async def test_earnings_are_shares_by_the_experts_own_days_and_months(world: World) -> None:
    assert await earned(world, now()) == Earned((), (), ())
    await world.top_up("50.00")
    # 1.20 with 20 % tax in it: 70 % of 1.00.
    await world.paid_call(60)
    share = (eur("0.70"),)
    assert await earned(world, now()) == Earned(share, share, ())
    tomorrow, far = now() + timedelta(days=1), now() + timedelta(days=40)
    assert (await earned(world, tomorrow)).today == ()
    assert await earned(world, far) == Earned((), (), ())
    async with world.sessions() as s:
        assert await lines.earnings(s, world.other_expert_id, PARIS, now()) == Earned((), (), ())


async def test_a_caller_lowers_his_limit_for_a_day_and_never_raises_it(world: World) -> None:
    async with world.sessions.begin() as s:
        assert await limits.limits_of(s, world.account_id) == OwnLimits(None, None, None)
        await limits.lower_day_limit(s, world.account_id, eur("20.00"))
    async with world.sessions() as s:
        for more in (eur("20.00"), eur("20.01")):
            with pytest.raises(LimitNotLower):
                await limits.lower_day_limit(s, world.account_id, more)
        with pytest.raises(CurrencyMismatch):
            await limits.lower_day_limit(s, world.account_id, Money.of_minor(100, "USD"))
        with pytest.raises(CallerUnknown):
            await limits.lower_day_limit(s, world.expert_id, eur("1.00"))
        own = await limits.limits_of(s, world.account_id)
    assert own == OwnLimits(None, eur("20.00"), None)


async def test_the_worker_ends_presences_whose_hour_has_passed_and_says_so(world: World) -> None:
    async with world.sessions.begin() as s:
        past, coming = now() - timedelta(minutes=1), now() + timedelta(hours=1)
        await presence.set_presence(s, world.expert_id, "available", until=past)
        await presence.set_presence(s, world.other_expert_id, "available", until=coming)
    for _ in range(2):
        await jobs.presences_ended(world.sessions)
    async with world.sessions() as s:
        rows = (await s.execute(text("SELECT name, presence FROM experts"))).all()
        states = {row.name: row.presence for row in rows}
        audited = (await s.execute(text("SELECT actor, subject_id FROM audit_entries"))).all()
    assert states == {"Ada": "away", "Ben": "available"}
    assert [tuple(row) for row in audited] == [("worker", str(world.expert_id))]
