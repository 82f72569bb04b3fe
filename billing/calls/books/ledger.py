"""The ledger by itself: transfers, wallets and holds."""

from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.books.queries import (
    CLEARING,
    HOLDS,
    ORPHANS,
    RESOLUTIONS,
    SUMS,
    VOUCHERS,
    WALLETS,
)
from billing.calls.books.values import Finding, rows_of, show


async def sums(s: AsyncSession) -> list[Finding]:
    """All accounts of a currency add up to zero."""
    return [
        Finding(
            "sums",
            f"currency {row.currency}",
            f"All accounts in {row.currency} add up to {show(row.total, row.currency)}, not 0.",
        )
        for row in await rows_of(s, SUMS)
    ]


async def orphans(s: AsyncSession) -> list[Finding]:
    """Both ends of a transfer exist."""
    return [
        Finding(
            "accounts",
            f"transfer {row.id}",
            f"Transfer {row.id} is between accounts that don't exist in {row.currency}.",
        )
        for row in await rows_of(s, ORPHANS)
    ]


async def wallets(s: AsyncSession) -> list[Finding]:
    """A wallet's running sums are what its transfers say."""
    findings = []
    for row in await rows_of(s, WALLETS):
        name = f"wallet {row.account_id}"
        for column, kept, moved in (
            ("posted", row.posted, row.posted_by_transfers),
            ("pending", row.pending, row.pending_by_transfers),
        ):
            if kept != moved:
                sentence = (
                    f"Wallet {row.account_id} (caller {row.owner}) says {column}"
                    f" {show(kept, row.currency)}; its transfers say {show(moved, row.currency)}."
                )
                findings.append(Finding(f"wallet-{column}", name, sentence))
    return findings


async def holds(s: AsyncSession) -> list[Finding]:
    """A hold is resolved in full, or open for a call that goes on."""
    findings = []
    for row in await rows_of(s, HOLDS):
        amount, resolved = show(row.amount, row.currency), show(row.resolved, row.currency)
        if row.resolved > row.amount:
            wrong = f"of {amount} is posted and voided for {resolved}"
        elif 0 < row.resolved < row.amount:
            wrong = f"of {amount} is posted and voided for {resolved} only"
        elif row.resolved == row.amount:
            if row.call_open and row.current and row.state == "granted":
                wrong = f"of {amount} is gone though call {row.call_id} still goes on"
            else:
                continue
        elif row.state is None:
            wrong = f"of {amount} belongs to no grant"
        elif not row.call_open:
            wrong = f"of {amount} is still open though call {row.call_id} has ended"
        elif not row.current or row.state != "granted":
            wrong = f"of {amount} is still open though call {row.call_id} let it go"
        else:
            continue
        findings.append(Finding("holds", f"transfer {row.id}", f"Hold {row.id} {wrong}."))
    return findings


async def resolutions(s: AsyncSession) -> list[Finding]:
    """A post or void refers to a hold of its own."""
    return [
        Finding(
            "resolutions",
            f"transfer {row.id}",
            f"Transfer {row.id} ({row.kind}) refers to {row.pending_id}, which is no hold of the"
            " same accounts and call.",
        )
        for row in await rows_of(s, RESOLUTIONS)
    ]


async def clearing(s: AsyncSession) -> list[Finding]:
    """What came into clearing for a call went out again."""
    return [
        Finding(
            "clearing",
            f"call {row.call_id}",
            f"Call {row.call_id}: {show(row.came_in, row.currency)} came into clearing,"
            f" {show(row.went_out, row.currency)} went out.",
        )
        for row in await rows_of(s, CLEARING)
    ]


async def vouchers(s: AsyncSession) -> list[Finding]:
    """What vouchers credited to a wallet is what its owner redeemed."""
    return [
        Finding(
            "vouchers",
            f"wallet {row.wallet_id}",
            f"Wallet {row.wallet_id}: vouchers of {show(row.redeemed, row.currency)} are redeemed,"
            f" {show(row.credited, row.currency)} was credited for them.",
        )
        for row in await rows_of(s, VOUCHERS)
    ]
