"""A statement's file taken in: previewed, then once for all."""

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import exists, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.models import PaidInterval
from billing.charging.premium.models import PremiumSession
from billing.kit.clock import from_ms
from billing.reconciliation import applying, layouts, rules
from billing.reconciliation.applying import Applied
from billing.reconciliation.comparing import Days, compare
from billing.reconciliation.errors import StatementTaken, StatementTooLong
from billing.reconciliation.models import StatementCall, StatementLine, StatementRow
from billing.reconciliation.reading import read
from billing.reconciliation.values import Comparison, Judged, KnownLayout, Line, OurCall, Outcome
from billing.shares import snapshot as share_snapshot
from billing.shares.values import ShareRule

LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Imported:
    """A statement just imported, and what of it became due at once."""

    statement_id: UUID
    comparison: Comparison
    applied: Applied


async def preview(
    s: AsyncSession,
    layout: str,
    content: bytes,
    *,
    days: Days | None = None,
    most: int | None = None,
) -> Comparison:
    """Show what an import would come to; writes nothing. Raises what `import_statement` raises."""
    known = await layouts.find(s, layout)
    await _refuse_again(s, known, content)
    lines = await asyncio.to_thread(read, content, known.layout)
    _bounded(len(lines), most)
    compared = await compare(s, known.layout, lines, days)
    _bounded(_calls(compared), most)
    return compared


async def import_statement(
    s: AsyncSession,
    layout: str,
    content: bytes,
    *,
    file_name: str,
    by: str,
    at: datetime,
    days: Days | None = None,
    most: int | None = None,
) -> Imported:
    """Take a statement in and make due what it lists of our calls, in this one transaction.

    Of two at once the second waits, and is refused if it is the same file. `most`: of so many
    lines and calls. Raises LayoutUnknown, StatementUnreadable, StatementTooLong, StatementTaken or
    PeriodInvalid; then nothing was taken.
    """
    known = await layouts.find(s, layout)
    lines = await asyncio.to_thread(read, content, known.layout)
    _bounded(len(lines), most)
    await applying.lock_carrier(s, known.layout.carrier)
    await _refuse_again(s, known, content)
    compared = await compare(s, known.layout, lines, days)
    _bounded(_calls(compared), most)
    row = StatementRow(
        id=uuid4(),
        carrier=known.layout.carrier,
        kind=known.layout.kind,
        currency=known.layout.currency,
        layout_id=known.layout_id,
        layout=layouts.to_json(known.layout),
        non_payment=known.layout.non_payment,
        file_name=_printable(file_name),
        file_hash=_hash(content),
        from_at=from_ms(compared.from_ms),
        until=from_ms(compared.until_ms),
        imported_at=at,
        imported_by=by,
    )
    s.add(row)
    await s.flush()
    await _write(s, row.id, compared)
    return Imported(row.id, compared, await applying.apply(s, row.id, at=at))


def outcomes(comparison: Comparison) -> dict[str, int]:
    """Count lines by outcome, and calls that the statement lacks."""
    counted = Counter(str(judged.outcome) for judged in comparison.lines)
    counted[str(Outcome.MISSING)] = len(comparison.missing)
    return {str(outcome): counted[str(outcome)] for outcome in Outcome}


def _bounded(count: int, most: int | None) -> None:
    if most is not None and count > most:
        raise StatementTooLong(count, most)


def _calls(compared: Comparison) -> int:
    return sum(len(judged.parts) for judged in compared.lines) + len(compared.missing)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _printable(file_name: str) -> str:
    name = file_name.replace("\\", "/").rpartition("/")[2]
    return "".join(one for one in name if one.isprintable())[:LONGEST_NAME] or "statement"


async def _refuse_again(s: AsyncSession, known: KnownLayout, content: bytes) -> None:
    first = (
        await s.execute(
            select(StatementRow.id, StatementRow.file_name, StatementRow.imported_at).where(
                StatementRow.carrier == known.layout.carrier,
                StatementRow.file_hash == _hash(content),
            )
        )
    ).first()
    if first is not None:
        raise StatementTaken(*first)


async def _write(s: AsyncSession, statement_id: UUID, compared: Comparison) -> None:
    talked = await _shares(s, compared)
    lines: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    for position, judged in enumerate(compared.lines, 1):
        lines.append(_line_row(statement_id, position, judged))
        for part in judged.parts:
            expert, platform = rules.due(part.amount, talked.get(part.call.call_id))
            calls.append(
                {
                    "statement_id": statement_id,
                    "position": position,
                    "call_id": part.call.call_id,
                    "listed": True,
                    "amount": part.amount.amount,
                    "expert": expert,
                    "platform": platform,
                }
            )
    for position, call in enumerate(compared.missing, len(lines) + 1):
        lines.append(_missing_row(statement_id, position, call))
        calls.append(
            {
                "statement_id": statement_id,
                "position": position,
                "call_id": call.call_id,
                "listed": False,
                "amount": 0,
                "expert": 0,
                "platform": 0,
            }
        )
    await s.execute(insert(StatementLine), lines)
    if calls:
        await s.execute(insert(StatementCall), calls)


async def _shares(s: AsyncSession, compared: Comparison) -> dict[UUID, ShareRule]:
    """The frozen share rules of the calls in which an expert talked."""
    ids = [part.call.call_id for judged in compared.lines for part in judged.parts]
    rows = await s.execute(
        select(PremiumSession.session_id, PremiumSession.share).where(
            PremiumSession.session_id == func.any(ids),
            PremiumSession.share.is_not(None),
            exists().where(PaidInterval.call_id == PremiumSession.session_id),
        )
    )
    return {call_id: share_snapshot.from_json(share) for call_id, share in rows}


def _line_row(statement_id: UUID, position: int, judged: Judged) -> dict[str, Any]:
    line: Line = judged.line
    return {
        "statement_id": statement_id,
        "position": position,
        "file_line": line.position,
        "number": line.number,
        "caller": line.caller,
        "starts_at": from_ms(line.start_ms),
        "ends_at": None if line.end_ms is None else from_ms(line.end_ms),
        "seconds": line.seconds,
        "calls": line.calls,
        "carrier_id": line.carrier_id,
        "amount": line.amount.amount,
        "expected": judged.expected.amount,
        "outcome": str(judged.outcome),
        "within": judged.within,
    }


def _missing_row(statement_id: UUID, position: int, call: OurCall) -> dict[str, Any]:
    return {
        "statement_id": statement_id,
        "position": position,
        "file_line": None,
        "number": call.number,
        "caller": None,
        "starts_at": from_ms(call.answered_ms),
        "ends_at": None,
        "seconds": call.seconds,
        "calls": None,
        "carrier_id": None,
        "amount": 0,
        "expected": call.outpayment.amount,
        "outcome": str(Outcome.MISSING),
        "within": False,
    }
