"""The ledger against the calls: grants, settlements, rating, shares, reservations."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.books.queries import (
    EXPERT_PAID,
    GRANTS,
    PARTS,
    RATED,
    RESERVATIONS,
    SETTLED,
    SPENDINGS,
)
from billing.calls.books.values import Finding, rows_of, show
from billing.charging.rules import Bill, bill, used_seconds
from billing.kit.errors import PrimelineError
from billing.shares import snapshot as share_snapshot
from billing.shares.rules import split
from billing.tariffs import snapshot as tariff_snapshot
from billing.tariffs.rules import Earlier, after, rate

_ROWS_AT_ONCE: Final = 500


async def grants(s: AsyncSession) -> list[Finding]:
    """A grant's hold is there, with its amount."""
    return [
        Finding(
            "grants",
            f"grant {row.session_id}/{row.request_number}",
            f"Grant {row.request_number} of call {row.session_id} held"
            f" {show(row.amount, row.currency)}; its transfer {row.transfer_id} holds"
            f" {show(row.transferred, row.currency)}.",
        )
        for row in await rows_of(s, GRANTS)
    ]


async def settled_once(s: AsyncSession) -> list[Finding]:
    """An ended call was settled once, an open one not yet."""
    findings = []
    for row in await rows_of(s, SETTLED):
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


async def parts(s: AsyncSession) -> list[Finding]:
    """A settlement's parts are what its transfers say."""
    findings = []
    for row in await rows_of(s, PARTS):
        for part in ("charge", "tax", "expert", "platform"):
            kept, moved = getattr(row, part), getattr(row, f"{part}_moved")
            if kept != moved:
                sentence = (
                    f"Call {row.call_id}: its settlement says {part} {show(kept, row.currency)},"
                    f" its transfers {show(moved, row.currency)}."
                )
                findings.append(Finding("settlement-parts", f"call {row.call_id}", sentence))
    return findings


async def rated(s: AsyncSession) -> list[Finding]:
    """Frozen tariff, share rule and seconds give each settlement again."""
    return [
        Finding("rating", f"call {row.call_id}", sentence)
        async for row in _stream(s, RATED)
        if (sentence := _rating(row)) is not None
    ]


async def rated_of(s: AsyncSession, call_ids: Collection[UUID]) -> dict[UUID, str]:
    """Rate these calls again, and say of which the settlement is another."""
    rows = await s.execute(
        text(f"SELECT * FROM ({RATED}) AS r WHERE r.call_id = ANY(:ids)"),  # noqa: S608  (ours)
        {"ids": list(call_ids)},
    )
    return {row.call_id: sentence for row in rows if (sentence := _rating(row)) is not None}


def _rating(row: Row[Any]) -> str | None:
    """Say what of a settlement its tariff and seconds don't give; None: they give all of it."""
    try:
        expected = _expected(row)
    except (PrimelineError, ValueError) as error:
        return f"Call {row.call_id} can't be rated again: {error}"
    wrong = [name for name in expected if getattr(row, name) != expected[name]]
    if not wrong:
        return None
    told = ", ".join(f"{name} {getattr(row, name)} instead of {expected[name]}" for name in wrong)
    return f"Call {row.call_id}: its frozen tariff and its seconds don't give {told}."


def _expected(row: Row[Any]) -> dict[str, int]:
    """Rate a call again from its intervals; amounts in ledger units."""
    intervals = [(start, end) for start, end in row.intervals]
    if row.premium:
        # The carrier bills: all of the talk is its meter's, and no wallet is charged.
        used = used_seconds(intervals)
        return {"used_seconds": used, "billed_seconds": used, "overrun_ms": 0, "charge": 0}
    if row.tariff is None:
        talked = bill(intervals, row.granted_seconds or 0)
        return _figures(talked) | {"charge": 0}
    total: Counter[str] = Counter()
    earlier, first = None, 0
    for closed in row.closed:
        last = closed["last_interval"]
        figures, earlier = _segment(closed, intervals[first:last], earlier)
        wrong = [name for name in figures if closed[name] != figures[name]]
        if wrong:
            raise ValueError(f"its segment {closed['segment']} says another {', '.join(wrong)}.")
        total.update(figures)
        first = last
    last_segment = {
        "tariff": row.tariff,
        "share": row.share,
        "granted_seconds": row.granted_seconds or 0,
    }
    total.update(_segment(last_segment, intervals[first:], earlier)[0])
    return dict(total)


def _segment(
    kept: Mapping[str, Any], intervals: Sequence[tuple[int, int]], earlier: Earlier | None
) -> tuple[dict[str, int], Earlier]:
    """Rate one segment again; also what it and those before it have used up."""
    tariff = tariff_snapshot.from_json(kept["tariff"])
    talked = bill(intervals, kept["granted_seconds"])
    rated = rate(tariff, talked.billed_seconds, earlier=earlier)
    shares = split(
        rated.charge,
        tariff.tax_basis_points,
        share_snapshot.from_json(kept["share"]),
    )
    figures = _figures(talked) | {
        "charge": shares.charge.amount,
        "tax": shares.tax.amount,
        "expert": shares.expert.amount,
        "platform": shares.platform.amount,
    }
    return figures, after(earlier, rated)


def _figures(talked: Bill) -> dict[str, int]:
    return {
        "used_seconds": talked.used_seconds,
        "billed_seconds": talked.billed_seconds,
        "overrun_ms": talked.overrun_ms,
    }


async def _stream(s: AsyncSession, query: str) -> AsyncIterator[Row[Any]]:
    result = await s.stream(text(query), execution_options={"yield_per": _ROWS_AT_ONCE})
    async for row in result:
        yield row


async def experts(s: AsyncSession) -> list[Finding]:
    """The expert's share went to the call's expert."""
    return [
        Finding(
            "expert",
            f"transfer {row.id}",
            f"Transfer {row.id} pays expert {row.paid_to}; call {row.call_id} was with expert"
            f" {row.expert_id}.",
        )
        for row in await rows_of(s, EXPERT_PAID)
    ]


async def spendings(s: AsyncSession) -> list[Finding]:
    """What counts under a spending limit is what its calls spent and hold."""
    return [
        Finding(
            "spending",
            f"spending {row.scope}/{row.owner}/{row.period}/{row.began_on}",
            f"Limit of {row.scope} {row.owner}, {row.period} {row.began_on}: counted {row.posted}"
            f" spent and {row.pending} held, its calls {row.posted_by_calls} and"
            f" {row.pending_by_calls} (ledger units).",
        )
        for row in await rows_of(s, SPENDINGS)
    ]


async def reservations(s: AsyncSession) -> list[Finding]:
    """An expert is taken only by a call that goes on."""
    return [
        Finding(
            "reservations",
            f"reservation {row.id}",
            f"Expert {row.expert_id} is still taken by call {row.call_id}, which isn't open.",
        )
        for row in await rows_of(s, RESERVATIONS)
    ]
