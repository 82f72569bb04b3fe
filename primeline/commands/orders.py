"""`primeline orders` and `primeline calls end`: what was ordered of running calls."""

import getpass
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls import finding, orders
from billing.calls.orders import Order, OrderKind
from billing.kit.clock import now
from primeline.commands.common import JsonOption, audited, show_list, show_one, transact

CallArgument = Annotated[str, typer.Argument(help="A call's id, or its beginning")]


def list_(
    call: Annotated[str | None, typer.Option(help="Only of this call")] = None,
    limit: Annotated[int, typer.Option(help="How many at most", min=1, max=10_000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """List what was ordered of calls, newest first."""

    async def work(s: AsyncSession) -> tuple[Order, ...]:
        call_id = await finding.call_by_beginning(s, call) if call else None
        return (await orders.page_orders(s, now(), call_id=call_id, limit=limit)).items

    show_list([_values(order) for order in transact(work)], title="Orders", as_json=as_json)


def end(call: CallArgument, as_json: JsonOption = False) -> None:
    """End a call, whatever it is doing: what was talked is charged, both are told."""
    _ask(call, OrderKind.END_CALL, as_json=as_json)


def propose_paid(
    call: CallArgument,
    act: Annotated[bool, typer.Option("--act", help="One price for a service")] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask the caller of a free talk for his consent to a price, as the expert's key does."""
    _ask(call, OrderKind.PROPOSE_ACT if act else OrderKind.PROPOSE_PAID, as_json=as_json)


def back_to_free(call: CallArgument, as_json: JsonOption = False) -> None:
    """Go back to free in a paid talk: what was talked is charged, and nothing from then on."""
    _ask(call, OrderKind.BACK_TO_FREE, as_json=as_json)


def free_minutes(call: CallArgument, as_json: JsonOption = False) -> None:
    """Let the meter of a paid talk stand still for some minutes, as the expert's key does."""
    _ask(call, OrderKind.FREE_MINUTES, as_json=as_json)


def _ask(call: str, kind: OrderKind, *, as_json: bool) -> None:
    async def work(s: AsyncSession) -> Order:
        call_id = await finding.call_by_beginning(s, call)
        order = await orders.ask(s, call_id, asked_by=getpass.getuser(), at=now(), kind=kind)
        await audited(s, "ordered", "call", call_id, kind=str(order.kind), order=order.order_id)
        return order

    show_one(_values(transact(work)), as_json=as_json)


def _values(order: Order) -> dict[str, Any]:
    return {
        "order": order.order_id,
        "call": order.call_id,
        "kind": str(order.kind),
        "state": str(order.state),
        "result": order.result,
        "asked_by": order.asked_by,
        "asked_at": order.asked_at,
        "deadline": order.deadline,
    }
