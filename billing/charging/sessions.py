"""Charging sessions and grants as rows: opened, locked, read."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.spending import Limit
from billing.charging.errors import SessionUnknown
from billing.charging.models import ChargingSession, GrantRow
from billing.charging.values import Grant, Refusal
from billing.kit.rows import table_of
from billing.money.values import Money
from billing.shares import snapshot as share_snapshot
from billing.shares.values import ShareRule
from billing.tariffs import snapshot as tariff_snapshot
from billing.tariffs.values import Tariff


@dataclass(frozen=True, slots=True)
class OpenHold:
    """A grant whose money is still set aside."""

    request_number: int
    transfer_id: UUID
    amount: Money


_OPEN = (
    insert(table_of(ChargingSession))
    .values(
        session_id=bindparam("call"),
        state="opened",
        account_id=bindparam("payer"),
        number_alone=bindparam("alone"),
        began_at=bindparam("at"),
        limits=[],
    )
    .on_conflict_do_nothing()
)
_SESSION = (
    select(ChargingSession)
    .where(ChargingSession.session_id == bindparam("call"))
    .execution_options(populate_existing=True)
)
_LOCKED = _SESSION.with_for_update()
_GRANTS = (
    select(GrantRow)
    .where(GrantRow.session_id == bindparam("call"), GrantRow.segment == bindparam("segment"))
    .order_by(GrantRow.request_number)
)


async def open_session(
    s: AsyncSession, call_id: UUID, *, account_id: UUID, number_alone: bool, at: datetime
) -> None:
    """Open the session of a call whose caller is known. A repeat changes nothing.

    `number_alone`: no PIN will be asked, so its spending counts under that limit too.
    """
    given = {"call": call_id, "payer": account_id, "alone": number_alone, "at": at}
    await s.execute(_OPEN, given)


async def proved_by_pin(s: AsyncSession, call_id: UUID) -> None:
    """Note that a PIN was given after all: the limit of the number alone doesn't count any more."""
    await s.execute(
        update(ChargingSession)
        .where(ChargingSession.session_id == call_id)
        .values(number_alone=False)
        .execution_options(synchronize_session=False)
    )


async def find(s: AsyncSession, call_id: UUID, *, lock: bool = False) -> ChargingSession | None:
    """Give a call's session, fresh; `lock` makes other requests of the call wait."""
    found: ChargingSession | None = await s.scalar(_LOCKED if lock else _SESSION, {"call": call_id})
    return found


async def locked(s: AsyncSession, call_id: UUID) -> ChargingSession:
    """Give a call's session, locked; raises SessionUnknown."""
    session = await find(s, call_id, lock=True)
    if session is None:
        raise SessionUnknown(call_id)
    return session


def tariff_of(session: ChargingSession) -> Tariff:
    """Thaw the tariff that was announced."""
    return tariff_snapshot.from_json(session.tariff)


def share_of(session: ChargingSession) -> ShareRule:
    """Thaw the share rule that was frozen with the tariff."""
    return share_snapshot.from_json(session.share)


def limits_of(session: ChargingSession) -> tuple[Limit, ...]:
    """Thaw the spending limits that the session's holds count under."""
    return tuple(Limit(**limit) for limit in session.limits)


async def grants_of(s: AsyncSession, session: ChargingSession) -> list[GrantRow]:
    """List the grants of the session's present segment in request order."""
    rows = await s.scalars(_GRANTS, {"call": session.session_id, "segment": session.segment})
    return list(rows)


def open_holds(rows: list[GrantRow], currency: str) -> list[OpenHold]:
    """Pick the grants that hold money."""
    return [
        OpenHold(row.request_number, row.transfer_id, Money(row.amount, currency))
        for row in rows
        if row.transfer_id is not None
    ]


def grant_value(row: GrantRow, currency: str) -> Grant:
    """Give a grant as it was answered."""
    return Grant(
        request_number=row.request_number,
        granted_seconds=row.granted_seconds,
        end_seconds=row.end_seconds,
        final=row.final,
        held=Money(row.held, currency),
        limit=Refusal(row.limit_reached) if row.limit_reached else None,
    )
