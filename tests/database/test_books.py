"""`books check` against hand-made corruptions, each made with the database's own guards off."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls import books
from billing.calls import service as calls
from billing.calls.books import Finding
from billing.calls.values import EndReason
from billing.kit.ids import transfer_id
from billing.ledger import service as ledger
from billing.ledger.values import AccountKind, account_id
from tests.database.world import NOW, World, eur


@dataclass(frozen=True)
class Rows:
    """What there is to corrupt: a settled call, an open one with a hold, the caller's wallet."""

    world: World
    settled: UUID
    open: UUID
    s: AsyncSession

    async def run(self, statement: str, **values: Any) -> None:
        await self.s.execute(text(statement), values)


@pytest.fixture
async def rows(world: World) -> Rows:
    await world.set_limits(day_limit=eur("50.00"))
    await world.top_up("20.00")
    settled = await world.paid_call(252)
    released = await world.granted_call()
    async with world.sessions.begin() as s:
        await calls.release(s, released, reason=EndReason.EXPERT_BUSY)
    await world.settle(released, None)
    open_call = await world.granted_call()
    return Rows(world, settled, open_call, world.sessions())


async def check(rows: Rows) -> list[Finding]:
    async with rows.world.sessions() as s:
        return await books.check(s)


async def amount_changed(rows: Rows) -> None:
    await rows.run(
        "UPDATE transfers SET amount = amount - 100 WHERE id = :id",
        id=transfer_id(rows.settled, "post", 0),
    )


async def transfer_deleted(rows: Rows) -> None:
    await rows.run(
        "DELETE FROM transfers WHERE id = :id", id=transfer_id(rows.settled, "share", "tax")
    )


async def hold_posted_and_voided(rows: Rows) -> None:
    await rows.run(
        "INSERT INTO transfers (id, kind, debit_id, credit_id, currency, amount, pending_id,"
        " call_id, reason) SELECT :new, 'void', debit_id, credit_id, currency, amount, pending_id,"
        " call_id, 'released' FROM transfers WHERE id = :id",
        new=uuid4(),
        id=transfer_id(rows.settled, "post", 0),
    )


async def posted_off(rows: Rows) -> None:
    await rows.run("UPDATE wallets SET posted = posted + 1")


async def pending_off(rows: Rows) -> None:
    await rows.run("UPDATE wallets SET pending = pending - 1")


async def ended_call_unsettled(rows: Rows) -> None:
    await rows.run("DELETE FROM settlements WHERE call_id = :id", id=rows.settled)


async def settled_twice(rows: Rows) -> None:
    await rows.run(
        "INSERT INTO settlements SELECT * FROM settlements WHERE call_id = :id", id=rows.settled
    )


async def charge_not_what_was_talked(rows: Rows) -> None:
    await rows.run(
        "UPDATE paid_intervals SET end_ms = end_ms - 60000 WHERE call_id = :id", id=rows.settled
    )


async def share_to_another_expert(rows: Rows) -> None:
    other = rows.world.other_expert_id
    await ledger.ensure_accounts(rows.s, [(AccountKind.EXPERT_PAYABLE, other)], "EUR")
    await rows.run(
        "UPDATE transfers SET credit_id = :other WHERE id = :id",
        other=account_id(AccountKind.EXPERT_PAYABLE, "EUR", other),
        id=transfer_id(rows.settled, "share", "expert"),
    )


async def hold_open_on_an_ended_call(rows: Rows) -> None:
    await rows.run(
        "UPDATE calls SET ended_at = :now, reason = 'caller-hung-up' WHERE id = :id",
        now=NOW,
        id=rows.open,
    )
    await rows.run(
        "INSERT INTO settlements SELECT :id, reason, no_payer, currency, 0, 0, 0, 0, 0, 0, 0,"
        " wallet_available, settled_at FROM settlements WHERE call_id = :other",
        id=rows.open,
        other=rows.settled,
    )


async def tariff_changed_afterwards(rows: Rows) -> None:
    await rows.run(
        "UPDATE charging_sessions SET tariff = jsonb_set(tariff, '{price_per_minute}', '6000')"
        " WHERE session_id = :id",
        id=rows.settled,
    )


async def tariff_unreadable(rows: Rows) -> None:
    await rows.run(
        "UPDATE charging_sessions SET tariff = tariff - 'currency' WHERE session_id = :id",
        id=rows.settled,
    )


async def parts_shifted(rows: Rows) -> None:
    await rows.run(
        "UPDATE settlements SET expert = expert + 1, platform = platform - 1 WHERE call_id = :id",
        id=rows.settled,
    )


async def hold_deleted(rows: Rows) -> None:
    await rows.run("DELETE FROM transfers WHERE id = :id", id=transfer_id(rows.open, "hold", 0))


async def hold_of_nobody(rows: Rows) -> None:
    await rows.run("DELETE FROM grants WHERE session_id = :id", id=rows.open)


async def hold_let_go_in_a_call(rows: Rows) -> None:
    await rows.run(
        "INSERT INTO transfers (id, kind, debit_id, credit_id, currency, amount, pending_id,"
        " call_id, reason) SELECT :new, 'void', debit_id, credit_id, currency, amount, id,"
        " call_id, 'released' FROM transfers WHERE id = :id",
        new=uuid4(),
        id=transfer_id(rows.open, "hold", 0),
    )


async def post_of_another_call(rows: Rows) -> None:
    await rows.run(
        "UPDATE transfers SET call_id = :open WHERE id = :id",
        open=rows.open,
        id=transfer_id(rows.settled, "post", 0),
    )


async def account_gone(rows: Rows) -> None:
    await rows.run("DELETE FROM ledger_accounts WHERE kind = 'tax'")


async def spending_off(rows: Rows) -> None:
    await rows.run("UPDATE spendings SET posted = posted + 1")


async def expert_never_freed(rows: Rows) -> None:
    await rows.run("DELETE FROM reservations WHERE call_id = :id", id=rows.open)
    await rows.run(
        "UPDATE reservations SET released_at = NULL WHERE call_id = :id", id=rows.settled
    )


async def settlement_without_an_end(rows: Rows) -> None:
    await rows.run(
        "UPDATE calls SET ended_at = NULL, reason = NULL WHERE id = :id", id=rows.settled
    )


Corruption = Callable[[Rows], Awaitable[None]]
Named = Callable[[Rows], tuple[str, str, str]]

CORRUPTIONS: list[tuple[Corruption, Named]] = [
    (
        amount_changed,
        lambda r: (
            "holds",
            f"transfer {transfer_id(r.settled, 'hold', 0)}",
            "of 6.0000 EUR is posted and voided for 5.9900 EUR only",
        ),
    ),
    (
        transfer_deleted,
        lambda r: (
            "settlement-parts",
            f"call {r.settled}",
            "its settlement says tax 0.8400 EUR, its transfers 0.0000 EUR",
        ),
    ),
    (
        hold_posted_and_voided,
        lambda r: (
            "holds",
            f"transfer {transfer_id(r.settled, 'hold', 0)}",
            "of 6.0000 EUR is posted and voided for 11.0400 EUR",
        ),
    ),
    (
        posted_off,
        lambda r: (
            "wallet-posted",
            f"wallet {r.world.wallet_id}",
            "says posted 14.9601 EUR; its transfers say 14.9600 EUR",
        ),
    ),
    (
        pending_off,
        lambda r: (
            "wallet-pending",
            f"wallet {r.world.wallet_id}",
            "says pending 5.9999 EUR; its transfers say 6.0000 EUR",
        ),
    ),
    (
        ended_call_unsettled,
        lambda r: ("settled-once", f"call {r.settled}", "has ended but was never settled"),
    ),
    (
        settled_twice,
        lambda r: ("settled-once", f"call {r.settled}", "was settled 2 times"),
    ),
    (
        charge_not_what_was_talked,
        lambda r: ("rating", f"call {r.settled}", "charge 50400 instead of 38400"),
    ),
    (
        share_to_another_expert,
        lambda r: (
            "expert",
            f"transfer {transfer_id(r.settled, 'share', 'expert')}",
            f"pays expert {r.world.other_expert_id}",
        ),
    ),
    (
        hold_open_on_an_ended_call,
        lambda r: (
            "holds",
            f"transfer {transfer_id(r.open, 'hold', 0)}",
            f"of 6.0000 EUR is still open though call {r.open} has ended",
        ),
    ),
    (
        tariff_changed_afterwards,
        lambda r: ("rating", f"call {r.settled}", "charge 50400 instead of 25200"),
    ),
    (
        tariff_unreadable,
        lambda r: ("rating", f"call {r.settled}", "can't be rated again"),
    ),
    (
        parts_shifted,
        lambda r: ("settlement-parts", f"call {r.settled}", "says expert 2.9401 EUR"),
    ),
    (
        hold_deleted,
        lambda r: ("grants", f"grant {r.open}/0", "held 6.0000 EUR"),
    ),
    (
        hold_of_nobody,
        lambda r: (
            "holds",
            f"transfer {transfer_id(r.open, 'hold', 0)}",
            "belongs to no grant",
        ),
    ),
    (
        hold_let_go_in_a_call,
        lambda r: (
            "holds",
            f"transfer {transfer_id(r.open, 'hold', 0)}",
            f"is gone though call {r.open} still goes on",
        ),
    ),
    (
        post_of_another_call,
        lambda r: (
            "resolutions",
            f"transfer {transfer_id(r.settled, 'post', 0)}",
            "no hold of the same accounts and call",
        ),
    ),
    (
        account_gone,
        lambda r: (
            "accounts",
            f"transfer {transfer_id(r.settled, 'share', 'tax')}",
            "accounts that don't exist in EUR",
        ),
    ),
    (
        spending_off,
        lambda r: (
            "spending",
            f"spending caller/{r.world.account_id}/day/2026-11-22",
            "counted 50401 spent and 60000 held, its calls 50400 and 60000",
        ),
    ),
    (
        expert_never_freed,
        lambda r: ("reservations", "reservation 1", f"is still taken by call {r.settled}"),
    ),
    (
        settlement_without_an_end,
        lambda r: ("settled-once", f"call {r.settled}", "was settled but hasn't ended"),
    ),
]


async def test_right_books_have_nothing_to_find(rows: Rows) -> None:
    assert await check(rows) == []
    await rows.s.close()


@pytest.mark.parametrize(
    ("corrupt", "named"), CORRUPTIONS, ids=[corrupt.__name__ for corrupt, _ in CORRUPTIONS]
)
async def test_each_corruption_is_found_and_named(
    rows: Rows, corrupt: Corruption, named: Named
) -> None:
    await rows.run("SET session_replication_role = replica")
    await rows.run("ALTER TABLE settlements DROP CONSTRAINT pk_settlements CASCADE")
    await rows.run("ALTER TABLE transfers DROP CONSTRAINT uq_transfers_pending_id_kind")
    await corrupt(rows)
    await rows.s.commit()
    await rows.s.close()

    check_name, row, words = named(rows)
    found = [one for one in await check(rows) if (one.check, one.row) == (check_name, row)]
    assert any(words in one.sentence for one in found), await check(rows)


async def test_a_balance_is_explained_line_by_line(rows: Rows) -> None:
    explained = (await ledger.explain_page(rows.s, rows.world.wallet_id, limit=100)).items
    assert [(one.line.kind, one.line.reason, one.amount, one.balance) for one in explained] == [
        ("single", "top-up", eur("20.00"), eur("20.00")),
        ("pending", "hold", eur("0"), eur("20.00")),
        ("post", "talk", -eur("5.04"), eur("14.96")),
        ("void", "released", eur("0"), eur("14.96")),
        ("pending", "hold", eur("0"), eur("14.96")),
        ("void", "released", eur("0"), eur("14.96")),
        ("pending", "hold", eur("0"), eur("14.96")),
    ]
    await rows.s.close()
