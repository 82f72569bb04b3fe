"""What PostgreSQL itself refuses, whatever a program of ours would do."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.kit.ids import transfer_id
from billing.ledger import service as ledger
from billing.ledger.values import AccountKind, Move, account_id
from billing.money.values import Money
from tests.database.world import World, eur

CLEARING = account_id(AccountKind.CLEARING, "EUR")
TAX = account_id(AccountKind.TAX, "EUR")


async def refused(s: AsyncSession, statement: str, why: str, **values: Any) -> None:
    with pytest.raises(DBAPIError, match=why):
        await s.execute(text(statement), values)
    await s.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfers SET amount = 1",
        "DELETE FROM transfers",
        "TRUNCATE transfers CASCADE",
        "UPDATE settlements SET charge = 0",
        "DELETE FROM settlements",
        "DELETE FROM paid_intervals",
        "UPDATE tariff_versions SET price_per_minute = 0",
        "DELETE FROM audit_entries",
    ],
)
async def test_rows_are_only_ever_added(world: World, statement: str) -> None:
    await world.top_up("10.00")
    await world.paid_call(60)
    async with world.sessions() as s:
        await refused(s, statement, "are only ever added")


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE wallets SET pending = posted + 1", "ck_wallets_floor"),
        ("UPDATE wallets SET pending = -1", "ck_wallets_pending"),
        ("UPDATE spendings SET pending = limit_amount + 1", "ck_spendings_limit"),
        ("UPDATE ledger_accounts SET kind = 'pocket'", "ck_ledger_accounts_kind"),
        ("UPDATE ledger_accounts SET currency = 'GBP'", "fk_transfers"),
    ],
)
async def test_sums_stay_within_their_bounds(world: World, statement: str, why: str) -> None:
    await world.set_limits(day_limit=eur("50.00"))
    await world.top_up("10.00")
    await world.granted_call()
    async with world.sessions() as s:
        await refused(s, statement, why)


async def write(s: AsyncSession, **changes: Any) -> None:
    values: dict[str, Any] = {
        "id": uuid4(),
        "kind": "single",
        "debit": CLEARING,
        "credit": TAX,
        "amount": eur("1.00"),
        "reason": "test",
    }
    await ledger.add_transfers(s, [Move(**values | changes)])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"amount": eur("0")}, "ck_transfers_amount"),
        ({"amount": -eur("1.00")}, "ck_transfers_amount"),
        ({"amount": Money(100, "GBP")}, "fk_transfers"),
        ({"credit": CLEARING}, "ck_transfers_two_accounts"),
        ({"debit": uuid4()}, "fk_transfers"),
        ({"kind": "post"}, "ck_transfers_refers_to_pending"),
        ({"pending_id": uuid4()}, "ck_transfers_refers_to_pending"),
    ],
)
async def test_a_transfer_that_makes_no_sense_is_refused(
    world: World, changes: dict[str, Any], why: str
) -> None:
    await world.top_up("10.00")
    await world.granted_call()
    async with world.sessions() as s:
        with pytest.raises(DBAPIError, match=why):
            await write(s, **changes)


async def test_the_same_transfer_cant_be_written_twice(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions() as s:
        with pytest.raises(DBAPIError, match="pk_transfers"):
            await write(s, id=transfer_id(call_id, "hold", 0), kind="pending")


@pytest.mark.parametrize(
    ("moves", "why"),
    [
        ([("post", "6.01")], "of 60000 is posted and voided for 60100"),
        ([("post", "3.00"), ("void", "3.01")], "of 60000 is posted and voided for 60100"),
        ([("post", "3.00"), ("post", "1.00")], "uq_transfers_pending_id_kind"),
        ([("void", "6.00"), ("void", "6.00")], "uq_transfers_pending_id_kind"),
    ],
)
async def test_a_hold_is_resolved_for_no_more_than_it_is(
    world: World, moves: list[tuple[str, str]], why: str
) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions() as s:
        resolutions = [
            write(
                s,
                kind=kind,
                debit=world.wallet_id,
                credit=CLEARING,
                amount=eur(amount),
                call_id=call_id,
                pending_id=transfer_id(call_id, "hold", 0),
            )
            for kind, amount in moves
        ]
        for resolution in resolutions[:-1]:
            await resolution
        with pytest.raises(DBAPIError, match=why):
            await resolutions[-1]


async def test_a_hold_is_resolved_between_its_own_accounts(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions() as s:
        with pytest.raises(DBAPIError, match="does not match its hold"):
            await write(
                s,
                kind="post",
                debit=world.wallet_id,
                credit=TAX,
                call_id=call_id,
                pending_id=transfer_id(call_id, "hold", 0),
            )


async def test_what_comes_into_clearing_for_a_call_goes_out_again(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions() as s:
        await write(
            s,
            kind="post",
            debit=world.wallet_id,
            credit=CLEARING,
            amount=eur("6.00"),
            call_id=call_id,
            pending_id=transfer_id(call_id, "hold", 0),
        )
        await write(s, amount=eur("5.99"), call_id=call_id)
        with pytest.raises(DBAPIError, match="60000 came into clearing, 59900 went out"):
            await s.commit()


async def test_what_is_posted_for_a_call_is_its_charge(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.granted_call()
    async with world.sessions() as s:
        await s.execute(
            text(
                "INSERT INTO settlements VALUES (:id, 'caller-hung-up', NULL, 'EUR', 100, 0, 100,"
                " 0, 1, 1, 0, 0, now())"
            ),
            {"id": call_id},
        )
        with pytest.raises(DBAPIError, match="settled for 100, posted 0"):
            await s.commit()


async def test_a_settlements_parts_are_its_charge(world: World) -> None:
    call_id = await world.receive()
    async with world.sessions() as s:
        await refused(
            s,
            "INSERT INTO settlements VALUES (:id, 'caller-hung-up', NULL, 'EUR', 100, 0, 99,"
            " 0, 1, 1, 0, 0, now())",
            "ck_settlements_parts",
            id=call_id,
        )


async def test_an_expert_is_reserved_by_one_call_at_most(world: World) -> None:
    insert = (
        "INSERT INTO reservations (expert_id, call_id, reserved_at) VALUES (:expert, :call, now())"
    )
    async with world.sessions() as s:
        values = {"expert": world.expert_id, "call": uuid4()}
        await s.execute(text(insert), values)
        await refused(
            s, insert + ", (:expert, gen_random_uuid(), now())", "uq_reservations", **values
        )


async def test_the_check_of_a_call_never_reads_all_transfers(world: World) -> None:
    """A plan that was made while there were few of them is kept for as long as the connection."""
    await world.top_up("10.00")
    async with world.sessions() as s:

        async def check(count: int) -> int:
            for _ in range(count):
                call_id = uuid4()
                moves = [
                    Move(
                        id=transfer_id(call_id, "test", str(step)),
                        kind="single",
                        debit=debit,
                        credit=credit,
                        amount=eur("0.01"),
                        reason="test",
                        call_id=call_id,
                    )
                    for step, (debit, credit) in enumerate(
                        [(world.wallet_id, CLEARING), (CLEARING, world.wallet_id)]
                    )
                ]
                await ledger.add_transfers(s, moves)
            await s.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            read: int = await s.scalar(
                text("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'transfers'")
            )
            return read

        await ledger.ensure_accounts(s, [(AccountKind.CLEARING, None)], "EUR")
        await s.execute(text("ANALYZE transfers"))
        before = await check(0)
        assert await check(20) == before


_REFUND = """
    INSERT INTO refunds (id, call_id, currency, amount, tax, expert, platform, reason, note,
            borne_by, made_by, made_at)
        VALUES (:id, :call, 'EUR', :amount, 0, :expert, :platform, 'other', 'By hand.', 'shared',
            'sam', now())
"""


async def test_refunds_exceed_no_charge_whoever_writes_them(world: World) -> None:
    await world.top_up("10.00")
    call_id = await world.paid_call(252)

    async def give(amount: int, expert: int = 0) -> None:
        async with world.sessions.begin() as s:
            parts = {"expert": expert, "platform": amount - expert}
            await s.execute(
                text(_REFUND), {"id": uuid4(), "call": call_id, "amount": amount, **parts}
            )

    with pytest.raises(DBAPIError, match="exceed its charge"):
        await give(eur("5.05").amount)
    with pytest.raises(DBAPIError, match="exceed its charge"):
        await give(eur("2.95").amount, expert=eur("2.95").amount)
    tried = (give(eur("1.00").amount) for _ in range(10))
    done = await asyncio.gather(*tried, return_exceptions=True)
    assert done.count(None) == 5
    async with world.sessions() as s:
        await refused(s, "UPDATE refunds SET amount = 0", "are only ever added")
