"""`primeline refund`: money of an ended call goes back to the caller's credit."""

import secrets
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls import finding
from billing.kit.clock import now
from billing.money.text import parse
from billing.money.values import Money
from billing.refunds import service
from billing.refunds.asked import Asked
from billing.refunds.errors import NothingCharged
from billing.refunds.values import BorneBy, Refund, Refunded, RefundReason
from primeline.commands.common import JsonOption, actor, audited, show_list, show_one, transact

app = typer.Typer(no_args_is_help=True, help="What went back of calls to those who paid.")

CallArgument = Annotated[str, typer.Argument(help="A call's id, or its beginning")]


@app.command("add")
def add(
    call: CallArgument,
    reason: Annotated[RefundReason, typer.Option(help="Why, as a code")],
    note: Annotated[str, typer.Option(help="Why, in words")],
    amount: Annotated[
        str | None, typer.Option(help="How much, in the call's currency; all that is left")
    ] = None,
    seconds: Annotated[
        int | None, typer.Option(help="What so many seconds less would have saved", min=1)
    ] = None,
    borne_by: Annotated[
        BorneBy | None, typer.Option(help="Who gives; without it as the reason says")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="A word of your own: with the same one it is refunded only once."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Give back what a call cost: all that is left of it, an amount, or seconds."""

    async def work(s: AsyncSession) -> Refunded:
        call_id = await finding.call_by_beginning(s, call)
        made = await service.refund(
            s,
            call_id,
            Asked(None if amount is None else await _money(s, call_id, amount), seconds),
            reason=reason,
            note=note,
            by=actor(),
            idempotency_key=key or secrets.token_hex(16),
            at=now(),
            borne_by=borne_by,
        )
        if made.new:
            one = made.refund
            detail = {"amount": one.amount, "reason": one.reason, "borne_by": one.borne_by}
            await audited(s, "refunded", "call", call_id, **detail, refund=one.refund_id, key=key)
        return made

    made = transact(work)
    values = values_of(made.refund) | {"still_refundable": made.left, "credit_now": made.available}
    show_one(values, as_json=as_json)


@app.command("list")
def list_(
    call: Annotated[str | None, typer.Option(help="Only of this call")] = None,
    limit: Annotated[int, typer.Option(help="How many at most", min=1, max=10_000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """List refunds, newest first; those of upheld disputes too."""

    async def work(s: AsyncSession) -> list[dict[str, Any]]:
        call_id = None if call is None else await finding.call_by_beginning(s, call)
        found = (await service.page_refunds(s, call_id=call_id, limit=limit)).items
        if as_json:
            return [values_of(one) for one in found]
        short = await finding.beginnings(s, [one.call_id for one in found])
        return [
            {
                "call": short[one.call_id],
                "amount": one.amount,
                "why": one.reason,
                "borne_by": one.borne_by,
                "made": one.made_at,
                "note": one.note,
            }
            for one in found
        ]

    show_list(transact(work), title="Refunds", as_json=as_json)


async def _money(s: AsyncSession, call_id: Any, amount: str) -> Money:
    currency = await service.currency_of(s, call_id)
    if currency is None:
        raise NothingCharged(call_id)
    return parse(amount, currency)


def values_of(refund: Refund) -> dict[str, Any]:
    """Give a refund as a command shows it."""
    return {
        "call": refund.call_id,
        "refunded": refund.amount,
        "seconds": refund.seconds,
        "tax": refund.parts.tax,
        "expert": refund.parts.expert,
        "platform": refund.parts.platform,
        "reason": str(refund.reason),
        "note": refund.note,
        "borne_by": str(refund.borne_by),
        "made_by": refund.made_by,
        "made_at": refund.made_at,
        "refund": refund.refund_id,
    }
