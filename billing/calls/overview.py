"""Whose money is where: held for callers, owed to experts, expected and due from carriers."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger.models import LedgerAccount, Transfer, Wallet
from billing.money.values import Money


@dataclass(frozen=True, slots=True)
class KindBalance:
    """All accounts of a kind and currency together. A balance is credits minus debits."""

    kind: str
    currency: str
    accounts: int
    balance: Money


@dataclass(frozen=True, slots=True)
class WalletsBalance:
    """All callers' wallets of a currency: what is theirs, and how much of it calls hold now."""

    currency: str
    wallets: int
    posted: Money
    held: Money


@dataclass(frozen=True, slots=True)
class Overview:
    """The balances of the whole ledger."""

    wallets: tuple[WalletsBalance, ...]
    kinds: tuple[KindBalance, ...]


async def overview(s: AsyncSession) -> Overview:
    """Sum up the ledger by kind and currency, from its transfers."""
    moved = (
        select(Transfer.debit_id, Transfer.credit_id, Transfer.amount)
        .where(Transfer.kind.in_(["single", "post"]))
        .cte("moved")
    )
    signed = (
        select(moved.c.credit_id.label("account_id"), moved.c.amount)
        .union_all(select(moved.c.debit_id, -moved.c.amount))
        .subquery()
    )
    balances = (
        select(signed.c.account_id, func.sum(signed.c.amount).label("balance"))
        .group_by(signed.c.account_id)
        .subquery()
    )
    kinds = await s.execute(
        select(
            LedgerAccount.kind,
            LedgerAccount.currency,
            func.count(),
            cast(func.coalesce(func.sum(balances.c.balance), 0), BigInteger),
        )
        .outerjoin(balances, balances.c.account_id == LedgerAccount.id)
        .group_by(LedgerAccount.kind, LedgerAccount.currency)
        .order_by(LedgerAccount.kind, LedgerAccount.currency)
    )
    wallets = await s.execute(
        select(
            LedgerAccount.currency,
            func.count(),
            cast(func.sum(Wallet.posted), BigInteger),
            cast(func.sum(Wallet.pending), BigInteger),
        )
        .join(LedgerAccount, LedgerAccount.id == Wallet.account_id)
        .group_by(LedgerAccount.currency)
        .order_by(LedgerAccount.currency)
    )
    return Overview(
        wallets=tuple(
            WalletsBalance(currency, count, Money(posted, currency), Money(held, currency))
            for currency, count, posted, held in wallets
        ),
        kinds=tuple(
            KindBalance(kind, currency, count, Money(balance, currency))
            for kind, currency, count, balance in kinds
        ),
    )
