"""Calls: found, each in full, and orders to them."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response, status

from api.auth import MayOrderCalls, MayRead
from api.deps import Now, Transaction
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.schemas import calls as schema
from api.schemas import orders as order_schema
from api.schemas.base import Currency, MomentIn, Text
from api.schemas.prices import AmountText
from billing.calls import orders, searching, story
from billing.calls.values import EndReason
from billing.disputes import service as disputes
from billing.identity.values import Scope
from billing.money.text import parse
from billing.refunds import service as refunds

router = APIRouter(prefix="/calls", tags=["calls"])

CallId = Annotated[
    UUID, Path(description="A call's id.", examples=["019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2"])
]


@router.get("", summary="Find calls", responses=problems("amount-too-large"))
async def list_calls(
    s: Transaction,
    actor: MayRead,
    paging: Paged,
    state: Annotated[
        Text | None, Query(description="`open`, `ended`, or a state.", examples=["open"])
    ] = None,
    since: Annotated[
        MomentIn | None,
        Query(description="Received then or later.", examples=["2026-11-22T00:00:00Z"]),
    ] = None,
    until: Annotated[
        MomentIn | None, Query(description="Received before.", examples=["2026-11-23T00:00:00Z"])
    ] = None,
    number: Annotated[
        Text | None, Query(description="The number of ours.", examples=["+33199001234"])
    ] = None,
    expert: Annotated[
        Text | None, Query(description="An expert's extension, or his id.", examples=["11"])
    ] = None,
    caller: Annotated[
        Text | None,
        Query(
            description="The number called from, or one of the caller's, or his account's id.",
            examples=["+33639980001"],
        ),
    ] = None,
    reason: Annotated[
        EndReason | None, Query(description="Why it ended.", examples=["caller-hung-up"])
    ] = None,
    min_charge: Annotated[
        AmountText | None, Query(description="It cost at least this.", examples=["1.00"])
    ] = None,
    currency: Annotated[Currency, Query(description="Of `min_charge`.", examples=["EUR"])] = "EUR",
) -> Page[schema.Call]:
    """List calls, newest first."""
    least = None if min_charge is None else parse(min_charge, currency)
    wanted = searching.CallFilter(
        state=state,
        since=since,
        until=until,
        number=number,
        expert=_id_or_text(expert),
        caller=_id_or_text(caller),
        reason=reason,
        least_charge=None if least is None else least.amount,
        currency=None if least is None else least.currency,
    )
    found = await searching.search(
        s, wanted, limit=paging.limit, after=paging.after(*searching.PLACE)
    )
    whole = Scope.MANAGE in actor.scopes
    return page_of(found, lambda call: schema.shown(call, whole=whole))


def _id_or_text(given: str | None) -> str | UUID | None:
    try:
        return given and UUID(given)
    except ValueError:
        return given


@router.get("/{call_id}", summary="Show a call in full", responses=problems("call-unknown"))
async def get_call(call_id: CallId, s: Transaction, actor: MayRead) -> schema.CallInFull:
    """Show what happened when, what it cost and why, who got what, and what Asterisk recorded."""
    told = await story.tell(s, call_id)
    dispute = await disputes.of_call(s, call_id)
    given_back = await refunds.refunds_of(s, call_id)
    return schema.in_full(told, dispute, given_back, whole=Scope.MANAGE in actor.scopes)


@router.post(
    "/{call_id}/orders",
    summary="Order something of a call",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems("call-unknown", "call-ended")
    | {
        status.HTTP_202_ACCEPTED: {
            "headers": {
                "Location": {
                    "description": "Where the order stands.",
                    "schema": {"type": "string"},
                }
            }
        }
    },
)
async def order(
    call_id: CallId,
    body: order_schema.OrderNew,
    request: Request,
    response: Response,
    s: Transaction,
    actor: MayOrderCalls,
    at: Now,
) -> order_schema.Order:
    """Give an order; it is carried out within about a second by the process that has the call.

    Asked for again while one is open, the open one is given.
    """
    given = await orders.ask(
        s,
        call_id,
        asked_by=actor.said,
        at=at,
        kind=orders.OrderKind(body.kind),
        within=timedelta(seconds=body.within_seconds),
    )
    await actor.record(s, "ordered", "call", call_id, at=at, kind=body.kind, order=given.order_id)
    path = request.app.url_path_for("get_order", order_id=str(given.order_id))
    response.headers["Location"] = str(path)
    return order_schema.shown(given)
