"""A statement's lines beside our calls: what is read, what it comes to, nothing written."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.catalogue.models import Number
from billing.charging.premium.models import PremiumSession, PremiumSettlement
from billing.kit.clock import from_ms, to_ms
from billing.money.values import Money
from billing.reconciliation import rules
from billing.reconciliation.errors import PeriodInvalid
from billing.reconciliation.models import StatementCall
from billing.reconciliation.values import Closed, Comparison, Layout, Line, OurCall

LONGEST_PERIOD: Final = timedelta(days=400)

Days = tuple[date, date]
"""The first and the last day of a statement, both counted."""


async def compare(
    s: AsyncSession, layout: Layout, lines: Sequence[Line], days: Days | None = None
) -> Comparison:
    """Compare a whole statement with our calls; raises PeriodInvalid.

    `days`: the period it is about, in the layout's time zone; without it, the days of its lines.
    """
    from_at, until_at = _period(layout, lines, days)
    tolerance_ms = layout.tolerance_seconds * 1_000
    # A call just outside of the period may be meant by a line just inside.
    calls = await our_calls(s, layout, from_at - tolerance_ms, until_at + tolerance_ms)
    tolerance = Money(layout.tolerance_amount, layout.currency)
    if layout.kind == "per-call":
        judged = rules.judge_calls(
            lines, calls, tolerance_seconds=layout.tolerance_seconds, tolerance=tolerance
        )
    else:
        judged = rules.judge_sums(lines, calls, tolerance=tolerance)
    return Comparison(
        lines=judged,
        missing=rules.missing(calls, judged, from_ms=from_at, until_ms=until_at),
        from_ms=from_at,
        until_ms=until_at,
    )


def _period(layout: Layout, lines: Sequence[Line], days: Days | None) -> tuple[int, int]:
    """The statement's period in ms, whole days of the layout's time zone."""
    zone = ZoneInfo(layout.time_zone)
    first_ms = min(line.start_ms for line in lines)
    last_ms = max(line.start_ms if line.end_ms is None else line.end_ms - 1 for line in lines)
    told = (from_ms(first_ms).astimezone(zone).date(), from_ms(last_ms).astimezone(zone).date())
    first, last = days or told
    if not (first <= last and last - first < LONGEST_PERIOD):
        raise PeriodInvalid(f"{first} to {last} is none of 1 to {LONGEST_PERIOD.days} days")
    if not (first <= told[0] and told[1] <= last):
        raise PeriodInvalid(f"its lines are from {told[0]} to {told[1]}")
    return _midnight_ms(first, zone), _midnight_ms(last + timedelta(days=1), zone)


def _midnight_ms(day: date, zone: ZoneInfo) -> int:
    return to_ms(datetime.combine(day, time(), zone).astimezone(UTC))


async def our_calls(
    s: AsyncSession, layout: Layout, from_at_ms: int, until_ms: int
) -> list[OurCall]:
    """List a carrier's settled premium-rate calls that were answered in a time."""
    had = exists().where(StatementCall.call_id == PremiumSettlement.call_id)

    rows = await s.execute(
        select(
            PremiumSettlement,
            PremiumSession.caller_number,
            Number.e164,
            had.where(StatementCall.listed).label("listed"),
            had.where(~StatementCall.listed, StatementCall.applied_at.is_not(None)).label(
                "written_off"
            ),
        )
        .join(PremiumSession, PremiumSession.session_id == PremiumSettlement.call_id)
        .join(Number, Number.id == PremiumSession.number_id)
        .where(
            PremiumSettlement.carrier == layout.carrier,
            PremiumSettlement.currency == layout.currency,
            PremiumSettlement.answered_ms >= from_at_ms,
            PremiumSettlement.answered_ms < until_ms,
        )
    )
    return [
        OurCall(
            call_id=row.call_id,
            number=e164,
            answered_ms=row.answered_ms or 0,
            seconds=row.metered_seconds,
            caller=caller,
            outpayment=Money(row.outpayment, row.currency),
            closed=Closed.LISTED if listed else Closed.WRITTEN_OFF if written_off else Closed.NO,
        )
        for row, caller, e164, listed, written_off in rows
    ]
