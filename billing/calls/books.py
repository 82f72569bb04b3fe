"""`books check`: proves from the rows alone that everybody's money is right."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.bookqueries import (
    CLEARING,
    EXPERT_PAID,
    GRANTS,
    HOLDS,
    ORPHANS,
    PARTS,
    RATED,
    RESOLUTIONS,
    SETTLED,
    SPENDINGS,
    SUMS,
    WALLETS,
)
from billing.charging.rules import bill
from billing.kit.errors import PrimelineError
from billing.money.text import to_decimal_string
from billing.money.values import Money
from billing.shares import snapshot as share_snapshot
from billing.shares.rules import split
from billing.tariffs import snapshot as tariff_snapshot
from billing.tariffs.rules import charge

_ROWS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: which check found it, the row, and what is wrong in words."""

    check: str
    row: str
    sentence: str


async def check(s: AsyncSession) -> list[Finding]:
    """Check all of the books in one REPEATABLE READ snapshot; [] means that all is right.

    Needs a session that has no transaction yet. Reads only.
    """
    await s.connection(
        execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    )
    await s.execute(text("SET LOCAL statement_timeout = 0"))
    return [finding for part in _CHECKS for finding in await part(s)]


def _show(amount: int | None, currency: str | None) -> str:
    if amount is None:
        return "nothing"
    if currency is None:
        return str(amount)
    return f"{to_decimal_string(Money(amount, currency))} {currency}"


async def _rows(s: AsyncSession, query: str) -> Sequence[Row[Any]]:
    return (await s.execute(text(query))).all()


async def _sums(s: AsyncSession) -> list[Finding]:
    return [
        Finding(
            "sums",
            f"currency {row.currency}",
            f"All accounts in {row.currency} add up to {_show(row.total, row.currency)}, not 0.",
        )
        for row in await _rows(s, SUMS)
    ]


async def _orphans(s: AsyncSession) -> list[Finding]:
    return [
        Finding(
            "accounts",
            f"transfer {row.id}",
            f"Transfer {row.id} is between accounts that don't exist in {row.currency}.",
        )
        for row in await _rows(s, ORPHANS)
    ]


async def _wallets(s: AsyncSession) -> list[Finding]:
    findings = []
    for row in await _rows(s, WALLETS):
        name = f"wallet {row.account_id}"
        for column, kept, moved in (
            ("posted", row.posted, row.posted_by_transfers),
            ("pending", row.pending, row.pending_by_transfers),
        ):
            if kept != moved:
                sentence = (
                    f"Wallet {row.account_id} (caller {row.owner}) says {column}"
                    f" {_show(kept, row.currency)}; its transfers say {_show(moved, row.currency)}."
                )
                findings.append(Finding(f"wallet-{column}", name, sentence))
    return findings


async def _holds(s: AsyncSession) -> list[Finding]:
    findings = []
    for row in await _rows(s, HOLDS):
        amount, resolved = _show(row.amount, row.currency), _show(row.resolved, row.currency)
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


async def _resolutions(s: AsyncSession) -> list[Finding]:
    return [
        Finding(
            "resolutions",
            f"transfer {row.id}",
            f"Transfer {row.id} ({row.kind}) refers to {row.pending_id}, which is no hold of the"
            " same accounts and call.",
        )
        for row in await _rows(s, RESOLUTIONS)
    ]


async def _grants(s: AsyncSession) -> list[Finding]:
    return [
        Finding(
            "grants",
            f"grant {row.session_id}/{row.request_number}",
            f"Grant {row.request_number} of call {row.session_id} held"
            f" {_show(row.amount, row.currency)}; its transfer {row.transfer_id} holds"
            f" {_show(row.transferred, row.currency)}.",
        )
        for row in await _rows(s, GRANTS)
    ]


async def _settled_once(s: AsyncSession) -> list[Finding]:
    findings = []
    for row in await _rows(s, SETTLED):
        if row.settlements > 1:
            wrong = f"was settled {row.settlements} times"
        elif row.settlements == 0:
            wrong = "has ended but was never settled"
        else:
            wrong = "was settled but hasn't ended"
        findings.append(
            Finding("settled-once", f"call {row.call_id}", f"Call {row.call_id} {wrong}.")
        )
    return findings


async def _clearing(s: AsyncSession) -> list[Finding]:
    return [
        Finding(
            "clearing",
            f"call {row.call_id}",
            f"Call {row.call_id}: {_show(row.came_in, row.currency)} came into clearing,"
            f" {_show(row.went_out, row.currency)} went out.",
        )
        for row in await _rows(s, CLEARING)
    ]


async def _parts(s: AsyncSession) -> list[Finding]:
    findings = []
    for row in await _rows(s, PARTS):
        for part in ("charge", "tax", "expert", "platform"):
            kept, moved = getattr(row, part), getattr(row, f"{part}_moved")
            if kept != moved:
                sentence = (
                    f"Call {row.call_id}: its settlement says {part} {_show(kept, row.currency)},"
                    f" its transfers {_show(moved, row.currency)}."
                )
                findings.append(Finding("settlement-parts", f"call {row.call_id}", sentence))
    return findings


async def _experts(s: AsyncSession) -> list[Finding]:
    return [
        Finding(
            "expert",
            f"transfer {row.id}",
            f"Transfer {row.id} pays expert {row.paid_to}; call {row.call_id} was with expert"
            f" {row.expert_id}.",
        )
        for row in await _rows(s, EXPERT_PAID)
    ]


async def _spendings(s: AsyncSession) -> list[Finding]:
    return [
        Finding(
            "spending",
            f"spending {row.account_id}/{row.period}/{row.began_on}",
            f"Caller {row.account_id}, {row.period} {row.began_on}: counted {row.posted} spent and"
            f" {row.pending} held, its calls {row.posted_by_calls} and {row.pending_by_calls}"
            " (ledger units).",
        )
        for row in await _rows(s, SPENDINGS)
    ]


async def _rated(s: AsyncSession) -> list[Finding]:
    findings = []
    async for row in _stream(s, RATED):
        try:
            expected = _expected(row)
        except (PrimelineError, ValueError) as error:
            sentence = f"Call {row.call_id} can't be rated again: {error}"
            findings.append(Finding("rating", f"call {row.call_id}", sentence))
            continue
        kept = {name: getattr(row, name) for name in expected}
        wrong = [name for name in expected if kept[name] != expected[name]]
        if wrong:
            told = ", ".join(f"{name} {kept[name]} instead of {expected[name]}" for name in wrong)
            sentence = f"Call {row.call_id}: its frozen tariff and its seconds don't give {told}."
            findings.append(Finding("rating", f"call {row.call_id}", sentence))
    return findings


def _expected(row: Row[Any]) -> dict[str, int]:
    """Rate a call again from its intervals; amounts in ledger units."""
    intervals = [(start, end) for start, end in row.intervals]
    talked = bill(intervals, row.granted_seconds or 0)
    expected = {
        "used_seconds": talked.used_seconds,
        "billed_seconds": talked.billed_seconds,
        "overrun_ms": talked.overrun_ms,
    }
    if row.tariff is None:
        return expected | {"charge": 0}
    tariff = tariff_snapshot.from_json(row.tariff)
    shares = split(
        charge(tariff, talked.billed_seconds),
        tariff.tax_basis_points,
        share_snapshot.from_json(row.share),
    )
    return expected | {
        "charge": shares.charge.amount,
        "tax": shares.tax.amount,
        "expert": shares.expert.amount,
        "platform": shares.platform.amount,
    }


async def _stream(s: AsyncSession, query: str) -> AsyncIterator[Row[Any]]:
    result = await s.stream(text(query), execution_options={"yield_per": _ROWS_AT_ONCE})
    async for row in result:
        yield row


_CHECKS: Final[tuple[Callable[[AsyncSession], Awaitable[list[Finding]]], ...]] = (
    _sums,
    _orphans,
    _wallets,
    _holds,
    _resolutions,
    _grants,
    _settled_once,
    _clearing,
    _parts,
    _rated,
    _experts,
    _spendings,
)
