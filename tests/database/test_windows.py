"""Windows as they are kept: the price that is quoted, held and charged is that of the moment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.catalogue import pricing
from billing.catalogue.errors import PriceNotSettable
from billing.catalogue.tollfree import check_notice
from billing.catalogue.values import PriceBounds
from billing.charging.enquiry import enquire
from billing.charging.values import Grant, Quote
from billing.kit.pages import Slice
from billing.rulesets.errors import RuleBroken
from billing.tariffs import listing as tariff_listing
from billing.tariffs import service as tariffs
from billing.tariffs.public_holidays import HolidaysUnknown
from billing.tariffs.service import KeptTariff
from billing.tariffs.text import window_of
from billing.tariffs.windows import Timetable
from tests.database.test_toll_free import TOLL_FREE, make_number
from tests.database.world import DIRECT, World, eur, tariff_of

OWN = tariff_of("1.20")
BORDER = datetime(2026, 12, 1, 19, tzinfo=UTC)  # a Tuesday, 20:00 in Paris
BEFORE, AFTER = BORDER - timedelta(seconds=1), BORDER + timedelta(minutes=30)
CHRISTMAS = datetime(2026, 12, 25, 11, tzinfo=UTC)  # a Friday

TIMETABLE = Timetable(
    "Europe/Paris",
    "FR",
    (
        window_of("night mon-fri 20:00-24:00 0.60 fee=0.10", OWN),
        window_of("holidays holiday 00:00-24:00 2.40", OWN),
    ),
)


async def add_windows(world: World, timetable: Timetable = TIMETABLE) -> KeptTariff:
    async with world.sessions.begin() as s:
        return await tariffs.add_version(
            s,
            name="standard",
            tariff=OWN,
            valid_from=BEFORE - timedelta(days=1),
            at=world.now,
            timetable=timetable,
        )


@pytest.mark.parametrize(
    ("at", "window", "price", "fee"),
    [
        (BEFORE, None, "1.20", "0"),
        (BORDER, "night", "0.60", "0.10"),
        (CHRISTMAS, "holidays", "2.40", "0"),
        (CHRISTMAS + timedelta(hours=9), "holidays", "2.40", "0"),
        (CHRISTMAS + timedelta(days=1), None, "1.20", "0"),
    ],
)
async def test_what_is_in_force_is_the_window_of_the_moment(
    world: World, at: datetime, window: str | None, price: str, fee: str
) -> None:
    kept = await add_windows(world)
    async with world.sessions() as s:
        found = await tariffs.in_force(s, kept.tariff_id, at)
        asked = await enquire(s, number=DIRECT, extension=None, at=at)
    assert found is not None
    assert found.version_id == kept.version_id
    assert (found.window.name if found.window else None) == window
    assert found.tariff == replace(OWN, price_per_minute=eur(price), connect_fee=eur(fee))
    assert (asked.tariff, asked.window) == (found.tariff, window)


async def test_a_version_is_read_back_with_all_its_windows_wherever_it_is_listed(
    world: World,
) -> None:
    kept = await add_windows(world)
    by_beginning = replace(TIMETABLE, windows=TIMETABLE.windows[::-1])
    expected = replace(kept, timetable=by_beginning)
    async with world.sessions() as s:
        assert await tariffs.version_at(s, kept.tariff_id, BORDER) == expected
        assert (await tariff_listing.list_versions(s, "standard"))[-1] == expected
        found: Slice[KeptTariff] = await tariff_listing.page_versions(s, kept.tariff_id, limit=5)
        assert found.items[-1] == expected
        (listed,) = (await tariff_listing.page_tariffs(s, BORDER, limit=5)).items
        assert listed.current == expected
        assert (await tariff_listing.get_tariff(s, kept.tariff_id, BORDER)).current == expected


async def test_a_call_that_begins_before_a_border_keeps_its_price_to_the_end(
    world: World,
) -> None:
    await add_windows(world)
    await world.top_up("20.00")
    world.now = BEFORE
    early = await world.receive()
    quote = await world.quote(early)
    assert isinstance(quote, Quote)
    assert quote.tariff == OWN
    world.now = BORDER
    assert isinstance(await world.initial(early), Grant)
    world.now = AFTER
    assert isinstance(await world.update(early, 1, 200), Grant)
    settled = await world.settle(early, 300)
    assert settled.charge == eur("6.00")

    late = await world.receive()
    second = await world.quote(late)
    assert isinstance(second, Quote)
    assert second.tariff.price_per_minute == eur("0.60")
    assert isinstance(await world.initial(late), Grant)
    assert (await world.settle(late, 300)).charge == eur("3.10")


async def test_a_price_accepted_in_one_window_is_not_known_in_another(world: World) -> None:
    await add_windows(world)
    await world.top_up("20.00")

    async def known(at: datetime) -> bool:
        world.now = at
        quote = await world.quote(await world.receive())
        assert isinstance(quote, Quote)
        return quote.price_known

    world.now = BORDER
    assert not await known(BORDER)
    await world.paid_call(10)
    assert await known(AFTER)
    assert not await known(CHRISTMAS)
    assert not await known(BORDER + timedelta(days=1, hours=-2))
    assert await known(BORDER + timedelta(days=1))


async def test_all_prices_of_a_version_are_spoken_beforehand(world: World) -> None:
    await add_windows(world)
    async with world.sessions() as s:
        query = text(
            "SELECT args FROM procrastinate_jobs WHERE task_name = 'render-prompts'"
            " AND args ? 'tariffs' ORDER BY id DESC LIMIT 1"
        )
        args = await s.scalar(query)
    assert [one["price_per_minute"] for one in args["tariffs"]] == [12_000, 6_000, 24_000]


async def test_an_expert_does_not_change_one_price_of_several_by_telephone(world: World) -> None:
    bounds = PriceBounds(eur("0.50"), eur("3.00"))
    async with world.sessions.begin() as s:
        await pricing.set_bounds(s, world.expert_id, bounds)
    await add_windows(world)
    async with world.sessions() as s:
        assert await pricing.settable_price(s, world.expert_id, BORDER) is None
        with pytest.raises(PriceNotSettable):
            await pricing.change_price(
                s, world.expert_id, eur("1.00"), valid_from=BORDER, at=BORDER
            )


async def test_a_window_that_makes_calls_dearer_needs_notice_on_a_toll_free_number(
    world: World,
) -> None:
    kept = await add_windows(world)
    await make_number(world, TOLL_FREE, kept.tariff_id)
    night, holidays = TIMETABLE.windows

    async def check(timetable: Timetable | None) -> None:
        async with world.sessions() as s:
            await check_notice(
                s, kept.tariff_id, OWN, valid_from=BEFORE, at=BEFORE, timetable=timetable
            )

    await check(TIMETABLE)
    cheaper = replace(night, prices=replace(night.prices, price_per_minute=eur("0.50")))
    await check(replace(TIMETABLE, windows=(cheaper, holidays)))
    dearer = replace(night, prices=replace(night.prices, price_per_minute=eur("0.70")))
    longer = replace(holidays, days=frozenset({"sun", "holiday"}))
    for table in (
        replace(TIMETABLE, windows=(dearer, holidays)),
        replace(TIMETABLE, windows=(night, longer)),
        None,
    ):
        with pytest.raises(RuleBroken, match="R19"):
            await check(table)


async def test_windows_are_only_ever_added(world: World) -> None:
    await add_windows(world)
    for change in ("UPDATE tariff_windows SET price_per_minute = 0", "DELETE FROM tariff_windows"):
        async with world.sessions() as s:
            with pytest.raises(DBAPIError, match="only ever added"):
                await s.execute(text(change))


async def test_a_version_whose_holidays_nobody_knows_is_not_kept(world: World) -> None:
    with pytest.raises(HolidaysUnknown):
        await add_windows(world, replace(TIMETABLE, holidays_of="XX"))
    async with world.sessions() as s:
        assert len(await tariff_listing.list_versions(s, "standard")) == 1
