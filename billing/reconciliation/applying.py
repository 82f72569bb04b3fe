"""What a statement says becomes money: expected turns into due, once for each call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import exists, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from billing.catalogue.values import carrier_id
from billing.charging.premium.models import PremiumSession, PremiumSettlement
from billing.disputes.freezing import frozen_by_dispute
from billing.kit.database import allow
from billing.kit.ids import transfer_id
from billing.ledger import service as ledger
from billing.ledger.values import AccountKind, Move, account_id
from billing.money.values import Money
from billing.reconciliation import rules
from billing.reconciliation.errors import StatementUnknown
from billing.reconciliation.models import StatementCall, StatementRow
from billing.reconciliation.values import Standing, Step

BATCH: Final = 1_000
"""Transfers written by one statement: PostgreSQL takes 65 535 values at most."""

LONGEST_MS: Final = 600_000
"""How long one request to the database may take here: the commit checks every call moved."""


_Found = tuple[StatementCall, PremiumSettlement, PremiumSession]


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done: `calls` of ours closed, `amount` by which the carrier owes more or never paid.

    `waiting`: calls that are left because of a dispute.
    """

    calls: int
    amount: Money
    waiting: int


async def lock_carrier(s: AsyncSession, carrier: str) -> None:
    """Make other imports and applications of a carrier's statements wait for the commit."""
    await allow(s, LONGEST_MS)
    name = f"primeline-statements-{carrier_id(carrier)}"
    await s.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name}
    )


async def find(s: AsyncSession, statement_id: UUID, *, lock: bool = False) -> StatementRow:
    """Give a statement's row; `lock`: as the only one who works on its carrier's statements."""
    row = await s.get(StatementRow, statement_id, populate_existing=True)
    if row is None:
        raise StatementUnknown(statement_id)
    if lock:
        await lock_carrier(s, row.carrier)
        await s.refresh(row)
    return row


async def apply(s: AsyncSession, statement_id: UUID, *, at: datetime) -> Applied:
    """Make due what the statement lists of our calls, as far as no dispute freezes it.

    Again: what is no longer frozen; what was applied stays as it is. Raises StatementUnknown.
    """
    row = await find(s, statement_id, lock=True)
    return await _close(s, row, listed=True, at=at)


async def write_off(s: AsyncSession, statement_id: UUID, *, at: datetime) -> Applied:
    """Give up what is expected for the calls that the statement doesn't have.

    `shared`: the expert's part goes with it; `platform`: he gets it from the platform. A carrier
    who lists such a call later still pays it. Raises StatementUnknown.
    """
    row = await find(s, statement_id, lock=True)
    return await _close(s, row, listed=False, at=at)


async def sign_off(s: AsyncSession, statement_id: UUID, *, by: str, at: datetime) -> bool:
    """Note that somebody has seen a statement's differences; False: somebody had before.

    It moves nothing. Raises StatementUnknown.
    """
    row = await find(s, statement_id, lock=True)
    if row.signed_off_at is not None:
        return False
    row.signed_off_at, row.signed_off_by = at, by
    await s.flush()
    return True


def not_closed(call: Any = StatementCall) -> Any:
    """The condition under which a call that a statement lacks is open still."""
    other = aliased(StatementCall)
    return ~exists().where(
        other.call_id == call.call_id, other.listed | other.applied_at.is_not(None)
    )


async def _open(s: AsyncSession, row: StatementRow, *, listed: bool) -> Sequence[_Found]:
    query = (
        select(StatementCall, PremiumSettlement, PremiumSession)
        .join(PremiumSettlement, PremiumSettlement.call_id == StatementCall.call_id)
        .join(PremiumSession, PremiumSession.session_id == StatementCall.call_id)
        .where(
            StatementCall.statement_id == row.id,
            StatementCall.listed.is_(listed),
            StatementCall.applied_at.is_(None),
        )
        .order_by(StatementCall.call_id)
        .with_for_update(of=StatementCall)
        .execution_options(populate_existing=True)
    )
    if not listed:
        query = query.where(not_closed())
    return [(call, settled, session) for call, settled, session in await s.execute(query)]


async def _close(s: AsyncSession, row: StatementRow, *, listed: bool, at: datetime) -> Applied:
    found = await _open(s, row, listed=listed)
    frozen = await frozen_by_dispute(s, [call.call_id for call, _, _ in found])
    ready = [one for one in found if one[0].call_id not in frozen]
    given_up = await _given_up(s, [call.call_id for call, _, _ in ready])
    moves: list[Move] = []
    total = 0
    experts: set[UUID] = set()
    for call, settled, session in ready:
        standing = given_up.get(
            call.call_id,
            Standing(expected_expert=settled.expert, expected_platform=settled.platform),
        )
        if not listed and row.non_payment == "platform":
            call.expert, call.platform = settled.expert, -settled.expert
        steps = rules.closing(standing, expert=call.expert, platform=call.platform)
        word = "written-off"
        if listed:
            word = "confirmed" if call.amount == settled.outpayment else "corrected"
        moves += [_move(step, call.call_id, word, row, session.expert_id) for step in steps]
        total += call.amount if listed else settled.outpayment
        if session.expert_id is not None:
            experts.add(session.expert_id)
    await _ensure_accounts(s, row, experts)
    for start in range(0, len(moves), BATCH):
        await ledger.add_transfers(s, moves[start : start + BATCH])
    await s.flush()
    if ready:
        await s.execute(
            update(StatementCall)
            .where(
                StatementCall.statement_id == row.id,
                StatementCall.call_id == func.any([call.call_id for call, _, _ in ready]),
                StatementCall.listed.is_(listed),
            )
            .values(applied_at=at)
            .execution_options(synchronize_session=False)
        )
    return Applied(len(ready), Money(total, row.currency), len(found) - len(ready))


async def _given_up(s: AsyncSession, call_ids: list[UUID]) -> dict[UUID, Standing]:
    """Where calls stand that were written off and are paid after all."""
    rows = await s.execute(
        select(StatementCall.call_id, StatementCall.expert, StatementCall.platform).where(
            StatementCall.call_id == func.any(call_ids),
            ~StatementCall.listed,
            StatementCall.applied_at.is_not(None),
        )
    )
    return {row.call_id: Standing(0, 0, row.expert, row.platform) for row in rows}


def _move(step: Step, call_id: UUID, word: str, row: StatementRow, expert_id: UUID | None) -> Move:
    owners = {
        "carrier-expected": carrier_id(row.carrier),
        "carrier-due": carrier_id(row.carrier),
        "expert-expected": expert_id,
        "expert-payable": expert_id,
    }

    def account(place: str) -> UUID:
        return account_id(AccountKind(place), row.currency, owners.get(place))

    return Move(
        id=transfer_id(call_id, "write-off" if word == "written-off" else "statement", step.name),
        kind="single",
        debit=account(step.debit),
        credit=account(step.credit),
        amount=Money(step.amount, row.currency),
        reason=f"{word}-{step.name}",
        call_id=call_id,
    )


async def _ensure_accounts(s: AsyncSession, row: StatementRow, experts: set[UUID]) -> None:
    await ledger.ensure_accounts(
        s,
        [
            (AccountKind.CLEARING, None),
            (AccountKind.CARRIER_DUE, carrier_id(row.carrier)),
            (AccountKind.PLATFORM_REVENUE, None),
            *((AccountKind.EXPERT_PAYABLE, one) for one in sorted(experts)),
        ],
        row.currency,
    )
