"""Carriers' statements: expected and due of each call, against what its statement says of it.

The tables are those of `billing.reconciliation`, which stands above and can't be asked from here.
"""

from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.books.values import Finding, rows_of, show
from billing.kit.errors import PrimelineError
from billing.money.values import Money
from billing.shares import snapshot as share_snapshot
from billing.shares.rules import split

_CLOSED: Final = """
    WITH moved AS (
        SELECT t.call_id, a.kind,
                sum(CASE WHEN a.id = t.credit_id THEN t.amount ELSE -t.amount END)::bigint
                    AS balance
            FROM transfers t
            JOIN ledger_accounts a ON a.id IN (t.debit_id, t.credit_id)
            WHERE t.call_id IS NOT NULL AND t.kind = 'single' AND (
                t.reason LIKE 'expected-%' OR t.reason LIKE 'confirmed-%'
                OR t.reason LIKE 'corrected-%' OR t.reason LIKE 'written-off-%')
            GROUP BY t.call_id, a.kind
    ),
    balances AS (
        SELECT call_id,
                coalesce(sum(balance) FILTER (WHERE kind = 'carrier-expected'), 0)::bigint
                    AS carrier_expected,
                coalesce(sum(balance) FILTER (WHERE kind = 'expert-expected'), 0)::bigint
                    AS expert_expected,
                coalesce(sum(balance) FILTER (WHERE kind = 'platform-expected'), 0)::bigint
                    AS platform_expected,
                coalesce(sum(balance) FILTER (WHERE kind = 'carrier-due'), 0)::bigint
                    AS carrier_due,
                coalesce(sum(balance) FILTER (WHERE kind = 'expert-payable'), 0)::bigint
                    AS expert_due,
                coalesce(sum(balance) FILTER (WHERE kind = 'platform-revenue'), 0)::bigint
                    AS platform_due
            FROM moved GROUP BY call_id
    ),
    said AS (
        SELECT DISTINCT ON (call_id) call_id, amount, expert, platform FROM statement_calls
            WHERE applied_at IS NOT NULL ORDER BY call_id, listed DESC
    )
    SELECT * FROM (
        SELECT n.call_id, n.currency, s.call_id IS NOT NULL AS closed,
                coalesce(b.carrier_expected, 0) AS carrier_expected,
                coalesce(b.expert_expected, 0) AS expert_expected,
                coalesce(b.platform_expected, 0) AS platform_expected,
                coalesce(b.carrier_due, 0) AS carrier_due,
                coalesce(b.expert_due, 0) AS expert_due,
                coalesce(b.platform_due, 0) AS platform_due,
                CASE WHEN s.call_id IS NULL THEN -n.outpayment ELSE 0 END
                    AS carrier_expected_wanted,
                CASE WHEN s.call_id IS NULL THEN n.expert ELSE 0 END AS expert_expected_wanted,
                CASE WHEN s.call_id IS NULL THEN n.platform ELSE 0 END
                    AS platform_expected_wanted,
                coalesce(-s.amount, 0) AS carrier_due_wanted,
                coalesce(s.expert, 0) AS expert_due_wanted,
                coalesce(s.platform, 0) AS platform_due_wanted
            FROM premium_settlements n
            LEFT JOIN balances b ON b.call_id = n.call_id
            LEFT JOIN said s ON s.call_id = n.call_id
    ) AS each_call
    WHERE (carrier_expected, expert_expected, platform_expected,
            carrier_due, expert_due, platform_due)
        <> (carrier_expected_wanted, expert_expected_wanted, platform_expected_wanted,
            carrier_due_wanted, expert_due_wanted, platform_due_wanted)
    ORDER BY call_id
"""

_LINES: Final = """
    SELECT l.statement_id, l.position, l.amount, l.expected, t.currency, l.outcome,
            coalesce(c.amount, 0)::bigint AS spread, coalesce(c.expected, 0)::bigint AS of_calls
        FROM statement_lines l
        JOIN statements t ON t.id = l.statement_id
        LEFT JOIN (
            SELECT c.statement_id, c.position, sum(c.amount) AS amount,
                    sum(n.outpayment) AS expected
                FROM statement_calls c JOIN premium_settlements n ON n.call_id = c.call_id
                GROUP BY 1, 2
        ) AS c ON c.statement_id = l.statement_id AND c.position = l.position
        WHERE l.outcome IN ('confirmed', 'corrected', 'missing')
                AND (l.amount, l.expected)
                    IS DISTINCT FROM
                        (coalesce(c.amount, 0)::bigint, coalesce(c.expected, 0)::bigint)
            OR l.outcome IN ('unknown', 'repeated') AND c.statement_id IS NOT NULL
        ORDER BY l.statement_id, l.position
"""

_SHARED: Final = """
    SELECT c.call_id, t.currency, c.listed, c.amount, c.expert, c.platform, t.non_payment, s.share,
            n.expert AS expected_expert, c.applied_at IS NOT NULL AS applied,
            EXISTS (SELECT 1 FROM paid_intervals i WHERE i.call_id = c.call_id) AS talked
        FROM statement_calls c
        JOIN statements t ON t.id = c.statement_id
        JOIN premium_sessions s ON s.session_id = c.call_id
        JOIN premium_settlements n ON n.call_id = c.call_id
        ORDER BY c.call_id
"""

_KINDS: Final = (
    "carrier_expected",
    "expert_expected",
    "platform_expected",
    "carrier_due",
    "expert_due",
    "platform_due",
)


async def closed(s: AsyncSession) -> list[Finding]:
    """What is expected of a call and what is due for it add up to what its statement says."""
    findings = []
    for row in await rows_of(s, _CLOSED):
        told = "; ".join(
            f"{kind.replace('_', ' ')} {show(getattr(row, kind), row.currency)} instead of"
            f" {show(getattr(row, f'{kind}_wanted'), row.currency)}"
            for kind in _KINDS
            if getattr(row, kind) != getattr(row, f"{kind}_wanted")
        )
        stands = "closed by a statement" if row.closed else "in no statement yet"
        sentence = f"Call {row.call_id}, {stands}: {told}."
        findings.append(Finding("statement-transfers", f"call {row.call_id}", sentence))
    return findings


async def lines(s: AsyncSession) -> list[Finding]:
    """A line's amount is the sum of what it says of its calls; other lines are about none."""
    return [
        Finding(
            "statement-lines",
            f"statement {row.statement_id} line {row.position}",
            f"Line {row.position} ({row.outcome}) of statement {row.statement_id}:"
            f" {show(row.amount, row.currency)}, {show(row.expected, row.currency)} expected; its"
            f" calls have {show(row.spread, row.currency)} and"
            f" {show(row.of_calls, row.currency)}.",
        )
        for row in await rows_of(s, _LINES)
    ]


async def shared(s: AsyncSession) -> list[Finding]:
    """The frozen share rule gives the parts of what a carrier pays; the setting, who bears it."""
    findings = []
    for row in await rows_of(s, _SHARED):
        try:
            wanted = _parts(row)
        except (PrimelineError, ValueError) as error:
            sentence = f"Call {row.call_id}: its share can't be worked out again: {error}"
        else:
            if (row.expert, row.platform) == wanted:
                continue
            sentence = (
                f"Call {row.call_id}: of {show(row.amount, row.currency)} the expert has"
                f" {show(row.expert, row.currency)} instead of {show(wanted[0], row.currency)}."
            )
        findings.append(Finding("statement-shares", f"call {row.call_id}", sentence))
    return findings


def _parts(row: Row[Any]) -> tuple[int, int]:
    if not row.listed:
        borne = row.expected_expert if row.applied and row.non_payment == "platform" else 0
        return borne, -borne
    if row.share is None or not row.talked:
        return 0, row.amount
    parts = split(Money(row.amount, row.currency), 0, share_snapshot.from_json(row.share))
    return parts.expert.amount, parts.platform.amount
