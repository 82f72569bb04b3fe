"""What an expert says of himself: PIN, presence until an hour, hours, his price within bounds."""

from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import pytest

from billing.catalogue import opening, pins, presence, pricing
from billing.catalogue import service as catalogue
from billing.catalogue.errors import (
    ExpertUnknown,
    InvalidBounds,
    InvalidHours,
    PriceNotSettable,
    PriceOutOfBounds,
    UntilWithoutPresence,
)
from billing.catalogue.values import Availability, OpenHours, PriceBounds
from billing.kit.clock import now
from billing.kit.zones import TimeZoneUnknown
from billing.money.values import Money
from billing.pins.rules import FAILURES_TO_LOCK, FIRST_LOCK_MINUTES
from billing.pins.service import PinInvalid
from billing.pins.values import PinCheck
from billing.tariffs import listing as tariff_listing
from billing.tariffs import service as tariffs
from tests.database.world import NOW, World, eur

PIN, WRONG = "271828", "271829"
BOUNDS = PriceBounds(eur("0.50"), eur("3.00"))
SOON = NOW + timedelta(minutes=1)
PARIS = "Europe/Paris"


async def try_pin(world: World, pin: str, minutes: int = 0) -> PinCheck:
    async with world.sessions.begin() as s:
        return await pins.check_pin(
            s, world.expert_id, pin, source="- -", at=NOW + timedelta(minutes=minutes)
        )


async def test_an_experts_pin_locks_by_the_same_rule_as_a_callers(world: World) -> None:
    assert await try_pin(world, PIN) is PinCheck.WRONG
    async with world.sessions.begin() as s:
        assert await pins.set_pin(s, world.expert_id, PIN) == PIN
    assert await try_pin(world, PIN) is PinCheck.RIGHT
    answers = [await try_pin(world, WRONG) for _ in range(FAILURES_TO_LOCK)]
    assert answers == [PinCheck.WRONG] * (FAILURES_TO_LOCK - 1) + [PinCheck.LOCKED]
    assert await try_pin(world, PIN, FIRST_LOCK_MINUTES - 1) is PinCheck.LOCKED
    assert await try_pin(world, PIN, FIRST_LOCK_MINUTES) is PinCheck.RIGHT


async def test_a_new_pin_ends_the_lock_and_the_old_pin(world: World) -> None:
    async with world.sessions.begin() as s:
        await pins.set_pin(s, world.expert_id, PIN)
    for _ in range(FAILURES_TO_LOCK):
        await try_pin(world, WRONG)
    async with world.sessions.begin() as s:
        made = await pins.set_pin(s, world.expert_id)
        with pytest.raises(PinInvalid):
            await pins.set_pin(s, world.expert_id, "12")
        with pytest.raises(ExpertUnknown):
            await pins.set_pin(s, uuid4())
    assert await try_pin(world, PIN) is PinCheck.WRONG
    assert await try_pin(world, made) is PinCheck.RIGHT


async def test_on_line_until_an_hour_ends_then_and_the_worker_says_so(world: World) -> None:
    hour = now() + timedelta(hours=1)
    async with world.sessions.begin() as s:
        await presence.set_presence(s, world.expert_id, "available", until=hour)
    assert await world.availability(world.expert_id) is Availability.AVAILABLE
    async with world.sessions.begin() as s:
        assert await presence.end_presences(s, hour - timedelta(seconds=1)) == {}
    passed = now() - timedelta(seconds=1)
    async with world.sessions.begin() as s:
        await presence.set_presence(s, world.expert_id, "available", until=passed)
    assert await world.availability(world.expert_id) is Availability.AWAY
    async with world.sessions.begin() as s:
        assert list(await presence.end_presences(s, now())) == [world.expert_id]
    async with world.sessions.begin() as s:
        assert await presence.end_presences(s, now()) == {}
        await presence.set_presence(s, world.expert_id, "available")
    assert await world.availability(world.expert_id) is Availability.AVAILABLE
    async with world.sessions.begin() as s:
        with pytest.raises(UntilWithoutPresence):
            await presence.set_presence(s, world.expert_id, "away", until=hour)


async def test_out_of_his_hours_an_expert_is_away_unless_he_said_until_when(world: World) -> None:
    today = now().astimezone(UTC).weekday()
    others = [OpenHours(day, 0, 1_440) for day in range(7) if day != today]
    always = [*others, OpenHours(today, 0, 1_440)]
    for hours, availability in ((others, Availability.AWAY), (always, Availability.AVAILABLE)):
        async with world.sessions.begin() as s:
            await presence.set_hours(s, world.expert_id, hours, time_zone="UTC")
            assert list(await presence.hours_of(s, world.expert_id)) == sorted(hours)
        assert await world.availability(world.expert_id) is availability
    async with world.sessions.begin() as s:
        await presence.set_hours(s, world.expert_id, others)
        until = now() + timedelta(hours=1)
        await presence.set_presence(s, world.expert_id, "available", until=until)
    assert await world.availability(world.expert_id) is Availability.AVAILABLE
    async with world.sessions.begin() as s:
        await presence.set_presence(s, world.expert_id, "available")
        await presence.set_hours(s, world.expert_id, [])
    assert await world.availability(world.expert_id) is Availability.AVAILABLE


async def test_hours_that_can_not_be_are_refused(world: World) -> None:
    async with world.sessions() as s:
        for wrong in (
            [OpenHours(7, 0, 60)],
            [OpenHours(0, 60, 60)],
            [OpenHours(0, 0, 1_441)],
            [OpenHours(0, 0, 120), OpenHours(0, 119, 180)],
        ):
            with pytest.raises(InvalidHours):
                await presence.set_hours(s, world.expert_id, wrong)
        with pytest.raises(TimeZoneUnknown):
            await presence.set_hours(s, world.expert_id, [], time_zone="Europe/Nowhere")
        with pytest.raises(ExpertUnknown):
            await presence.set_hours(s, uuid4(), [])


@pytest.mark.parametrize(
    ("hour", "after", "moment"),
    [
        ("17:30", "2026-07-01T10:00Z", "2026-07-01T15:30Z"),
        ("17:30", "2026-07-01T16:00Z", "2026-07-02T15:30Z"),
        ("00:00", "2026-01-01T23:00Z", "2026-01-02T23:00Z"),
        # The night the clocks are put on: 2:30 does not come; put back: the first one counts.
        ("02:30", "2026-03-29T00:00Z", "2026-03-29T01:30Z"),
        ("02:30", "2026-10-24T23:00Z", "2026-10-25T00:30Z"),
    ],
)
def test_the_next_time_a_clock_shows_an_hour(hour: str, after: str, moment: str) -> None:
    given = time.fromisoformat(hour), datetime.fromisoformat(after)
    assert opening.next_at(*given, PARIS) == datetime.fromisoformat(moment)


def test_hours_are_by_the_experts_own_clock() -> None:
    monday_morning = [OpenHours(0, 9 * 60, 12 * 60)]
    monday = datetime(2026, 7, 6, tzinfo=UTC)
    assert not opening.is_open(monday_morning, monday.replace(hour=6, minute=59), PARIS)
    assert opening.is_open(monday_morning, monday.replace(hour=7), PARIS)
    assert not opening.is_open(monday_morning, monday.replace(hour=10), PARIS)
    assert opening.is_open([], monday, PARIS)


async def set_bounds(world: World, bounds: PriceBounds | None = BOUNDS) -> None:
    async with world.sessions.begin() as s:
        await pricing.set_bounds(s, world.expert_id, bounds)


async def price_of(world: World, expert_id: object, at: datetime) -> Money:
    async with world.sessions() as s:
        tariff_id = await catalogue.tariff_for(
            s,
            expert_id=expert_id,  # type: ignore[arg-type]
            number_id=world.number_id,
        )
        assert tariff_id is not None
        kept = await tariffs.in_force(s, tariff_id, at)
        assert kept is not None
        return kept.tariff.price_per_minute


async def test_a_price_within_bounds_counts_from_its_moment_and_for_him_alone(
    world: World,
) -> None:
    await set_bounds(world)
    async with world.sessions.begin() as s:
        await pricing.change_price(s, world.expert_id, eur("2.40"), valid_from=SOON, at=NOW)
    assert await price_of(world, world.expert_id, NOW) == eur("1.20")
    assert await price_of(world, world.expert_id, SOON) == eur("2.40")
    assert await price_of(world, world.other_expert_id, SOON) == eur("1.20")
    async with world.sessions.begin() as s:
        later = SOON + timedelta(minutes=1)
        changed = await pricing.change_price(
            s, world.expert_id, eur("0.50"), valid_from=later, at=SOON
        )
        settable = await pricing.settable_price(s, world.expert_id, later)
    assert changed.name == "expert-11"
    assert settable == pricing.SettablePrice(eur("0.50"), BOUNDS)
    assert len(await versions(world, "standard")) == 1
    assert len(await versions(world, "expert-11")) == 3


async def versions(world: World, name: str) -> list[tariffs.KeptTariff]:
    async with world.sessions() as s:
        return await tariff_listing.list_versions(s, name)


async def test_prices_out_of_bounds_or_without_any_are_refused(world: World) -> None:
    async with world.sessions() as s:
        assert await pricing.settable_price(s, world.expert_id, NOW) is None
        with pytest.raises(PriceNotSettable):
            await pricing.change_price(s, world.expert_id, eur("1.00"), valid_from=NOW, at=NOW)
    await set_bounds(world)
    async with world.sessions() as s:
        for price in (eur("0.49"), eur("3.01"), Money(10_001, "EUR")):
            with pytest.raises(PriceOutOfBounds):
                await pricing.change_price(s, world.expert_id, price, valid_from=SOON, at=NOW)
        dollar = Money.of_minor(100, "USD")
        with pytest.raises(PriceNotSettable):
            await pricing.change_price(s, world.expert_id, dollar, valid_from=SOON, at=NOW)
        with pytest.raises(ExpertUnknown):
            await pricing.change_price(s, uuid4(), eur("1.00"), valid_from=SOON, at=NOW)
    assert len(await versions(world, "standard")) == 1


async def test_bounds_that_can_not_be_are_refused(world: World) -> None:
    async with world.sessions() as s:
        for least, most in (
            (eur("2.00"), eur("1.00")),
            (Money(1, "EUR"), eur("1.00")),
            (eur("1.00"), Money.of_minor(200, "USD")),
            (Money.of_minor(100, "USD"), Money.of_minor(200, "USD")),
        ):
            with pytest.raises(InvalidBounds):
                await pricing.set_bounds(s, world.expert_id, PriceBounds(least, most))
        with pytest.raises(ExpertUnknown):
            await pricing.set_bounds(s, uuid4(), BOUNDS)
    await set_bounds(world)
    await set_bounds(world, None)
    async with world.sessions() as s:
        assert await pricing.settable_price(s, world.expert_id, NOW) is None
