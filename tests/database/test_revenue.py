"""The revenue report is the books, grouped: its totals are what the ledger holds."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from billing.calls import books
from billing.calls.overview import overview
from billing.calls.revenue import (
    By,
    Expected,
    PeriodInvalid,
    RevenueLine,
    RevenueReport,
    TimeZoneUnknown,
    report,
)
from billing.calls.values import EndReason
from billing.catalogue import service as catalogue
from billing.catalogue.experts import remove_expert
from billing.catalogue.models import Expert
from billing.charging.premium.models import PremiumSettlement
from billing.money.values import Money
from tests.database.world import MENU, World, eur

DAY = date(2026, 11, 22)


async def reported(
    world: World, by: By, first: date = DAY, last: date = DAY, zone: str = "UTC"
) -> RevenueReport:
    async with world.sessions() as s:
        return await report(s, by=by, first=first, last=last, time_zone=zone)


def nothing() -> Expected:
    return Expected(0, 0, eur("0"), eur("0"), eur("0"), eur("0"))


async def expert_category(world: World, expert_id: UUID, category: str) -> None:
    async with world.sessions.begin() as s:
        await s.execute(update(Expert).where(Expert.id == expert_id).values(category=category))


async def some_calls(world: World) -> None:
    """Ada 252 s, Ben 61 s, one too short for a cent, a refused one, an unknown caller."""
    await world.top_up("10.00")
    await world.paid_call(252)
    await world.settle(await world.granted_call(world.other_expert_id), 61)
    await world.settle(await world.granted_call(), 0)
    refused = await world.receive()
    await world.quote(refused)
    await world.settle(refused, None, EndReason.EXPERT_BUSY)
    stranger = await world.receive(number="+33639980099")
    await world.settle(stranger, None, EndReason.CALLER_UNKNOWN)


async def test_a_report_by_expert_says_who_earned_what_and_why_calls_earned_nothing(
    world: World,
) -> None:
    await some_calls(world)
    by_expert = await reported(world, By.EXPERT)
    assert by_expert.lines == (
        RevenueLine(
            key="11",
            currency="EUR",
            calls=2,
            paid_calls=1,
            billed_seconds=252,
            gross=eur("5.04"),
            tax=eur("0.84"),
            expert=eur("2.94"),
            platform=eur("1.26"),
            refunded=eur("0"),
            expected=nothing(),
            unpaid={"caller-hung-up": 1},
            expert_id=world.expert_id,
            expert_name="Ada",
        ),
        RevenueLine(
            key="12",
            currency="EUR",
            calls=1,
            paid_calls=1,
            billed_seconds=61,
            gross=eur("1.22"),
            tax=Money(2_033, "EUR"),
            expert=Money(7_117, "EUR"),
            platform=Money(3_050, "EUR"),
            refunded=eur("0"),
            expected=nothing(),
            unpaid={},
            expert_id=world.other_expert_id,
            expert_name="Ben",
        ),
        RevenueLine(
            key=None,
            currency="EUR",
            calls=1,
            paid_calls=0,
            billed_seconds=0,
            gross=eur("0"),
            tax=eur("0"),
            expert=eur("0"),
            platform=eur("0"),
            refunded=eur("0"),
            expected=nothing(),
            unpaid={"expert-busy": 1},
        ),
        RevenueLine(
            key=None,
            currency=None,
            calls=1,
            paid_calls=0,
            billed_seconds=0,
            gross=None,
            tax=None,
            expert=None,
            platform=None,
            refunded=None,
            expected=Expected(0, 0, None, None, None, None),
            unpaid={"caller-unknown": 1},
        ),
    )


async def test_who_is_given_an_extension_anew_has_a_line_of_his_own(world: World) -> None:
    ben = world.other_expert_id
    await world.top_up("10.00")
    await world.settle(await world.granted_call(ben), 60)
    async with world.sessions.begin() as s:
        tariff_id = await s.scalar(select(Expert.tariff_id).where(Expert.id == ben))
        await remove_expert(s, ben, expected=None, at=world.now)
        carl = await catalogue.add_expert(
            s, name="Carl", extension="12", endpoints=["carl"], tariff_id=tariff_id, at=world.now
        )
    await world.settle(await world.granted_call(carl), 30)
    found = await reported(world, By.EXPERT)
    assert [(one.key, one.expert_id, one.expert_name, one.gross) for one in found.lines] == [
        ("12", ben, "Ben", eur("1.20")),
        ("12", carl, "Carl", eur("0.60")),
    ]
    (total,) = found.totals
    assert (total.expert_id, total.gross) == (None, eur("1.80"))


@pytest.mark.parametrize("by", list(By))
async def test_totals_agree_with_the_books_however_lines_are_cut(world: World, by: By) -> None:
    await some_calls(world)
    found = await reported(world, by)
    euros = [line for line in found.totals if line.currency == "EUR"]
    assert len(euros) == 1
    (total,) = euros
    assert total.calls == sum(line.calls for line in found.lines if line.currency == "EUR")
    async with world.sessions() as s:
        kinds = {one.kind: one.balance for one in (await overview(s)).kinds}
        (held,) = (await overview(s)).wallets
    assert total.gross == eur("10.00") - held.posted == eur("6.26")
    assert kinds["tax"] == total.tax
    assert kinds["expert-payable"] == total.expert
    assert kinds["platform-revenue"] == total.platform
    assert kinds["clearing"] == eur("0")
    async with world.sessions() as s:
        assert await books.check(s) == []


async def test_numbers_and_categories_are_lines_too(world: World) -> None:
    await expert_category(world, world.expert_id, "law")
    await some_calls(world)
    (by_number,) = [one for one in (await reported(world, By.NUMBER)).lines if one.currency]
    assert (by_number.key, by_number.calls) == (MENU, 4)
    by_category = await reported(world, By.CATEGORY)
    assert [(one.key, one.currency, one.calls) for one in by_category.lines] == [
        ("law", "EUR", 2),
        (None, "EUR", 2),
        (None, None, 1),
    ]


async def test_a_day_is_the_time_zones_own(world: World) -> None:
    await world.top_up("10.00")
    world.now = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    await world.paid_call(60)
    in_london = await reported(world, By.DAY, zone="Europe/London")
    assert [line.key for line in in_london.lines] == ["2026-11-22"]
    assert (await reported(world, By.DAY, zone="Europe/Paris")).lines == ()
    in_paris = await reported(world, By.DAY, last=DAY + timedelta(days=1), zone="Europe/Paris")
    assert [line.key for line in in_paris.lines] == ["2026-11-23"]


async def test_a_period_or_time_zone_that_makes_no_sense_is_refused(world: World) -> None:
    for last in (DAY - timedelta(days=1), DAY + timedelta(days=400)):
        with pytest.raises(PeriodInvalid):
            await reported(world, By.DAY, last=last)
    for zone in ("Europe/Atlantis", "../../etc/passwd", ""):
        with pytest.raises(TimeZoneUnknown):
            await reported(world, By.DAY, zone=zone)


async def test_what_is_held_for_callers_is_seen_while_a_call_goes_on(world: World) -> None:
    await world.top_up("10.00")
    await world.granted_call()
    async with world.sessions() as s:
        (wallets,) = (await overview(s)).wallets
        posted = await s.scalar(text("SELECT sum(posted) FROM wallets"))
    assert (wallets.wallets, wallets.posted, wallets.held) == (1, eur("10.00"), eur("6.00"))
    assert posted == eur("10.00").amount


async def test_what_carriers_are_expected_to_pay_stands_beside_what_callers_paid(
    world: World,
) -> None:
    call_id = await world.receive(number="+33639980099")
    await world.settle(call_id, None)
    async with world.sessions.begin() as s:
        s.add(
            PremiumSettlement(
                call_id=call_id,
                carrier="carrier",
                currency="EUR",
                answered_ms=1_000,
                released_ms=61_000,
                metered_seconds=60,
                retail=8_000,
                outpayment=5_200,
                expert=3_640,
                platform=1_560,
            )
        )
    (line,) = (await reported(world, By.DAY)).lines
    assert (line.currency, line.calls, line.paid_calls, line.unpaid) == ("EUR", 1, 1, {})
    assert (line.gross, line.platform) == (eur("0"), eur("0"))
    assert line.expected == Expected(
        calls=1,
        metered_seconds=60,
        retail=eur("0.80"),
        outpayment=eur("0.52"),
        expert=Money(3_640, "EUR"),
        platform=Money(1_560, "EUR"),
    )
