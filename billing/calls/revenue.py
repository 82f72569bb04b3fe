"""What calls earned, by day, number, expert or category: sums of settlements less refunds.

A call's money that went back, by a refund or an upheld dispute, leaves the day of the call.
Premium-rate calls are settled without a charge of ours; what their carriers are expected to pay
stands beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    String,
    Subquery,
    Uuid,
    case,
    cast,
    func,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls.models import CallRow
from billing.catalogue.models import Expert
from billing.charging.premium.models import PremiumSettlement
from billing.kit.errors import PrimelineError
from billing.ledger.models import RefundRow, SettlementRow
from billing.money.values import Money

REFUNDED: Final = "refunded"
"""Why a call earned nothing after all."""

LONGEST: Final = timedelta(days=400)
FIRST, LAST = date(1970, 1, 1), date(9000, 12, 31)
"""Beyond these a time zone could carry a moment out of the calendar."""


class By(StrEnum):
    """What a report has a line for."""

    DAY = "day"
    NUMBER = "number"
    EXPERT = "expert"
    CATEGORY = "category"
    TOTAL = "total"


class PeriodInvalid(PrimelineError):
    """A period that ends before it begins, or is too long."""

    code = "period-invalid"

    def __init__(self, first: date, last: date) -> None:
        super().__init__(
            f"{first} to {last} is no period of 1 to {LONGEST.days} days; the last day counts."
        )


class TimeZoneUnknown(PrimelineError):
    """No time zone has that name."""

    code = "time-zone-unknown"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no time zone {name!r}; write it like Europe/Paris.")


@dataclass(frozen=True, slots=True)
class Expected:
    """What premium-rate calls bring, as we expect it of the carriers.

    `retail` is what callers pay their phone companies, `outpayment` what comes to us, `expert` and
    `platform` its parts. None: no currency.
    """

    calls: int
    metered_seconds: int
    retail: Money | None
    outpayment: Money | None
    expert: Money | None
    platform: Money | None


@dataclass(frozen=True, slots=True)
class RevenueLine:
    """Calls of one key and currency. `unpaid` counts those that earned nothing, by reason.

    Amounts are what is left after `refunded`, which went back to callers. `currency` None: no
    price was quoted, so nobody was to pay. `key` None: the calls have none (a call without an
    expert). By expert it is the extension, which a successor may have had after him: each of them
    has a line, with his id and name.
    """

    key: str | None
    currency: str | None
    calls: int
    paid_calls: int
    billed_seconds: int
    gross: Money | None
    tax: Money | None
    expert: Money | None
    platform: Money | None
    refunded: Money | None
    expected: Expected
    unpaid: Mapping[str, int]
    expert_id: UUID | None = None
    expert_name: str | None = None


@dataclass(frozen=True, slots=True)
class RevenueReport:
    """Lines in the order of their keys, and the same summed for each currency."""

    by: By
    first: date
    last: date
    time_zone: str
    lines: tuple[RevenueLine, ...]
    totals: tuple[RevenueLine, ...]


_Key = tuple[str | None, UUID | None, str | None]
"""Key, expert's id and name."""


@dataclass(slots=True)
class _Sums:
    calls: int = 0
    paid_calls: int = 0
    billed_seconds: int = 0
    gross: int = 0
    tax: int = 0
    expert: int = 0
    platform: int = 0
    refunded: int = 0
    premium_calls: int = 0
    metered_seconds: int = 0
    retail: int = 0
    outpayment: int = 0
    expected_expert: int = 0
    expected_platform: int = 0

    def add(self, row: Any) -> None:
        for field in fields(self):
            if field.name != "paid_calls":
                setattr(self, field.name, getattr(self, field.name) + getattr(row, field.name))
        if row.unpaid is None:
            self.paid_calls += row.calls


async def report(
    s: AsyncSession, *, by: By, first: date, last: date, time_zone: str = "UTC"
) -> RevenueReport:
    """Sum up the calls settled from the first to the last day, both counted, in a time zone.

    A call belongs to the moment of its settlement, which is when its money moved. Raises
    PeriodInvalid or TimeZoneUnknown.
    """
    zone = _zone(time_zone)
    if not (FIRST <= first <= last <= LAST and last - first < LONGEST):
        raise PeriodInvalid(first, last)
    since = datetime.combine(first, time(), zone)
    until = datetime.combine(last + timedelta(days=1), time(), zone)
    own = by is By.EXPERT
    currency = func.coalesce(SettlementRow.currency, PremiumSettlement.currency)
    went = _went_back()
    back = func.coalesce(went.c.amount, 0)
    refunded = case((PremiumSettlement.call_id.is_not(None), 0), else_=back)
    unpaid = case(
        ((SettlementRow.charge > 0) & (back >= SettlementRow.charge), REFUNDED),
        (SettlementRow.charge > 0, None),
        (went.c.amount.is_not(None), REFUNDED),
        (PremiumSettlement.outpayment > 0, None),
        else_=func.coalesce(SettlementRow.no_payer, SettlementRow.reason),
    )
    rows = (
        await s.execute(
            select(
                _key(by, time_zone).label("key"),
                (Expert.id if own else cast(None, Uuid)).label("who"),
                (Expert.name if own else cast(None, String)).label("named"),
                currency.label("currency"),
                unpaid.label("unpaid"),
                func.count().label("calls"),
                _sum(SettlementRow.billed_seconds).label("billed_seconds"),
                _sum(SettlementRow.charge - refunded).label("gross"),
                _kept(SettlementRow.tax, went.c.tax).label("tax"),
                _kept(SettlementRow.expert, went.c.expert).label("expert"),
                _kept(SettlementRow.platform, went.c.platform).label("platform"),
                _sum(refunded).label("refunded"),
                func.count(PremiumSettlement.call_id).label("premium_calls"),
                _sum(PremiumSettlement.metered_seconds).label("metered_seconds"),
                _expected(PremiumSettlement.retail, went).label("retail"),
                _expected(PremiumSettlement.outpayment, went).label("outpayment"),
                _expected(PremiumSettlement.expert, went).label("expected_expert"),
                _expected(PremiumSettlement.platform, went).label("expected_platform"),
            )
            .outerjoin(PremiumSettlement, PremiumSettlement.call_id == SettlementRow.call_id)
            .join(CallRow, CallRow.id == SettlementRow.call_id)
            .outerjoin(went, went.c.call_id == SettlementRow.call_id)
            .outerjoin(Expert, Expert.id == CallRow.expert_id)
            .where(SettlementRow.settled_at >= since, SettlementRow.settled_at < until)
            .group_by(text("key"), text("who"), text("named"), currency, text("unpaid"))
            .order_by(text("key"), text("named"), text("who"), currency, text("unpaid"))
        )
    ).all()
    return RevenueReport(
        by=by,
        first=first,
        last=last,
        time_zone=time_zone,
        lines=_lines([((row.key, row.who, row.named), row) for row in rows]),
        totals=_lines([((None, None, None), row) for row in rows]),
    )


def _lines(rows: list[tuple[_Key, Any]]) -> tuple[RevenueLine, ...]:
    sums: dict[tuple[_Key, str | None], _Sums] = {}
    unpaid: dict[tuple[_Key, str | None], dict[str, int]] = {}
    for key, row in rows:
        place = key, row.currency
        sums.setdefault(place, _Sums()).add(row)
        reasons = unpaid.setdefault(place, {})
        if row.unpaid is not None:
            reasons[row.unpaid] = reasons.get(row.unpaid, 0) + row.calls
    return tuple(_line(*place, one, unpaid[place]) for place, one in sums.items())


def _line(key: _Key, currency: str | None, sums: _Sums, unpaid: dict[str, int]) -> RevenueLine:
    def money(amount: int) -> Money | None:
        return Money(amount, currency) if currency else None

    named, expert_id, expert_name = key
    return RevenueLine(
        key=named,
        currency=currency,
        calls=sums.calls,
        paid_calls=sums.paid_calls,
        billed_seconds=sums.billed_seconds,
        gross=money(sums.gross),
        tax=money(sums.tax),
        expert=money(sums.expert),
        platform=money(sums.platform),
        refunded=money(sums.refunded),
        expected=Expected(
            calls=sums.premium_calls,
            metered_seconds=sums.metered_seconds,
            retail=money(sums.retail),
            outpayment=money(sums.outpayment),
            expert=money(sums.expected_expert),
            platform=money(sums.expected_platform),
        ),
        unpaid=unpaid,
        expert_id=expert_id,
        expert_name=expert_name,
    )


def _key(by: By, time_zone: str) -> ColumnElement[Any]:
    match by:
        case By.DAY:
            local = func.timezone(time_zone, SettlementRow.settled_at)
            return cast(cast(local, Date), String)
        case By.NUMBER:
            return CallRow.dialled.expression
        case By.EXPERT:
            return Expert.extension.expression
        case By.CATEGORY:
            return Expert.category.expression
        case By.TOTAL:
            return cast(None, String)


def _went_back() -> Subquery:
    sums = [
        _sum(getattr(RefundRow, name)).label(name)
        for name in ("amount", "tax", "expert", "platform")
    ]
    return select(RefundRow.call_id, *sums).group_by(RefundRow.call_id).subquery("went")


def _kept(part: Any, gave: Any) -> Any:
    """What a party kept of calls that wallets paid; a premium-rate call has nothing here."""
    return _sum(
        part - case((PremiumSettlement.call_id.is_not(None), 0), else_=func.coalesce(gave, 0))
    )


def _expected(part: Any, went: Subquery) -> Any:
    """What is expected of carriers: nothing more of calls with an upheld dispute."""
    return _sum(case((went.c.call_id.is_not(None), 0), else_=part))


def _sum(column: Any) -> Any:
    # A sum of bigints is a numeric in PostgreSQL.
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TimeZoneUnknown(name) from None
