"""Setting money aside for a grant: read, decide by the pure rule, take by conditional updates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import spending
from billing.accounts.spending import Left
from billing.charging import rules, sessions
from billing.charging.models import ChargingSession, GrantRow
from billing.charging.values import Grant, Refusal
from billing.kit.ids import transfer_id
from billing.kit.limits import Limits
from billing.ledger import service as ledger
from billing.ledger.values import AccountKind, Move, account_id
from billing.money.values import Money
from billing.tariffs.rules import Earlier, affordable_seconds
from billing.tariffs.values import Tariff

OPTIMISTIC_TRIES = 3


_OWN: Final = {
    spending.CALL: Refusal.CALL_LIMIT,
    spending.DAY: Refusal.DAY_LIMIT,
    spending.MONTH: Refusal.MONTH_LIMIT,
    spending.NUMBER_ALONE: Refusal.NUMBER_ALONE_LIMIT,
}
_OTHERS: Final = {
    spending.CALLER_BY_OPERATOR: Refusal.SERVICE_LIMIT,
    spending.OPERATOR: Refusal.SERVICE_LIMIT,
    spending.CALLER_ON_NUMBER: Refusal.NUMBER_LIMIT,
    spending.NUMBER: Refusal.NUMBER_LIMIT,
}


@dataclass(frozen=True, slots=True)
class Credit:
    """What may still be held: in the wallet alone, and what each limit leaves of it."""

    in_wallet: Money
    left: tuple[Left, ...] = ()

    @property
    def available(self) -> Money:
        """Give what may be held within all limits."""
        amounts = [self.in_wallet.amount, *(one.amount for one in self.left)]
        return Money(min(amounts), self.in_wallet.currency)

    @property
    def limit(self) -> Refusal | None:
        """Name the limit that leaves less than the wallet has, the tightest; None: none does."""
        tightest = min(self.left, key=lambda one: one.amount, default=None)
        if tightest is None or tightest.amount >= self.in_wallet.amount:
            return None
        limit = tightest.limit
        return _OWN[limit.period] if limit.scope == spending.CALLER else _OTHERS[limit.scope]


async def read_credit(
    s: AsyncSession, session: ChargingSession, currency: str, held: Money, *, lock: bool
) -> Credit:
    """Read what a session may still hold; `held` and charged counts against one call's limit.

    Rows are read, and with `lock` locked, in the order that holds take them: limits, then wallet.
    """
    limits = sessions.limits_of(session)
    left = await spending.left(s, limits, held=held.amount, lock=lock)
    wallet_id = account_id(AccountKind.WALLET, currency, session.account_id)
    wallet = await ledger.read_wallet(s, wallet_id, lock=lock)
    return Credit(Money(wallet.available, currency), left)


def refusal(
    tariff: Tariff, credit: Credit, limits: Limits, earlier: Earlier | None = None
) -> Refusal | None:
    """Say why a segment may not begin on this credit; None: it may."""

    def refused_with(units: Money) -> Refusal | None:
        seconds = affordable_seconds(tariff, units, earlier=earlier)
        return rules.first_grant_refused(
            tariff, seconds, limits.minimum_talk_seconds, earlier=earlier
        )

    refused = refused_with(credit.available)
    if refused is None or credit.available == credit.in_wallet:
        return refused
    return refused if refused_with(credit.in_wallet) else credit.limit


async def grant(
    s: AsyncSession,
    session: ChargingSession,
    rows: list[GrantRow],
    *,
    request_number: int,
    used_seconds: int,
    limits: Limits,
    at: datetime,
    earlier: Earlier | None = None,
) -> Grant:
    """Grant what is affordable after the grants in `rows`, and hold its price.

    A hold that another call was faster to take is decided anew, at most three times, then with
    the rows locked. `earlier` is what closed segments have used up. The session must be locked.
    """
    tariff = sessions.tariff_of(session)
    held = sum(
        (hold.amount for hold in sessions.open_holds(rows, tariff.currency)),
        Money.zero(tariff.currency),
    )
    granted_seconds = rows[-1].granted_seconds if rows else 0
    for tries in range(OPTIMISTIC_TRIES + 1):
        lock = tries == OPTIMISTIC_TRIES
        spent = held + earlier.charged if earlier else held
        credit = await read_credit(s, session, tariff.currency, spent, lock=lock)
        plan = rules.plan(
            tariff,
            used_seconds=used_seconds,
            granted_seconds=granted_seconds,
            own_open_holds=held,
            available=credit.available,
            grant_seconds=limits.grant_seconds,
            earlier=earlier,
        )
        if not plan.hold or await _take(s, session, plan.hold, request_number):
            reached = credit.limit if plan.final else None
            return await _write(s, session, plan, held, request_number, used_seconds, reached, at)
    raise AssertionError("A hold decided with its rows locked can't fail.")


async def _take(
    s: AsyncSession, session: ChargingSession, amount: Money, request_number: int
) -> bool:
    savepoint = await s.begin_nested()
    limits = sessions.limits_of(session)
    wallet_id = account_id(AccountKind.WALLET, amount.currency, session.account_id)
    taken = await spending.hold(s, limits, amount.amount) and await ledger.hold_in_wallet(
        s, wallet_id, amount.amount
    )
    if not taken:
        await savepoint.rollback()
        return False
    hold = Move(
        id=transfer_id(session.session_id, "hold", request_number),
        kind="pending",
        debit=wallet_id,
        credit=account_id(AccountKind.CLEARING, amount.currency),
        amount=amount,
        reason="hold",
        call_id=session.session_id,
    )
    await ledger.add_transfers(s, [hold])
    await savepoint.commit()
    return True


async def _write(
    s: AsyncSession,
    session: ChargingSession,
    plan: rules.Plan,
    held: Money,
    request_number: int,
    used_seconds: int,
    reached: Refusal | None,
    at: datetime,
) -> Grant:
    row = GrantRow(
        session_id=session.session_id,
        request_number=request_number,
        segment=session.segment,
        used_seconds=used_seconds,
        granted_seconds=plan.target_seconds,
        end_seconds=plan.end_seconds,
        final=plan.final,
        amount=plan.hold.amount,
        held=(held + plan.hold).amount,
        limit_reached=reached,
        transfer_id=transfer_id(session.session_id, "hold", request_number) if plan.hold else None,
        at=at,
    )
    s.add(row)
    await s.flush()
    return sessions.grant_value(row, held.currency)


async def first_request_number(s: AsyncSession, session: ChargingSession) -> int:
    """Give the number of a segment's first request: they go on through all of a session."""
    if not session.segment:
        return 0
    last: int | None = await s.scalar(
        select(func.max(GrantRow.request_number)).where(GrantRow.session_id == session.session_id)
    )
    return 0 if last is None else last + 1
