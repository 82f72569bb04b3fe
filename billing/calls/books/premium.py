"""Premium-rate calls: what is expected of carriers, against the meter and the frozen terms."""

from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.books.queries import (
    PREMIUM_PARTS,
    PREMIUM_RATED,
    PREMIUM_SETTLED,
    PREMIUM_SPENDINGS,
)
from billing.calls.books.values import Finding, rows_of, show
from billing.catalogue import snapshot as terms_snapshot
from billing.charging.premium.rules import outcome
from billing.kit.errors import PrimelineError
from billing.shares import snapshot as share_snapshot


async def settled(s: AsyncSession) -> list[Finding]:
    """A premium-rate call that has ended has its outcome, an open one not yet."""
    findings = []
    for row in await rows_of(s, PREMIUM_SETTLED):
        if row.settled:
            wrong = "has an outcome though it isn't settled"
        elif row.ended:
            wrong = "has ended, but what its carrier owes was never written"
        else:
            wrong = "counts as settled though it hasn't ended"
        name = f"call {row.call_id}"
        findings.append(
            Finding("premium-settled", name, f"The premium-rate call {row.call_id} {wrong}.")
        )
    return findings


async def parts(s: AsyncSession) -> list[Finding]:
    """What is expected is what the transfers say, and of the call's own carrier and expert."""
    findings = []
    for row in await rows_of(s, PREMIUM_PARTS):
        for part in ("outpayment", "expert", "platform"):
            kept, moved = getattr(row, part), getattr(row, f"{part}_moved")
            if kept != moved:
                sentence = (
                    f"Call {row.call_id}: {part} {show(kept, row.currency)} is expected, its"
                    f" transfers say {show(moved, row.currency)}."
                )
                findings.append(Finding("premium-parts", f"call {row.call_id}", sentence))
    return findings


async def rated(s: AsyncSession) -> list[Finding]:
    """Frozen terms, share rule and meter give each outcome again."""
    findings = []
    for row in await rows_of(s, PREMIUM_RATED):
        try:
            expected = _expected(row)
        except (PrimelineError, ValueError) as error:
            sentence = f"Call {row.call_id} can't be rated again: {error}"
            findings.append(Finding("premium-rating", f"call {row.call_id}", sentence))
            continue
        wrong = [name for name, value in expected.items() if getattr(row, name) != value]
        if wrong:
            told = ", ".join(f"{n} {getattr(row, n)} instead of {expected[n]}" for n in wrong)
            sentence = f"Call {row.call_id}: its frozen terms and its meter don't give {told}."
            findings.append(Finding("premium-rating", f"call {row.call_id}", sentence))
    return findings


def _expected(row: Row[Any]) -> dict[str, Any]:
    terms = terms_snapshot.from_json(row.terms)
    share = share_snapshot.from_json(row.share) if row.share and row.talked else None
    meter = None if row.answered_ms is None else (row.answered_ms, row.released_ms)
    came = outcome(terms, meter, share)
    return {
        "carrier": came.carrier,
        "metered_seconds": came.metered_seconds,
        "retail": came.retail.amount,
        "outpayment": came.outpayment.amount,
        "expert": came.expert.amount,
        "platform": came.platform.amount,
    }


async def spendings(s: AsyncSession) -> list[Finding]:
    """What counts under a day or month of a caller number is what its calls cost and may cost."""
    return [
        Finding(
            "premium-spending",
            f"spending {row.period} {row.began_on}",
            f"A caller number, {row.period} {row.began_on}: counted {row.posted} spent and"
            f" {row.pending} held, its premium-rate calls {row.posted_by_calls} and"
            f" {row.pending_by_calls} (ledger units).",
        )
        for row in await rows_of(s, PREMIUM_SPENDINGS)
    ]
