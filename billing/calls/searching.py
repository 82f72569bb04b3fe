"""Calls found by what they were: filters, newest first, a page at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import CallerNumber
from billing.calls.models import CallRow
from billing.calls.records import CallSummary, summary
from billing.catalogue.models import Expert
from billing.charging.premium.models import PremiumSettlement
from billing.kit.pages import After, Slice, take
from billing.kit.phones import to_e164
from billing.ledger.models import SettlementRow


@dataclass(frozen=True, slots=True)
class CallFilter:
    """What is looked for; None: anything. `since` counts, `until` doesn't.

    `state` is a state by name, `open` or `ended`. `number` is one of ours, `expert` an extension or
    an id, `caller` the number somebody called from or an account's id, `least_charge` in ledger
    units.
    """

    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    number: str | None = None
    expert: str | UUID | None = None
    caller: str | UUID | None = None
    reason: str | None = None
    least_charge: int | None = None
    currency: str | None = None


KEYS: Final = (CallRow.received_at, CallRow.id)
PLACE: Final = (datetime, UUID)
"""What a page's end is made of."""


async def search(
    s: AsyncSession, wanted: CallFilter, *, limit: int, after: After | None = None
) -> Slice[CallSummary]:
    """List calls, newest first, page by page."""
    query = (
        select(CallRow, Expert.name, SettlementRow, PremiumSettlement)
        .outerjoin(Expert, Expert.id == CallRow.expert_id)
        .outerjoin(SettlementRow, SettlementRow.call_id == CallRow.id)
        .outerjoin(PremiumSettlement, PremiumSettlement.call_id == CallRow.id)
        .where(*_conditions(wanted))
        .execution_options(populate_existing=True)
    )
    found = await take(s, query, KEYS, limit=limit, after=after, descending=True)
    return Slice(tuple(summary(*row) for row in found.items), found.after)


def _conditions(wanted: CallFilter) -> list[ColumnElement[bool]]:
    asked: list[tuple[Any, Callable[[Any], ColumnElement[bool]]]] = [
        (wanted.state, _in_state),
        (wanted.since, lambda since: CallRow.received_at >= since),
        (wanted.until, lambda until: CallRow.received_at < until),
        (wanted.number, lambda number: CallRow.dialled == (to_e164(number) or number)),
        (wanted.expert, _with_expert),
        (wanted.caller, _of_caller),
        (wanted.reason, lambda reason: CallRow.reason == reason),
        (wanted.least_charge, lambda units: SettlementRow.charge >= units),
        (wanted.currency, lambda currency: SettlementRow.currency == currency),
    ]
    return [condition(value) for value, condition in asked if value is not None]


def _in_state(state: str) -> ColumnElement[bool]:
    return CallRow.ended_at.is_(None) if state == "open" else CallRow.state == state


def _with_expert(expert: str | UUID) -> ColumnElement[bool]:
    return CallRow.expert_id == expert if isinstance(expert, UUID) else Expert.extension == expert


def _of_caller(caller: str | UUID) -> ColumnElement[bool]:
    if isinstance(caller, UUID):
        return CallRow.account_id == caller
    e164 = to_e164(caller) or caller
    account = select(CallerNumber.account_id).where(CallerNumber.e164 == e164).scalar_subquery()
    return (CallRow.caller_number == e164) | (CallRow.account_id == account)
