"""`primeline orders` and `primeline calls end`: what was ordered of running calls."""

import getpass
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calls import finding, orders
from billing.calls.orders import Order
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

    async def work(s: AsyncSession) -> Order:
        call_id = await finding.call_by_beginning(s, call)
        order = await orders.ask(s, call_id, asked_by=getpass.getuser(), at=now())
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
