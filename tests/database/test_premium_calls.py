"""Premium-rate calls in the database: caps, what is expected of the carrier, once and for all."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from billing.calls import books, sweeper
from billing.calls import service as calls
from billing.calls.errors import CallEnded
from billing.calls.records import CallRecord
from billing.calls.values import CelRow, EndReason, Interval, Reception
from billing.catalogue import premium
from billing.catalogue.values import Availability, PremiumTerms
from billing.charging.premium.values import Cap, PremiumPlan
from billing.charging.values import Refusal, Refused, Settlement
from billing.endpoints.trunks import add_trunk
from billing.endpoints.values import Trunk
from billing.kit.clock import to_ms
from billing.kit.ids import new_call_id
from billing.money.text import parse
from billing.money.values import Money
from billing.monitoring.alarms import list_alarms
from billing.monitoring.values import AlarmKind
from tests.database.test_premium_terms import TERMS
from tests.database.world import CALLER, DIRECT, MENU, NOW, World, eur

START = to_ms(NOW)
STRANGER = "+33639980077"


def fine(amount: str) -> Money:
    return parse(amount, "EUR", ledger_units=True)


async def make_premium(world: World, number: str = DIRECT, **changes: Any) -> PremiumTerms:
    terms = replace(TERMS, **changes)
    async with world.sessions.begin() as s:
        await premium.add_terms(s, number, terms, valid_from=NOW, at=NOW)
    return terms


async def receive(world: World, caller: str | None = STRANGER, *, number: str = DIRECT) -> UUID:
    call_id = new_call_id()
    async with world.sessions.begin() as s:
        reception: Reception = await calls.receive(
            s,
            call_id=call_id,
            asterisk_id="asterisk",
            channel_id=f"{call_id}-caller",
            dialled=number,
            caller_number=caller,
            trunk="carrier",
            language_default="en",
            at=world.now,
        )
    assert reception.number is not None
    assert reception.number.premium is not None
    assert reception.caller is None
    return call_id


async def hold(world: World, call_id: UUID, expert_id: UUID | None = None) -> PremiumPlan | Refused:
    async with world.sessions.begin() as s:
        return await calls.hold_premium(
            s,
            call_id,
            expert_id=expert_id or world.expert_id,
            limits=world.limits,
            at=world.now,
        )


async def held_call(world: World, caller: str | None = STRANGER) -> UUID:
    call_id = await receive(world, caller)
    assert isinstance(await hold(world, call_id), PremiumPlan)
    return call_id


async def settle(
    world: World,
    call_id: UUID,
    *,
    talked: int | None = 60,
    metered: int | None = None,
    reason: EndReason = EndReason.CALLER_HUNG_UP,
) -> Settlement:
    """Answered 30 ms before the talk and released 20 ms after it, unless `metered` says else."""
    intervals = () if talked is None else (Interval(START, START + talked * 1_000),)
    meter = None
    if talked is not None:
        meter = Interval(START - 30, START + talked * 1_000 + 20)
    if metered is not None:
        meter = Interval(START, START + metered * 1_000)
    async with world.sessions.begin() as s:
        return await calls.settle(
            s, call_id, intervals=intervals, reason=reason, no_payer=None, at=NOW, meter=meter
        )


async def books_are_right(world: World) -> None:
    async with world.sessions() as s:
        assert await books.check(s) == []


def lines(record: CallRecord) -> list[tuple[str, str, str, Money]]:
    return [(line.kind, line.debit, line.credit, line.amount) for line in record.ledger]


async def test_the_outpayment_is_expected_of_the_carrier_and_shared(world: World) -> None:
    await make_premium(world)
    call_id = await held_call(world)
    settlement = await settle(world, call_id, talked=60)
    outcome = settlement.premium
    assert outcome is not None
    # 30 ms before and 20 ms after the talk are a begun second of the carrier's.
    assert outcome.metered_seconds == 61
    assert (outcome.retail, outcome.outpayment) == (eur("0.81"), fine("0.5522"))
    assert (outcome.expert, outcome.platform) == (fine("0.3865"), fine("0.1657"))
    assert (settlement.charge, settlement.wallet_available) == (None, None)
    assert (settlement.used_seconds, settlement.billed_seconds) == (60, 60)
    record = await world.record(call_id)
    assert lines(record) == [
        ("single", "carrier-expected", "clearing", fine("0.5522")),
        ("single", "clearing", "expert-expected", fine("0.3865")),
        ("single", "clearing", "platform-expected", fine("0.1657")),
    ]
    assert record.expert_id == world.expert_id
    assert record.premium is not None
    assert record.premium.terms == TERMS
    assert record.summary.settlement == settlement
    await books_are_right(world)


@pytest.mark.parametrize("trunk", [None, "removed-meanwhile"])
async def test_a_call_that_no_carrier_carries_is_not_taken(world: World, trunk: str | None) -> None:
    await make_premium(world)
    async with world.sessions.begin() as s:
        reception = await calls.receive(
            s,
            call_id=(call_id := new_call_id()),
            asterisk_id="asterisk",
            channel_id="1.1",
            dialled=DIRECT,
            caller_number=STRANGER,
            trunk=trunk,
            language_default="en",
            at=world.now,
        )
    assert reception.number is None
    settlement = await world.settle(call_id, None, EndReason.NUMBER_UNKNOWN)
    assert settlement.premium is None


async def test_a_call_by_another_carrier_is_not_taken_and_raises_an_alarm(world: World) -> None:
    await make_premium(world)
    async with world.sessions.begin() as s:
        await add_trunk(s, Trunk("other", addresses=("192.0.2.9",)))
        reception = await calls.receive(
            s,
            call_id=new_call_id(),
            asterisk_id="asterisk",
            channel_id="1.2",
            dialled=DIRECT,
            caller_number=STRANGER,
            trunk="other",
            language_default="en",
            at=world.now,
        )
        assert reception.number is None
        (alarm,) = await list_alarms(s, kind=AlarmKind.TRUNK_NOT_OF_CARRIER)
        assert alarm.subject == DIRECT
        assert "other" in alarm.detail
    await receive(world)
    async with world.sessions.begin() as s:
        assert not await list_alarms(s, kind=AlarmKind.TRUNK_NOT_OF_CARRIER)


async def test_settling_twice_or_at_once_gives_one_answer_and_moves_money_once(
    world: World,
) -> None:
    await make_premium(world)
    call_id = await held_call(world)
    answers = await asyncio.gather(*(settle(world, call_id, talked=30 + n) for n in range(4)))
    assert all(answer == answers[0] for answer in answers)
    assert len(lines(await world.record(call_id))) == 3
    assert await world.availability(world.expert_id) is Availability.AVAILABLE
    await books_are_right(world)


async def test_a_call_that_was_never_answered_is_worth_nothing(world: World) -> None:
    await make_premium(world, day_maximum=eur("10.00"))
    call_id = await held_call(world)
    settlement = await settle(world, call_id, talked=None, reason=EndReason.EXPERT_NO_ANSWER)
    assert settlement.premium is not None
    assert settlement.premium.answered_ms is None
    assert settlement.premium.metered_seconds == 0
    assert not settlement.premium.retail
    assert lines(await world.record(call_id)) == []
    assert (await spent(world)) == [("day", 0, 0), ("month", 0, 0)]
    await books_are_right(world)


async def test_a_meter_without_a_talk_is_the_platforms(world: World) -> None:
    await make_premium(world)
    call_id = await held_call(world)
    settlement = await settle(world, call_id, talked=None, metered=3)
    assert settlement.premium is not None
    assert settlement.premium.expert == eur("0")
    assert settlement.premium.platform == settlement.premium.outpayment == fine("0.0271")
    await books_are_right(world)


async def test_a_price_per_call_is_due_with_the_first_second(world: World) -> None:
    zero = eur("0")
    await make_premium(
        world, retail_per_minute=zero, retail_per_call=eur("3.00"),
        outpayment_per_minute=zero, outpayment_per_call=eur("2.00"),
    )  # fmt: skip
    settlement = await settle(world, await held_call(world), talked=None, metered=1)
    assert settlement.premium is not None
    assert (settlement.premium.retail, settlement.premium.outpayment) == (eur("3.00"), eur("2.00"))
    await books_are_right(world)


async def test_the_callers_own_account_has_no_part_in_it(world: World) -> None:
    await make_premium(world)
    await world.top_up("10.00")
    call_id = await held_call(world, CALLER)
    await settle(world, call_id)
    assert await world.available() == eur("10.00")
    record = await world.record(call_id)
    assert record.account_id is None
    assert record.no_payer is None


async def spent(world: World, caller: str = STRANGER) -> list[tuple[str, int, int]]:
    async with world.sessions() as s:
        query = text(
            "SELECT period, posted, pending FROM premium_spendings WHERE caller_number = :n"
            " ORDER BY period"
        )
        return [tuple(row) for row in await s.execute(query, {"n": caller})]


@pytest.mark.parametrize(
    ("changes", "cap"),
    [
        # The terms' own longest call is an hour; the rules of France allow half of it.
        ({"month_maximum": None}, Cap(1_800, "seconds")),
        ({"maximum_seconds": 90}, Cap(90, "seconds")),
        ({"maximum_charge": eur("1.00")}, Cap(75, "amount")),
        ({"day_maximum": eur("2.00")}, Cap(150, "amount")),
        ({"month_maximum": eur("1.20")}, Cap(90, "amount")),
        ({"maximum_seconds": 75, "maximum_charge": eur("1.00")}, Cap(75, "seconds")),
    ],
)
async def test_the_lowest_cap_ends_a_call(world: World, changes: dict[str, Any], cap: Cap) -> None:
    await make_premium(world, **changes)
    plan = await hold(world, await receive(world))
    assert isinstance(plan, PremiumPlan)
    assert plan.cap == cap


async def test_a_call_counts_in_the_day_and_month_of_its_caller_number(world: World) -> None:
    await make_premium(world, day_maximum=eur("2.00"))
    first = await held_call(world)
    # All that it may come to is held, so that a second one at once has nothing left.
    assert await spent(world) == [("day", 0, 20_000), ("month", 0, 20_000)]
    assert await hold(world, await receive(world), world.other_expert_id) == Refused(
        Refusal.LIMIT_REACHED
    )
    await settle(world, first, talked=None, metered=60)
    assert await spent(world) == [("day", 8_000, 0), ("month", 8_000, 0)]
    second = await receive(world)
    plan = await hold(world, second)
    assert isinstance(plan, PremiumPlan)
    assert plan.cap == Cap(90, "amount")
    await books_are_right(world)
    await settle(world, second, talked=None, metered=90)
    await books_are_right(world)
    assert await hold(world, await receive(world)) == Refused(Refusal.LIMIT_REACHED)
    assert isinstance(await hold(world, await receive(world, CALLER)), PremiumPlan)


async def test_the_next_day_begins_by_the_numbers_own_clock(world: World) -> None:
    await make_premium(world, day_maximum=eur("1.00"))
    first = await held_call(world)
    await settle(world, first, talked=None, metered=75)
    world.now = NOW.replace(hour=22, minute=59)  # 23:59 in Paris
    assert isinstance(await hold(world, await receive(world)), Refused)
    world.now = NOW.replace(hour=23, minute=0)
    assert isinstance(await hold(world, await receive(world)), PremiumPlan)


async def test_two_calls_of_a_number_at_once_do_not_spend_more_than_its_day(world: World) -> None:
    await make_premium(world, day_maximum=eur("2.00"), maximum_charge=eur("1.60"))
    ids = [await receive(world) for _ in range(2)]
    experts = (world.expert_id, world.other_expert_id)
    plans = await asyncio.gather(
        *(hold(world, call_id, expert) for call_id, expert in zip(ids, experts, strict=True))
    )
    # The second one finds too little for a talk.
    assert sorted(type(plan).__name__ for plan in plans) == ["PremiumPlan", "Refused"]
    assert await spent(world) == [("day", 0, 16_000), ("month", 0, 16_000)]


async def test_a_withheld_number_is_bounded_by_the_call_alone(world: World) -> None:
    await make_premium(world, day_maximum=eur("1.00"), maximum_charge=eur("1.60"))
    call_id = await held_call(world, None)
    record = await world.record(call_id)
    assert record.premium is not None
    assert record.premium.cap == Cap(120, "amount")
    await settle(world, call_id)
    await books_are_right(world)


async def test_a_busy_expert_is_refused_and_nothing_stays_held(world: World) -> None:
    await make_premium(world)
    await held_call(world)
    second = await receive(world, CALLER)
    assert await hold(world, second) == Refused(Refusal.EXPERT_BUSY)
    assert await spent(world, CALLER) == []
    settlement = await settle(world, second, talked=None, reason=EndReason.EXPERT_BUSY)
    assert settlement.premium is None
    await books_are_right(world)


async def test_a_menu_freezes_its_terms_before_an_expert_is_chosen(world: World) -> None:
    await make_premium(world, MENU)
    call_id = await receive(world, number=MENU)
    async with world.sessions.begin() as s:
        first = await calls.hold_premium(s, call_id, expert_id=None, limits=world.limits, at=NOW)
    assert await hold(world, call_id) == first
    assert await hold(world, call_id) == first
    settlement = await settle(world, call_id, talked=20, metered=45)
    assert settlement.premium is not None
    assert settlement.premium.metered_seconds == 45
    assert settlement.premium.expert
    await books_are_right(world)


async def test_nothing_is_held_for_a_call_that_has_ended(world: World) -> None:
    await make_premium(world)
    call_id = await receive(world)
    await settle(world, call_id, talked=None)
    with pytest.raises(CallEnded):
        await hold(world, call_id)


async def test_new_terms_change_only_calls_that_come_in_after_them(world: World) -> None:
    await make_premium(world)
    call_id = await receive(world)
    dearer = replace(TERMS, retail_per_minute=eur("1.20"))
    async with world.sessions.begin() as s:
        later = NOW + timedelta(minutes=1)
        await premium.add_terms(s, DIRECT, dearer, valid_from=later, at=NOW)
    world.now = NOW + timedelta(minutes=2)
    plan = await hold(world, call_id)
    assert isinstance(plan, PremiumPlan)
    assert plan.terms == TERMS


# By Asterisk's record: after a crash, from the spool, by the sweeper.


async def recorded(world: World, call_id: UUID, moments: dict[tuple[str, str], int]) -> None:
    """Import Asterisk's record of a call: (channel, event) → seconds after NOW."""
    bridge = f"{call_id}-paid-1"
    async with world.sessions.begin() as s:
        await calls.dial_attempted(
            s, call_id, attempt=1, phone_id=world.phone_id,
            channel_id=f"{call_id}-expert-1", at=NOW,
        )  # fmt: skip
        await calls.talk_started(
            s, call_id, bridge=bridge, paid=True, start_ms=START + 5_000, at=NOW
        )
        await calls.import_cel(
            s,
            [
                CelRow(
                    event,
                    (START + second * 1_000) * 1_000,
                    f"{call_id}-{channel}",
                    f"{call_id}-caller",
                    {"bridge_id": bridge} if event.startswith("BRIDGE") else {},
                )
                for (channel, event), second in moments.items()
            ],
        )


WHOLE = {
    ("caller", "CHAN_START"): 0,
    ("expert-1", "CHAN_START"): 1,
    ("expert-1", "ANSWER"): 3,
    ("caller", "ANSWER"): 4,
    ("expert-1", "BRIDGE_ENTER"): 4,
    ("caller", "BRIDGE_ENTER"): 5,
    ("expert-1", "BRIDGE_EXIT"): 65,
    ("expert-1", "CHAN_END"): 65,
    ("caller", "BRIDGE_EXIT"): 100,
    ("caller", "CHAN_END"): 100,
}
"""The expert hung up after 60 s with nobody there to tell; the lease ended the caller's leg."""


async def test_a_call_whose_end_nobody_heard_is_metered_by_asterisks_record(world: World) -> None:
    await make_premium(world)
    call_id = await held_call(world)
    await recorded(world, call_id, WHOLE)
    async with world.sessions() as s:
        proved = await calls.proved_time(s, call_id)
    assert proved.complete
    async with world.sessions.begin() as s:
        settlement = await calls.settle(
            s, call_id, intervals=proved.intervals, reason=EndReason.SERVICE_DOWN,
            no_payer=None, at=NOW,
        )  # fmt: skip
    assert settlement.used_seconds == 60
    assert settlement.premium is not None
    assert settlement.premium.metered_seconds == 96
    await books_are_right(world)


async def test_the_record_is_not_complete_before_the_caller_was_released(world: World) -> None:
    await make_premium(world)
    call_id = await held_call(world)
    still_up = {key: at for key, at in WHOLE.items() if key != ("caller", "CHAN_END")}
    await recorded(world, call_id, still_up)
    async with world.sessions() as s:
        assert not (await calls.proved_time(s, call_id)).complete


async def test_if_asterisk_died_too_the_last_sign_of_life_ends_the_meter(world: World) -> None:
    await make_premium(world)
    call_id = await held_call(world)
    up = {key: at for key, at in WHOLE.items() if key[1] not in {"CHAN_END", "BRIDGE_EXIT"}}
    await recorded(world, call_id, up)
    async with world.sessions.begin() as s:
        await calls.heartbeat(s, [call_id], NOW + timedelta(seconds=34))
        proved = await calls.proved_time(s, call_id)
        settlement = await calls.settle(
            s, call_id, intervals=proved.intervals, reason=EndReason.SERVICE_DOWN,
            no_payer=None, at=NOW,
        )  # fmt: skip
    assert settlement.premium is not None
    assert settlement.premium.metered_seconds == 30
    await books_are_right(world)


async def test_the_sweeper_settles_a_silent_call_by_its_meter(world: World) -> None:
    await make_premium(world)
    call_id = await held_call(world)
    await recorded(world, call_id, WHOLE)
    async with world.sessions.begin() as s:
        swept = await sweeper.sweep(s, call_id, NOW + timedelta(hours=1))
    assert swept.settled
    settlement = (await world.record(call_id)).summary.settlement
    assert settlement is not None
    assert settlement.premium is not None
    assert settlement.premium.metered_seconds == 96
    assert (await world.record(call_id)).no_payer is None
    await books_are_right(world)


async def test_a_restart_finds_plan_and_answer_of_an_open_call(world: World) -> None:
    await make_premium(world)
    call_id = await held_call(world)
    async with world.sessions.begin() as s:
        await calls.answered(s, call_id, at_ms=START + 7)
        (found,) = await calls.open_calls(s, "asterisk")
    assert found.premium is not None
    assert found.premium.terms == TERMS
    assert found.answered_ms == START + 7
    assert found.account_id is None


# The books.

CORRUPTIONS = {
    "premium-parts": [
        "UPDATE transfers SET amount = amount + 1 WHERE reason = 'expected-expert'",
        "DELETE FROM transfers WHERE reason = 'expected-platform'",
        "UPDATE premium_settlements SET outpayment = outpayment + 1, platform = platform + 1",
    ],
    "premium-rating": [
        "UPDATE premium_settlements SET retail = retail - 100",
        "UPDATE premium_settlements SET released_ms = released_ms + 5000",
        "UPDATE premium_sessions SET terms = terms || '{\"retail_per_minute\": 1.5}'",
    ],
    "premium-settled": [
        "DELETE FROM premium_settlements",
        "UPDATE premium_sessions SET state = 'opened'",
    ],
    "premium-spending": [
        "UPDATE premium_spendings SET posted = posted - 100",
        "UPDATE premium_spendings SET pending = pending + 100",
    ],
}


@pytest.mark.parametrize(
    ("check", "statement"),
    [(check, statement) for check, some in CORRUPTIONS.items() for statement in some],
)
async def test_the_books_find_what_was_changed_behind_their_back(
    world: World, check: str, statement: str
) -> None:
    await make_premium(world)
    await settle(world, await held_call(world))
    async with world.sessions.begin() as s:
        await s.execute(text("SET LOCAL session_replication_role = replica"))
        await s.execute(text(statement))
    async with world.sessions() as s:
        assert check in {finding.check for finding in await books.check(s)}
