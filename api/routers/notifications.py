"""Messages to people: what was sent, what waits, what failed."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import MayRead
from api.deps import Transaction
from api.paging import Page, Paged, page_of
from api.schemas import notifications as schema
from billing.identity.values import Scope
from billing.notifications import service
from billing.notifications.values import State

router = APIRouter(prefix="/notifications", tags=["notifications"])


@router.get("", summary="List the messages to people")
async def list_notifications(
    s: Transaction,
    actor: MayRead,
    paging: Paged,
    state: Annotated[
        State | None, Query(description="Only those in this state.", examples=["failed"])
    ] = None,
) -> Page[schema.Message]:
    """List messages by SMS, newest first: receipts after charged calls, so far."""
    found = await service.page_notifications(
        s, limit=paging.limit, after=paging.after(*service.PLACE), state=state
    )
    whole = Scope.MANAGE in actor.scopes
    return page_of(found, lambda one: schema.shown(one, whole=whole))
