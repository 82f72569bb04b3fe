"""Orders to calls, as they stand."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from api.auth import MayRead
from api.deps import Now, Transaction
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.schemas import orders as schema
from billing.calls import orders

router = APIRouter(prefix="/orders", tags=["calls"])

_EXAMPLE = "019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2"


@router.get("", summary="List orders")
async def list_orders(
    s: Transaction,
    _: MayRead,
    at: Now,
    paging: Paged,
    call_id: Annotated[
        UUID | None, Query(description="Only of this call.", examples=[_EXAMPLE])
    ] = None,
) -> Page[schema.Order]:
    """List what was ordered of calls, newest first."""
    found = await orders.page_orders(
        s, at, limit=paging.limit, after=paging.after(UUID), call_id=call_id
    )
    return page_of(found, schema.shown)


@router.get("/{order_id}", summary="Show an order", responses=problems("order-unknown"))
async def get_order(
    order_id: Annotated[UUID, Path(description="An order's id.", examples=[_EXAMPLE])],
    s: Transaction,
    _: MayRead,
    at: Now,
) -> schema.Order:
    """Show how far an order is."""
    return schema.shown(await orders.get(s, order_id, at))
