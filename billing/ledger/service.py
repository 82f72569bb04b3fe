"""What moves and holds money. Transfers are only added; wallets change by conditional updates."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import BigInteger, bindparam, case, cast, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from billing.kit.pages import After, Slice, take
from billing.kit.rows import RowsInsert, table_of
from billing.ledger.models import LedgerAccount, SettlementRow, Transfer, Wallet
from billing.ledger.values import (
    AccountKind,
    ExplainedLine,
    LedgerLine,
    Move,
    WalletState,
    account_id,
)
from billing.money.values import Money

_ACCOUNTS = RowsInsert(LedgerAccount, "id", "kind", "owner", "currency")
_NEW_ACCOUNTS = _ACCOUNTS.statement.on_conflict_do_nothing()
_TRANSFERS = RowsInsert(
    Transfer,
    *("id", "kind", "debit_id", "credit_id", "currency", "amount"),
    *("reason", "call_id", "pending_id"),
)
_WALLETS = table_of(Wallet)
_AVAILABLE = _WALLETS.c.posted - _WALLETS.c.pending - _WALLETS.c.floor
_WALLET = select(_AVAILABLE, _WALLETS.c.version).where(
    _WALLETS.c.account_id == bindparam("wallet_id")
)
_LOCKED_WALLET = _WALLET.with_for_update()
_HOLD = (
    update(_WALLETS)
    .where(
        _WALLETS.c.account_id == bindparam("wallet_id"),
        _WALLETS.c.posted - _WALLETS.c.pending - bindparam("amount") >= _WALLETS.c.floor,
    )
    .values(pending=_WALLETS.c.pending + bindparam("amount"))
    .returning(_WALLETS.c.account_id)
)
_RESOLVE = (
    update(_WALLETS)
    .where(_WALLETS.c.account_id == bindparam("wallet_id"))
    .values(
        posted=_WALLETS.c.posted - bindparam("paid"),
        pending=_WALLETS.c.pending - bindparam("held"),
        version=_WALLETS.c.version + bindparam("rose"),
    )
    .returning(_AVAILABLE)
)
_BALANCE = text(
    """
    SELECT coalesce(sum(amount), 0)::bigint FROM (
        SELECT amount FROM transfers
            WHERE credit_id = :account_id AND kind IN ('single', 'post')
        UNION ALL
        SELECT -amount FROM transfers WHERE debit_id = :account_id AND kind IN ('single', 'post')
    ) AS moved
    """
)
_RETURNABLE = text(
    """
    WITH moved AS (
        SELECT debit_id AS other_id, amount FROM transfers
            WHERE credit_id = :wallet_id AND kind = 'single'
        UNION ALL
        SELECT credit_id, -amount FROM transfers WHERE debit_id = :wallet_id AND kind = 'single'
    ), sums AS (
        SELECT coalesce(sum(m.amount) FILTER (WHERE a.kind = 'cash'), 0)::bigint AS paid_in,
                coalesce(sum(m.amount) FILTER (WHERE a.kind = 'goodwill'), 0)::bigint AS given
            FROM moved m JOIN ledger_accounts a ON a.id = m.other_id
    )
    SELECT greatest(0, least(w.posted - w.pending, s.paid_in + least(s.given, 0)))
        FROM wallets w, sums s WHERE w.account_id = :wallet_id
    """
)
_SETTLEMENT = select(SettlementRow).where(SettlementRow.call_id == bindparam("call_id"))


async def ensure_accounts(
    s: AsyncSession, accounts: Iterable[tuple[AccountKind, UUID | None]], currency: str
) -> None:
    """Make those of the accounts that don't exist yet."""
    rows = [
        {
            "id": account_id(kind, currency, owner),
            "kind": kind,
            "owner": owner,
            "currency": currency,
        }
        for kind, owner in accounts
    ]
    await s.execute(_NEW_ACCOUNTS, _ACCOUNTS.given(rows))


async def open_wallet(s: AsyncSession, owner: UUID, currency: str) -> UUID:
    """Make an empty wallet for a caller and give its account id."""
    await ensure_accounts(s, [(AccountKind.WALLET, owner)], currency)
    wallet_id = account_id(AccountKind.WALLET, currency, owner)
    await s.execute(upsert(Wallet).values(account_id=wallet_id).on_conflict_do_nothing())
    return wallet_id


async def add_transfers(s: AsyncSession, moves: Sequence[Move]) -> None:
    """Write transfers in one statement. One that exists already is an error, never a repeat."""
    if not moves:
        return
    rows = [
        {
            "id": move.id,
            "kind": move.kind,
            "debit_id": move.debit,
            "credit_id": move.credit,
            "currency": move.amount.currency,
            "amount": move.amount.amount,
            "reason": move.reason,
            "call_id": move.call_id,
            "pending_id": move.pending_id,
        }
        for move in moves
    ]
    await s.execute(_TRANSFERS.statement, _TRANSFERS.given(rows))


async def read_wallet(s: AsyncSession, wallet_id: UUID, *, lock: bool = False) -> WalletState:
    """Read what a wallet has free; `lock` keeps others from changing it until the commit."""
    query = _LOCKED_WALLET if lock else _WALLET
    available, version = (await s.execute(query, {"wallet_id": wallet_id})).one()
    return WalletState(available, version)


async def hold_in_wallet(s: AsyncSession, wallet_id: UUID, amount: int) -> bool:
    """Set `amount` ledger units aside if the wallet still has them; False: it hasn't."""
    held = await s.execute(_HOLD, {"wallet_id": wallet_id, "amount": amount})
    return held.first() is not None


async def resolve_in_wallet(s: AsyncSession, wallet_id: UUID, *, paid: int, held: int) -> int:
    """Take `held` ledger units out of the holds, `paid` of them for good; gives what is free."""
    given = {"wallet_id": wallet_id, "paid": paid, "held": held, "rose": int(held > paid)}
    available: int = (await s.execute(_RESOLVE, given)).scalar_one()
    return available


async def credit_wallet(s: AsyncSession, wallet_id: UUID, amount: int) -> int:
    """Add `amount` ledger units to a wallet; gives what is free after it."""
    return (
        await s.execute(
            update(Wallet)
            .where(Wallet.account_id == wallet_id)
            .values(posted=Wallet.posted + amount, version=Wallet.version + 1)
            .returning(Wallet.posted - Wallet.pending - Wallet.floor)
            .execution_options(synchronize_session=False)
        )
    ).scalar_one()


async def take_from_wallet(s: AsyncSession, wallet_id: UUID, amount: int) -> int | None:
    """Take `amount` ledger units that no call holds, of no credit line; gives what is free then.

    None: the wallet hasn't them.
    """
    taken = await s.execute(
        update(Wallet)
        .where(
            Wallet.account_id == wallet_id,
            Wallet.posted - Wallet.pending - amount >= func.greatest(Wallet.floor, 0),
        )
        .values(posted=Wallet.posted - amount)
        .returning(Wallet.posted - Wallet.pending - Wallet.floor)
        .execution_options(synchronize_session=False)
    )
    return taken.scalar_one_or_none()


async def returnable(s: AsyncSession, wallet_id: UUID) -> int:
    """Give what of a wallet could be paid back: free, paid in, and not taken back by adjustments.

    What vouchers and adjustments gave is taken to be spent first. Lock the wallet before.
    """
    found: int = (await s.execute(_RETURNABLE, {"wallet_id": wallet_id})).scalar_one()
    return found


async def lock_balance(s: AsyncSession, account: UUID) -> int:
    """Give an account's balance, and keep others who lock it from it until the commit."""
    locked = select(LedgerAccount.id).where(LedgerAccount.id == account)
    # KEY SHARE is what each new transfer of the account takes: calls go on being settled.
    await s.execute(locked.with_for_update(key_share=True))
    balance: int = (await s.execute(_BALANCE, {"account_id": account})).scalar_one()
    return balance


async def find_settlement(s: AsyncSession, call_id: UUID) -> SettlementRow | None:
    """Give the settlement of a call, if it has one."""
    found: SettlementRow | None = await s.scalar(_SETTLEMENT, {"call_id": call_id})
    return found


async def add_settlement(s: AsyncSession, row: SettlementRow) -> None:
    """Write how a call ended in money."""
    s.add(row)
    await s.flush()


async def lines(s: AsyncSession, call_id: UUID) -> list[LedgerLine]:
    """List the transfers of a call, oldest first."""
    debit, credit = aliased(LedgerAccount), aliased(LedgerAccount)
    query = (
        select(Transfer, debit.kind, credit.kind)
        .join(debit, debit.id == Transfer.debit_id)
        .join(credit, credit.id == Transfer.credit_id)
        .where(Transfer.call_id == call_id)
        .order_by(Transfer.position)
    )
    return [
        _line(row, debit_kind, credit_kind)
        for row, debit_kind, credit_kind in (await s.execute(query))
    ]


async def explain_page(
    s: AsyncSession, account: UUID, *, limit: int, after: After | None = None
) -> Slice[ExplainedLine]:
    """Explain an account's balance line by line, page by page; `after` is a position.

    Holds and voids are shown but move nothing.
    One statement, so that lines and balances are of one moment.
    """
    debit, credit = aliased(LedgerAccount), aliased(LedgerAccount)
    signed = case(
        (Transfer.kind.in_(["pending", "void"]), 0),
        (Transfer.debit_id == account, -Transfer.amount),
        else_=Transfer.amount,
    )
    lines = (
        select(
            Transfer.id,
            signed.label("signed"),
            cast(func.sum(signed).over(order_by=Transfer.position), BigInteger).label("balance"),
        )
        .where((Transfer.debit_id == account) | (Transfer.credit_id == account))
        .subquery()
    )
    query = (
        select(Transfer, debit.kind, credit.kind, lines.c.signed, lines.c.balance)
        .join(lines, lines.c.id == Transfer.id)
        .join(debit, debit.id == Transfer.debit_id)
        .join(credit, credit.id == Transfer.credit_id)
    )
    page = await take(s, query, (Transfer.position,), limit=limit, after=after)
    explained = [
        ExplainedLine(
            _line(row, debit_kind, credit_kind),
            Money(change, row.currency),
            Money(balance, row.currency),
        )
        for row, debit_kind, credit_kind, change, balance in page.items
    ]
    return Slice(tuple(explained), page.after)


def _line(row: Transfer, debit_kind: str, credit_kind: str) -> LedgerLine:
    return LedgerLine(
        position=row.position,
        kind=row.kind,
        debit=debit_kind,
        credit=credit_kind,
        amount=Money(row.amount, row.currency),
        reason=row.reason,
        call_id=row.call_id,
        at=row.at,
    )
