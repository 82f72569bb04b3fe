"""`primeline caller adjust|pay-back`, `expert adjust`, `adjustments`: money moved by hand."""

import secrets
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts import service as accounts
from billing.adjustments import listing, service
from billing.adjustments.values import Adjusted, Adjustment, AdjustmentReason, Why
from billing.catalogue import service as catalogue
from billing.kit.clock import now
from billing.kit.phones import DEFAULT_REGION
from billing.money.text import parse
from billing.money.values import Money
from primeline.commands.common import (
    JsonOption,
    RegionOption,
    actor,
    audited,
    show_list,
    show_one,
    transact,
)


class Direction(StrEnum):
    """Whether money is given or taken."""

    CREDIT = "credit"
    DEBIT = "debit"


DirectionArgument = Annotated[Direction, typer.Argument(help="Whether it is given or taken")]
NumberArgument = Annotated[str, typer.Argument(help="A number of the caller: +33 6 39 98 00 01")]
ReasonOption = Annotated[AdjustmentReason, typer.Option(help="Why, as a code")]
NoteOption = Annotated[str, typer.Option(help="Why, in words")]
KeyOption = Annotated[
    str | None, typer.Option(help="A word of your own: with the same one it is done only once.")
]


def adjust_caller(
    number: NumberArgument,
    direction: DirectionArgument,
    amount: Annotated[str, typer.Argument(help="How much, in the caller's currency: 5.00")],
    reason: ReasonOption,
    note: NoteOption,
    key: KeyOption = None,
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Give credit to a caller or take it from him, as the platform's goodwill or gain."""

    async def work(s: AsyncSession) -> Adjusted:
        account_id = await accounts.caller_by_number(s, number, region)
        (caller,) = await accounts.list_callers(s, account_id)
        money = _signed(direction, parse(amount, caller.available.currency))
        why, own_key = Why(reason, note, actor()), key or secrets.token_hex(16)
        made = await service.adjust_caller(
            s, account_id, money, why, idempotency_key=own_key, at=now()
        )
        await _audited(s, "adjusted", "caller", account_id, made, key)
        return made

    made = transact(work)
    show_one(_values(made.adjustment) | {"credit_now": made.left}, as_json=as_json)


def pay_back(
    number: NumberArgument,
    reason: ReasonOption,
    note: NoteOption,
    amount: Annotated[
        str | None, typer.Option(help="How much, in the caller's currency; all that can be")
    ] = None,
    key: KeyOption = None,
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Note that unused credit was paid back to a caller; only what was paid in can be."""

    async def work(s: AsyncSession) -> Adjusted:
        account_id = await accounts.caller_by_number(s, number, region)
        (caller,) = await accounts.list_callers(s, account_id)
        money = None if amount is None else parse(amount, caller.available.currency)
        why, own_key = Why(reason, note, actor()), key or secrets.token_hex(16)
        made = await service.pay_back(s, account_id, money, why, idempotency_key=own_key, at=now())
        await _audited(s, "paid-back", "caller", account_id, made, key)
        return made

    made = transact(work)
    show_one(_values(made.adjustment) | {"credit_now": made.left}, as_json=as_json)


def adjust_expert(
    extension: Annotated[str, typer.Argument(help="The expert's extension")],
    direction: DirectionArgument,
    amount: Annotated[str, typer.Argument(help="How much: 5.00")],
    reason: ReasonOption,
    note: NoteOption,
    currency: Annotated[str, typer.Option(help="EUR, GBP, USD or CHF")] = "EUR",
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add to what an expert is owed or take from it, as the platform's goodwill or gain."""

    async def work(s: AsyncSession) -> Adjusted:
        expert_id = await catalogue.expert_by_extension(s, extension)
        money = _signed(direction, parse(amount, currency))
        why, own_key = Why(reason, note, actor()), key or secrets.token_hex(16)
        made = await service.adjust_expert(
            s, expert_id, money, why, idempotency_key=own_key, at=now()
        )
        await _audited(s, "adjusted", "expert", expert_id, made, key)
        return made

    made = transact(work)
    show_one(_values(made.adjustment) | {"owed_now": made.left}, as_json=as_json)


def list_(
    limit: Annotated[int, typer.Option(help="How many at most", min=1, max=10_000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """List what was moved by hand, newest first; credit paid back too."""

    async def work(s: AsyncSession) -> list[Adjustment]:
        return list((await listing.page_adjustments(s, limit=limit)).items)

    show_list([_values(one) for one in transact(work)], title="Adjustments", as_json=as_json)


def _signed(direction: Direction, money: Money) -> Money:
    return money if direction is Direction.CREDIT else -money


async def _audited(
    s: AsyncSession, action: str, subject: str, whose: UUID, made: Adjusted, key: str | None
) -> None:
    if made.new:
        one = made.adjustment
        detail = {"amount": one.amount, "reason": one.reason, "adjustment": one.adjustment_id}
        await audited(s, action, subject, whose, **detail, key=key)


def _values(one: Adjustment) -> dict[str, Any]:
    return {
        "kind": str(one.kind),
        "of": "caller" if one.caller_id else "expert",
        "whose": one.caller_id or one.expert_id,
        "amount": one.amount,
        "why": str(one.reason),
        "note": one.note,
        "made_by": one.made_by,
        "made_at": one.made_at,
        "id": one.adjustment_id,
    }
