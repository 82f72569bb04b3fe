"""Disputes in the database: their days, what they freeze, and what goes back, once."""

import asyncio
import json
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text, update

from billing.calls import books
from billing.calls.models import CallRow
from billing.disputes import service as disputes
from billing.disputes.errors import CallDisputed, CallNotEnded, ClaimLate, DisputeOver
from billing.disputes.freezing import frozen_by_dispute
from billing.disputes.service import DisputeFilter
from billing.disputes.values import Dispute, DisputeState, Outcome
from billing.kit.versions import VersionConflict
from billing.money.values import Money
from tests.database.test_premium_calls import held_call, make_premium, settle
from tests.database.test_statements import (
    PER_CALL,
    call_at,
    file_of,
    set_layout,
    take,
    write_off,
)
from tests.database.world import NOW, World, eur

AMERICAN = "+18005550100"


async def contest(world: World, call_id: UUID, *, days: int = 0, late: bool = False) -> Dispute:
    async with world.sessions.begin() as s:
        return await disputes.open_dispute(
            s,
            call_id,
            reason="I never called.",
            by="sam",
            at=NOW + timedelta(days=days),
            late=late,
        )


async def close(world: World, dispute: Dispute, outcome: Outcome) -> Dispute:
    async with world.sessions.begin() as s:
        await disputes.close_dispute(
            s,
            dispute.dispute_id,
            outcome=outcome,
            note="Looked into.",
            by="sam",
            at=NOW,
            expected=frozenset({dispute.version}),
        )
        return await disputes.get_dispute(s, dispute.dispute_id)


async def american(world: World) -> UUID:
    """A call that was paid for on an American number."""
    await world.top_up("10.00")
    call_id = await world.paid_call(60)
    async with world.sessions.begin() as s:
        await s.execute(update(CallRow).where(CallRow.id == call_id).values(dialled=AMERICAN))
    return call_id


async def balances(world: World) -> dict[str, int]:
    """What transfers left on each kind of account, in ledger units."""
    query = """
        SELECT a.kind, coalesce(sum(e.amount), 0)::bigint FROM ledger_accounts a JOIN (
            SELECT credit_id AS id, amount FROM transfers WHERE kind IN ('single', 'post')
            UNION ALL
            SELECT debit_id, -amount FROM transfers WHERE kind IN ('single', 'post')
        ) AS e ON e.id = a.id GROUP BY a.kind
    """
    async with world.sessions() as s:
        return {kind: amount for kind, amount in await s.execute(text(query)) if amount}


async def wrong(world: World) -> list[str]:
    async with world.sessions() as s:
        return [finding.check for finding in await books.check(s)]


async def test_a_dispute_has_the_days_of_the_rules_of_its_number_and_costs_nothing(
    world: World,
) -> None:
    call_id = await american(world)
    before = await balances(world)
    dispute = await contest(world, call_id, days=9)
    assert (dispute.state, dispute.country) == (DisputeState.OPEN, "US")
    assert (dispute.claim_by, dispute.answer_by) == (date(2027, 1, 21), date(2027, 1, 26))
    assert await balances(world) == before


async def test_a_claim_after_its_last_day_is_refused_unless_accepted(world: World) -> None:
    call_id = await american(world)
    with pytest.raises(ClaimLate, match=r"R21.*until 2027-01-21"):
        await contest(world, call_id, days=61)
    assert (await contest(world, call_id, days=61, late=True)).state == DisputeState.OPEN


async def test_a_claim_on_its_last_day_is_in_time(world: World) -> None:
    assert (await contest(world, await american(world), days=60)).claim_by == date(2027, 1, 21)


async def test_a_call_that_goes_on_cant_be_disputed(world: World) -> None:
    await world.top_up("10.00")
    with pytest.raises(CallNotEnded):
        await contest(world, await world.granted_call())


async def test_a_call_has_one_dispute_at_a_time_and_another_only_after_a_rejection(
    world: World,
) -> None:
    call_id = await american(world)
    first = await contest(world, call_id)
    with pytest.raises(CallDisputed, match="it is open"):
        await contest(world, call_id)
    await close(world, first, Outcome.REJECTED)
    second = await contest(world, call_id)
    await close(world, second, Outcome.UPHELD)
    with pytest.raises(CallDisputed, match="it is upheld"):
        await contest(world, call_id)


async def test_an_upheld_dispute_gives_the_caller_all_back_and_the_books_are_right(
    world: World,
) -> None:
    await world.top_up("10.00")
    before = await balances(world)
    call_id = await world.paid_call(252)
    charged = await balances(world)
    assert charged != before
    dispute = await contest(world, call_id)
    closed = await close(world, dispute, Outcome.UPHELD)
    assert (closed.state, closed.note) == (DisputeState.UPHELD, "Looked into.")
    assert closed.returned == eur("5.04")
    assert await world.available() == eur("10.00")
    assert await balances(world) == before
    assert await wrong(world) == []


async def test_a_rejected_dispute_moves_nothing(world: World) -> None:
    await world.top_up("10.00")
    dispute = await contest(world, await world.paid_call(252))
    closed = await close(world, dispute, Outcome.REJECTED)
    assert closed.returned is None
    assert await world.available() == eur("4.96")


async def test_a_dispute_upheld_by_two_people_at_once_gives_back_once(world: World) -> None:
    await world.top_up("10.00")
    dispute = await contest(world, await world.paid_call(252))
    done = await asyncio.gather(
        close(world, dispute, Outcome.UPHELD),
        close(world, dispute, Outcome.UPHELD),
        return_exceptions=True,
    )
    assert [type(one) for one in done].count(VersionConflict) == 1
    assert await world.available() == eur("10.00")
    assert await wrong(world) == []


async def test_a_closed_dispute_stays_closed(world: World) -> None:
    dispute = await close(world, await contest(world, await american(world)), Outcome.REJECTED)
    with pytest.raises(DisputeOver, match="it was rejected"):
        await close(world, dispute, Outcome.UPHELD)


async def test_an_upheld_premium_call_is_expected_of_nobody_any_more(world: World) -> None:
    await make_premium(world)
    call_id = await held_call(world)
    await settle(world, call_id)
    before = await balances(world)
    assert before["carrier-expected"] < 0
    closed = await close(world, await contest(world, call_id), Outcome.UPHELD)
    assert closed.returned == Money(-before["carrier-expected"], "EUR")
    assert await balances(world) == {}
    assert await wrong(world) == []


async def test_the_books_notice_a_dispute_that_gave_back_something_else_than_it_says(
    world: World,
) -> None:
    await make_premium(world)
    call_id = await held_call(world)
    await settle(world, call_id)
    dispute = await close(world, await contest(world, call_id), Outcome.UPHELD)
    async with world.sessions.begin() as s:
        statement = text("UPDATE disputes SET returned = returned + 1 WHERE id = :id")
        await s.execute(statement, {"id": dispute.dispute_id})
    assert await wrong(world) == ["disputes"]


async def test_open_and_upheld_disputes_freeze_money_and_rejected_ones_dont(world: World) -> None:
    await world.top_up("20.00")
    open_, upheld, rejected, undisputed = [await world.paid_call(60) for _ in range(4)]
    await contest(world, open_)
    await close(world, await contest(world, upheld), Outcome.UPHELD)
    await close(world, await contest(world, rejected), Outcome.REJECTED)
    async with world.sessions() as s:
        every = [open_, upheld, rejected, undisputed]
        assert await frozen_by_dispute(s, every) == {open_, upheld}
        assert await frozen_by_dispute(s, []) == set()


async def test_overdue_are_the_open_ones_whose_last_day_to_answer_is_over(world: World) -> None:
    late = await contest(world, await american(world))
    await world.top_up("10.00", key="second")
    await contest(world, await world.paid_call(60))
    assert late.answer_by is not None
    async with world.sessions() as s:
        for after, found in ((0, []), (1, [late.dispute_id])):
            wanted = DisputeFilter(overdue_on=late.answer_by + timedelta(days=after))
            page = await disputes.page_disputes(s, wanted=wanted, limit=10)
            assert [one.dispute_id for one in page.items] == found


async def test_an_upheld_premium_call_gives_back_what_a_statement_made_due(world: World) -> None:
    await make_premium(world)
    await set_layout(world, PER_CALL)
    call_id = await call_at(world, 0, 61)
    await take(world, file_of((0, 61, "0.50")))
    due = await balances(world)
    assert set(due) == {"carrier-due", "expert-payable", "platform-revenue"}
    closed = await close(world, await contest(world, call_id), Outcome.UPHELD)
    assert closed.returned == Money(-due["carrier-due"], "EUR")
    assert await balances(world) == {}
    assert await wrong(world) == []


async def test_an_upheld_dispute_of_a_written_off_call_takes_the_experts_part_back(
    world: World,
) -> None:
    await make_premium(world)
    await set_layout(world, PER_CALL, non_payment="platform")
    listed, lacking = await call_at(world, 0, 61), await call_at(world, 1_000, 61)
    statement = await take(world, file_of((0, 61, "0.5522")))
    await write_off(world, statement.statement_id)
    for call_id in (listed, lacking):
        await close(world, await contest(world, call_id), Outcome.UPHELD)
    assert await balances(world) == {}
    assert await wrong(world) == []


async def carried(world: World, time_zone: str) -> UUID:
    """A settled premium-rate call of NOW, 12:00 UTC, under American rules."""
    await make_premium(world)
    call_id = await held_call(world)
    await settle(world, call_id, talked=60)
    where = {"where": json.dumps({"country": "US", "time_zone": time_zone})}
    async with world.sessions.begin() as s:
        await s.execute(
            text("UPDATE premium_sessions SET terms = terms || cast(:where AS jsonb)"), where
        )
    return call_id


async def test_the_days_of_a_premium_rate_call_are_those_of_its_number(world: World) -> None:
    dispute = await contest(world, await carried(world, "Pacific/Auckland"))
    # There it is 01:00 on the 23rd.
    assert (dispute.claim_by, dispute.answer_by) == (date(2027, 1, 22), date(2027, 1, 18))


async def test_a_claim_on_the_evening_of_its_last_day_is_in_time_where_utc_is_a_day_ahead(
    world: World,
) -> None:
    call_id = await carried(world, "America/Los_Angeles")
    async with world.sessions.begin() as s:
        dispute = await disputes.open_dispute(
            s, call_id, reason="Never.", by="sam", at=NOW + timedelta(days=60, hours=15)
        )
    assert dispute.claim_by == date(2027, 1, 21)


@pytest.mark.parametrize(
    ("time_zone", "claim_by"),
    [("Pacific/Auckland", date(2027, 1, 22)), ("America/Los_Angeles", date(2027, 1, 21))],
)
async def test_the_days_of_an_ordinary_call_are_those_of_the_caller(
    world: World, time_zone: str, claim_by: date
) -> None:
    await world.top_up("10.00")
    call_id = await world.paid_call(60)
    async with world.sessions.begin() as s:
        zone = text("UPDATE caller_accounts SET time_zone = :zone")
        await s.execute(zone, {"zone": time_zone})
        # Whose rules have days to claim within.
        await s.execute(text("UPDATE calls SET dialled = '+18005550100'"))
    assert (await contest(world, call_id)).claim_by == claim_by
