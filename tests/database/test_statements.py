"""Carriers' statements in the database: what they list becomes due, once, to the last unit."""

import asyncio
import csv
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls import books
from billing.calls import service as calls
from billing.calls.lines import earnings
from billing.calls.values import EndReason, Interval
from billing.catalogue.values import carrier_id
from billing.disputes.models import DisputeRow
from billing.kit.clock import from_ms, to_ms
from billing.kit.versions import VersionConflict
from billing.ledger import service as ledger
from billing.ledger.values import AccountKind, account_id
from billing.money.values import Money
from billing.reconciliation import applying, importing, layouts, listing
from billing.reconciliation.applying import Applied
from billing.reconciliation.errors import (
    CarrierUnknown,
    LayoutTaken,
    LayoutUnknown,
    PeriodInvalid,
    StatementTaken,
    StatementUnknown,
)
from billing.reconciliation.importing import Imported
from billing.reconciliation.listing import ListedLine, Shown
from billing.reconciliation.values import Layout
from tests.database.test_premium_calls import (
    books_are_right,
    fine,
    held_call,
    make_premium,
)
from tests.database.world import DIRECT, NOW, World, eur
from tests.unit.test_statement_files import FRENCH, SUMS

CARRIER = carrier_id("carrier")
FILES = Path(__file__).parents[1] / "statements"

PER_CALL = Layout(
    name="per call",
    carrier="carrier",
    kind="per-call",
    currency="EUR",
    columns={
        "number": "to", "caller": "from", "start": "at", "seconds": "s", "amount": "pays",
    },
    date_formats=("%Y-%m-%dT%H:%M:%S%z",),
    delimiter=",",
    tolerance_amount=100,
)  # fmt: skip
PER_DAY = Layout(
    name="per day",
    carrier="carrier",
    kind="aggregate",
    currency="EUR",
    columns={"number": "to", "start": "day", "amount": "pays"},
    date_formats=("%Y-%m-%d",),
    delimiter=",",
)


async def call_at(world: World, second: int, seconds: int, *, talked: bool = True) -> UUID:
    """A settled call, answered so many seconds after NOW: 0.5432 a minute."""
    call_id = await held_call(world)
    start = to_ms(NOW) + second * 1_000
    meter = Interval(start, start + seconds * 1_000)
    async with world.sessions.begin() as s:
        await calls.settle(
            s,
            call_id,
            intervals=(meter,) if talked else (),
            reason=EndReason.CALLER_HUNG_UP,
            no_payer=None,
            at=from_ms(start) + timedelta(seconds=seconds),
            meter=meter,
        )
    return call_id


def file_of(*rows: tuple[int, int, str], caller: str = "") -> bytes:
    """A per-call file: (seconds after NOW, duration, amount)."""
    made = StringIO()
    writer = csv.writer(made)
    writer.writerow(("to", "from", "at", "s", "pays"))
    for second, seconds, amount in rows:
        at = NOW + timedelta(seconds=second)
        writer.writerow((DIRECT, caller, at.strftime("%Y-%m-%dT%H:%M:%S%z"), seconds, amount))
    return made.getvalue().encode()


async def set_layout(world: World, layout: Layout, **changes: Any) -> None:
    async with world.sessions.begin() as s:
        await layouts.add(s, replace(layout, **changes))


async def take(world: World, content: bytes, layout: Layout = PER_CALL, **more: Any) -> Imported:
    async with world.sessions.begin() as s:
        return await importing.import_statement(
            s, layout.name, content, file_name="november.csv", by="test", at=NOW, **more
        )


async def write_off(world: World, statement_id: UUID) -> Applied:
    async with world.sessions.begin() as s:
        return await applying.write_off(s, statement_id, at=NOW)


async def again(world: World, statement_id: UUID) -> Applied:
    async with world.sessions.begin() as s:
        return await applying.apply(s, statement_id, at=NOW)


async def lines_of(
    world: World, statement_id: UUID, shown: Shown | None = None
) -> Sequence[ListedLine]:
    async with world.sessions() as s:
        page = await listing.list_lines(s, statement_id, limit=100, shown=shown)
        return page.items


async def balance(s: AsyncSession, kind: AccountKind, owner: UUID | None) -> Money:
    lines = (await ledger.explain_page(s, account_id(kind, "EUR", owner), limit=10_000)).items
    return lines[-1].balance if lines else eur("0")


async def balances(world: World) -> dict[str, Money]:
    """What is expected and due, all accounts together; zeros left out."""
    owners = {
        AccountKind.CARRIER_EXPECTED: CARRIER,
        AccountKind.CARRIER_DUE: CARRIER,
        AccountKind.EXPERT_EXPECTED: world.expert_id,
        AccountKind.EXPERT_PAYABLE: world.expert_id,
        AccountKind.PLATFORM_EXPECTED: None,
        AccountKind.PLATFORM_REVENUE: None,
        AccountKind.CLEARING: None,
    }
    async with world.sessions() as s:
        found = {str(kind): await balance(s, kind, owner) for kind, owner in owners.items()}
    return {kind: money for kind, money in found.items() if money}


async def dispute(world: World, call_id: UUID) -> UUID:
    dispute_id = uuid4()
    async with world.sessions.begin() as s:
        await s.execute(
            insert(DisputeRow).values(
                id=dispute_id, call_id=call_id, state="open", reason="too long", opened_at=NOW,
                opened_by="test",
            )
        )  # fmt: skip
    return dispute_id


async def reject(world: World, dispute_id: UUID) -> None:
    async with world.sessions.begin() as s:
        await s.execute(
            update(DisputeRow)
            .where(DisputeRow.id == dispute_id)
            .values(state="rejected", closed_at=NOW, note="it was not")
        )


@pytest.fixture
async def premium(world: World) -> World:
    """A premium-rate number and both layouts."""
    await make_premium(world)
    await set_layout(world, PER_CALL)
    await set_layout(world, PER_DAY)
    return world


async def test_what_a_carrier_confirms_becomes_due_and_nothing_stays_expected(
    premium: World,
) -> None:
    call_id = await call_at(premium, 0, 61)
    record = await premium.record(call_id)
    assert record.premium_due is not None
    assert record.premium_due.state == "expected"
    done = await take(premium, file_of((0, 61, "0.5522")))
    assert done.applied == Applied(1, fine("0.5522"), 0)
    assert await balances(premium) == {
        "carrier-due": -fine("0.5522"),
        "expert-payable": fine("0.3865"),
        "platform-revenue": fine("0.1657"),
    }
    record = await premium.record(call_id)
    assert [(one.reason, one.debit, one.credit) for one in record.ledger[3:]] == [
        ("confirmed-outpayment", "carrier-due", "carrier-expected"),
        ("confirmed-expert", "expert-expected", "expert-payable"),
        ("confirmed-platform", "platform-expected", "platform-revenue"),
    ]
    assert record.premium_due is not None
    assert record.premium_due.state == "due"
    assert record.premium_due.outpayment == fine("0.5522")
    assert (record.premium_due.expert, record.premium_due.platform) == (
        fine("0.3865"), fine("0.1657"),
    )  # fmt: skip
    await books_are_right(premium)


@pytest.mark.parametrize(
    ("amount", "expert", "platform"),
    [("0.50", "0.35", "0.15"), ("1.00", "0.70", "0.30"), ("0", "0", "0")],
)
async def test_a_corrected_amount_is_shared_anew_by_the_frozen_rule(
    premium: World, amount: str, expert: str, platform: str
) -> None:
    call_id = await call_at(premium, 0, 61)
    await take(premium, file_of((0, 61, amount)))
    due = {
        "carrier-due": -fine(amount),
        "expert-payable": fine(expert),
        "platform-revenue": fine(platform),
    }
    assert await balances(premium) == {kind: money for kind, money in due.items() if money}
    record = await premium.record(call_id)
    assert record.premium_due is not None
    assert (record.premium_due.state, record.premium_due.expert) == ("due", fine(expert))
    await books_are_right(premium)


async def test_a_call_without_a_talk_is_the_platforms_whatever_the_carrier_pays(
    premium: World,
) -> None:
    await call_at(premium, 0, 30, talked=False)
    await take(premium, file_of((0, 30, "0.10")))
    assert await balances(premium) == {
        "carrier-due": -fine("0.10"), "platform-revenue": fine("0.10"),
    }  # fmt: skip
    await books_are_right(premium)


async def test_each_line_has_its_outcome_and_what_differs_is_a_short_list(premium: World) -> None:
    confirmed = await call_at(premium, 0, 61)
    rounded = await call_at(premium, 1_000, 61)
    shorter = await call_at(premium, 2_000, 120)
    lacking = await call_at(premium, 3_000, 60)
    content = file_of(
        (2, 61, "0.5522"), (1_000, 62, "0.55"), (1_996, 60, "0.5432"), (9_000, 5, "0.10")
    )
    async with premium.sessions() as s:
        compared = await importing.preview(s, PER_CALL.name, content)
    expected = {"confirmed": 1, "corrected": 2, "unknown": 1, "repeated": 0, "missing": 1}
    assert importing.outcomes(compared) == expected
    assert "carrier-due" not in await balances(premium)
    done = await take(premium, content)
    lines = await lines_of(premium, done.statement_id)
    assert [(one.shown_outcome, one.within, one.call_id) for one in lines] == [
        ("confirmed", True, confirmed),
        ("corrected", True, rounded),
        ("corrected", False, shorter),
        ("unknown", False, None),
        ("missing", False, lacking),
    ]
    different = await lines_of(premium, done.statement_id, Shown.DIFFERENT)
    assert [one.position for one in different] == [3, 4, 5]
    for shown, positions in ((Shown.MISSING, [5]), (Shown.CONFIRMED, [1]), (Shown.DISPUTED, [])):
        found = await lines_of(premium, done.statement_id, shown)
        assert [one.position for one in found] == positions
    async with premium.sessions() as s:
        statement = await listing.get_statement(s, done.statement_id)
        page = await listing.list_statements(s, limit=10)
    assert page.items == (statement,)
    assert statement.lines == 4
    assert statement.outcomes == expected
    assert statement.amount == fine("1.7454")
    assert statement.matched == statement.applied == fine("1.6454")
    assert statement.missing_open == fine("0.5432")
    await books_are_right(premium)


async def test_the_fixture_of_calls_goes_all_the_way(premium: World) -> None:
    await set_layout(premium, FRENCH)
    first = await call_at(premium, 0, 61)
    second = await call_at(premium, 3_600, 120)
    done = await take(premium, (FILES / "calls.csv").read_bytes(), FRENCH)
    lines = await lines_of(premium, done.statement_id)
    assert [one.call_id for one in lines] == [first, second]
    assert done.applied == Applied(2, fine("1.5522"), 0)
    await books_are_right(premium)


async def test_the_fixture_of_sums_is_spread_over_the_calls_of_its_day(premium: World) -> None:
    await set_layout(premium, SUMS)
    ids = [await call_at(premium, 1_000 * n, 60 + n) for n in range(3)]
    next_day = await call_at(premium, 40_000, 60)
    done = await take(premium, (FILES / "sums.csv").read_bytes(), SUMS)
    (line,) = await lines_of(premium, done.statement_id)
    assert (line.our_calls, line.calls, line.call_id) == (3, 3, None)
    assert done.applied == Applied(3, fine("1234.56"), 0)
    dues = [(await premium.record(one)).premium_due for one in (*ids, next_day)]
    assert [one.state for one in dues if one] == ["due", "due", "due", "expected"]
    total = sum(one.outpayment.amount for one in dues if one)
    assert total == fine("1234.56").amount
    await books_are_right(premium)


async def test_a_sum_that_is_what_we_expected_confirms_each_call(premium: World) -> None:
    for n in range(3):
        await call_at(premium, 1_000 * n, 60 + n)
    content = f"to,day,pays\n{DIRECT},2026-11-22,1.6567\n".encode()
    done = await take(premium, content, PER_DAY)
    (line,) = await lines_of(premium, done.statement_id)
    assert line.shown_outcome == "confirmed"
    assert "carrier-expected" not in await balances(premium)
    await books_are_right(premium)


async def test_the_same_file_twice_points_to_the_first(premium: World) -> None:
    await call_at(premium, 0, 61)
    content = file_of((0, 61, "0.5522"))
    first = await take(premium, content)
    for trial in (take(premium, content), previewed(premium, content)):
        with pytest.raises(StatementTaken, match=str(first.statement_id)) as refused:
            await trial
        assert refused.value.statement_id == first.statement_id
    await books_are_right(premium)


async def previewed(world: World, content: bytes) -> None:
    async with world.sessions() as s:
        await importing.preview(s, PER_CALL.name, content)


async def test_of_importers_at_once_one_wins_and_no_call_is_paid_twice(premium: World) -> None:
    await call_at(premium, 0, 61)
    same = [take(premium, file_of((0, 61, "0.5522"))) for _ in range(3)]
    others = [take(premium, file_of((n, 61, "0.60"))) for n in range(1, 4)]
    done = await asyncio.gather(*same, *others, return_exceptions=True)
    assert sum(isinstance(one, StatementTaken) for one in done) == 2
    imported = [one for one in done if isinstance(one, Imported)]
    assert len(imported) == 4
    assert sum(one.applied.calls for one in imported) == 1
    await books_are_right(premium)


async def test_a_call_that_an_earlier_statement_had_is_told_as_repeated(premium: World) -> None:
    await call_at(premium, 0, 61)
    await take(premium, file_of((0, 61, "0.5522")))
    done = await take(premium, file_of((0, 61, "0.5522"), caller="0639XXXXXX"))
    (line,) = await lines_of(premium, done.statement_id)
    assert (line.shown_outcome, line.our_calls) == ("repeated", 0)
    assert not done.applied.calls
    await books_are_right(premium)


async def test_an_importer_who_dies_between_leaves_nothing_and_may_try_again(
    premium: World,
) -> None:
    await call_at(premium, 0, 61)
    content = file_of((0, 61, "0.5522"))
    before = await balances(premium)
    async with premium.sessions() as s:
        await importing.import_statement(
            s, PER_CALL.name, content, file_name="a.csv", by="test", at=NOW
        )
        await s.rollback()
    assert await balances(premium) == before
    done = await take(premium, content)
    assert done.applied.calls == 1
    assert await again(premium, done.statement_id) == Applied(0, eur("0"), 0)
    await books_are_right(premium)


@pytest.mark.parametrize("borne_by", ["shared", "platform"])
async def test_who_bears_a_call_that_is_never_paid_is_a_setting(
    premium: World, borne_by: str
) -> None:
    await set_layout(premium, PER_CALL, name="other", non_payment=borne_by)
    await call_at(premium, 0, 61)
    lacking = await call_at(premium, 1_000, 61)
    content = file_of((0, 61, "0.5522"))
    done = await take(premium, content, replace(PER_CALL, name="other"))
    assert await write_off(premium, done.statement_id) == Applied(1, fine("0.5522"), 0)
    assert await write_off(premium, done.statement_id) == Applied(0, eur("0"), 0)
    expert = fine("0.3865") if borne_by == "shared" else fine("0.7730")
    assert await balances(premium) == {
        "carrier-due": -fine("0.5522"),
        "expert-payable": expert,
        "platform-revenue": fine("0.5522") - expert,
    }
    record = await premium.record(lacking)
    assert record.premium_due is not None
    assert record.premium_due.state == "written-off"
    (line,) = await lines_of(premium, done.statement_id, Shown.MISSING)
    assert line.closed_at == NOW
    await books_are_right(premium)


@pytest.mark.parametrize("borne_by", ["shared", "platform"])
async def test_a_call_that_was_written_off_and_is_paid_after_all_ends_as_if_paid_at_once(
    premium: World, borne_by: str
) -> None:
    await set_layout(premium, PER_CALL, name="other", non_payment=borne_by)
    await call_at(premium, 0, 61)
    lacking = await call_at(premium, 1_000, 61)
    done = await take(premium, file_of((0, 61, "0.5522")), replace(PER_CALL, name="other"))
    await write_off(premium, done.statement_id)
    await take(premium, file_of((1_000, 61, "0.5522")))
    assert await balances(premium) == {
        "carrier-due": -fine("1.1044"),
        "expert-payable": fine("0.7730"),
        "platform-revenue": fine("0.3314"),
    }
    record = await premium.record(lacking)
    assert record.premium_due is not None
    assert record.premium_due.state == "due"
    assert record.premium_due.expert == fine("0.3865")
    await books_are_right(premium)


async def test_a_missing_call_that_another_statement_has_is_not_written_off(
    premium: World,
) -> None:
    await call_at(premium, 0, 61)
    await call_at(premium, 1_000, 61)
    first = await take(premium, file_of((0, 61, "0.5522")))
    await take(premium, file_of((1_000, 61, "0.5522")))
    assert await write_off(premium, first.statement_id) == Applied(0, eur("0"), 0)
    async with premium.sessions() as s:
        statement = await listing.get_statement(s, first.statement_id)
    assert not statement.missing_open
    await books_are_right(premium)


async def test_a_disputed_call_is_left_and_applied_when_its_dispute_is_over(
    premium: World,
) -> None:
    disputed = await call_at(premium, 0, 61)
    await call_at(premium, 1_000, 61)
    lacking = await call_at(premium, 2_000, 61)
    first, second = await dispute(premium, disputed), await dispute(premium, lacking)
    content = file_of((0, 61, "0.5522"), (1_000, 61, "0.5522"))
    done = await take(premium, content)
    assert done.applied == Applied(1, fine("0.5522"), 1)
    (line,) = await lines_of(premium, done.statement_id, Shown.DISPUTED)
    assert (line.shown_outcome, line.call_id) == ("disputed", disputed)
    assert [one.shown_outcome for one in await lines_of(premium, done.statement_id)] == [
        "disputed", "confirmed", "missing",
    ]  # fmt: skip
    assert await write_off(premium, done.statement_id) == Applied(0, eur("0"), 1)
    assert await again(premium, done.statement_id) == Applied(0, eur("0"), 1)
    await books_are_right(premium)
    await reject(premium, first)
    await reject(premium, second)
    assert await again(premium, done.statement_id) == Applied(1, fine("0.5522"), 0)
    assert (await write_off(premium, done.statement_id)).calls == 1
    assert set(await balances(premium)) == {"carrier-due", "expert-payable", "platform-revenue"}
    await books_are_right(premium)


async def test_a_period_holds_all_lines_and_names_what_is_missing_in_all_of_it(
    premium: World,
) -> None:
    await call_at(premium, 0, 61)
    later = await call_at(premium, 86_400 * 3, 61)
    content = file_of((0, 61, "0.5522"))
    for days in (
        (date(2026, 11, 23), date(2026, 11, 24)),
        (date(2026, 11, 24), date(2026, 11, 1)),
        (date(2020, 1, 1), date(2026, 12, 1)),
    ):
        with pytest.raises(PeriodInvalid):
            await take(premium, content, days=days)
    done = await take(premium, content, days=(date(2026, 11, 1), date(2026, 11, 30)))
    (line,) = await lines_of(premium, done.statement_id, Shown.MISSING)
    assert line.call_id == later
    async with premium.sessions() as s:
        statement = await listing.get_statement(s, done.statement_id)
    assert statement.from_at == datetime.fromisoformat("2026-10-31T23:00:00+00:00")
    assert statement.until == datetime.fromisoformat("2026-11-30T23:00:00+00:00")


async def test_a_statement_is_signed_off_once(premium: World) -> None:
    await call_at(premium, 0, 61)
    done = await take(premium, file_of((0, 61, "0.5522")))
    async with premium.sessions.begin() as s:
        assert await applying.sign_off(s, done.statement_id, by="ada", at=NOW)
        assert not await applying.sign_off(s, done.statement_id, by="ben", at=NOW)
        statement = await listing.get_statement(s, done.statement_id)
    assert (statement.signed_off_by, statement.signed_off_at) == ("ada", NOW)


async def test_layouts_are_known_by_name_and_edited_by_version(premium: World) -> None:
    for refused, wanted in (
        (PER_CALL, LayoutTaken),
        (replace(PER_CALL, name="new", carrier="nobody"), CarrierUnknown),
    ):
        with pytest.raises(wanted):
            await set_layout(premium, refused)
    async with premium.sessions.begin() as s:
        with pytest.raises(LayoutUnknown):
            await layouts.find(s, "new")
        known = await layouts.find(s, PER_CALL.name)
        seen = frozenset({known.version})
        edit = {"tolerance_seconds": 9}
        changed, what = await layouts.change(s, known.layout_id, edit, expected=seen)
        assert what == {"tolerance_seconds": {"from": 5, "to": 9}}
        assert changed.layout == replace(PER_CALL, tolerance_seconds=9)
        with pytest.raises(VersionConflict):
            await layouts.change(s, known.layout_id, edit, expected=seen)
        with pytest.raises(StatementUnknown):
            await applying.apply(s, uuid4(), at=NOW)
        found = await layouts.list_layouts(s)
        assert [one.layout.name for one in found] == ["per call", "per day"]


@pytest.mark.parametrize(
    ("breakage", "check"),
    [
        ("UPDATE statement_calls SET amount = amount + 1, platform = platform + 1",
         {"statement-transfers", "statement-lines", "statement-shares"}),
        ("UPDATE statement_calls SET expert = expert + 1, platform = platform - 1",
         {"statement-transfers", "statement-shares"}),
        ("UPDATE statement_calls SET applied_at = NULL", {"statement-transfers"}),
    ],
)  # fmt: skip
async def test_the_check_of_the_books_sees_a_broken_row(
    premium: World, breakage: str, check: set[str]
) -> None:
    await call_at(premium, 0, 61)
    await take(premium, file_of((0, 61, "0.5522")))
    await books_are_right(premium)
    async with premium.sessions.begin() as s:
        await s.execute(text(breakage))
    async with premium.sessions() as s:
        assert {one.check for one in await books.check(s)} == check


async def test_the_check_of_the_books_sees_money_that_moved_without_a_statement(
    premium: World,
) -> None:
    call_id = await call_at(premium, 0, 61)
    await take(premium, file_of((0, 61, "0.5522")))
    async with premium.sessions.begin() as s:
        due = account_id(AccountKind.CARRIER_DUE, "EUR", CARRIER)
        revenue = account_id(AccountKind.PLATFORM_REVENUE, "EUR")
        await s.execute(
            text(
                "INSERT INTO transfers (id, kind, debit_id, credit_id, currency, amount, call_id,"
                " reason) VALUES (gen_random_uuid(), 'single', :due, :revenue, 'EUR', 1, :call,"
                " 'confirmed-outpayment')"
            ),
            {"due": due, "revenue": revenue, "call": call_id},
        )
    async with premium.sessions() as s:
        (finding,) = await books.check(s)
    assert finding.check == "statement-transfers"
    assert str(call_id) in finding.sentence


async def test_what_an_expert_expects_this_month_is_never_below_nothing(premium: World) -> None:
    await call_at(premium, 0, 61)
    async with premium.sessions() as s:
        earned = await earnings(s, premium.expert_id, "UTC", NOW)
    assert earned.expected == (fine("0.3865"),)
    await take(premium, file_of((0, 61, "0.5522")))
    async with premium.sessions() as s:
        now = await earnings(s, premium.expert_id, "UTC", NOW)
        next_month = await earnings(s, premium.expert_id, "UTC", NOW + timedelta(days=20))
    assert now.expected == next_month.expected == ()
    async with premium.sessions.begin() as s:
        # As if the statement had come in the month after its call.
        for table in ("settlements", "transfers"):
            await s.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for earlier in (
            "UPDATE settlements SET settled_at = settled_at - interval '2 months'",
            "UPDATE transfers SET at = at - interval '2 months' WHERE reason LIKE 'expected-%'",
        ):
            await s.execute(text(earlier))
    async with premium.sessions() as s:
        assert (await earnings(s, premium.expert_id, "UTC", NOW)).expected == ()
