"""Refunds: money of ended calls that goes back to those who paid."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response, status

from api.auth import MayMoveMoney, MayRead
from api.deps import Now, Transaction
from api.errors import referring
from api.idempotency import IdempotencyKey, once, own
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.schemas import refunds as schema
from billing.refunds import service
from billing.refunds.asked import Asked
from billing.refunds.values import BorneBy, RefundReason

router = APIRouter(prefix="/refunds", tags=["refunds"])

_EXAMPLE = "019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2"
RefundId = Annotated[UUID, Path(description="A refund's id.", examples=[_EXAMPLE])]


@router.get("", summary="List refunds")
async def list_refunds(
    s: Transaction,
    _: MayRead,
    paging: Paged,
    call_id: Annotated[
        UUID | None, Query(description="Only of this call.", examples=[_EXAMPLE])
    ] = None,
) -> Page[schema.Refund]:
    """List refunds, newest first; what upheld disputes gave back is among them."""
    found = await service.page_refunds(
        s, call_id=call_id, limit=paging.limit, after=paging.after(UUID)
    )
    return page_of(found, schema.shown)


@router.post(
    "",
    summary="Refund a call",
    status_code=status.HTTP_201_CREATED,
    responses=problems(
        "reference-unknown",
        "call-not-ended",
        "call-disputed",
        "carrier-billed",
        "nothing-charged",
        "refund-invalid",
        "refund-too-much",
        "refund-seconds-too-many",
        "refund-worth-nothing",
        "currency-mismatch",
    ),
)
async def refund_call(
    body: schema.RefundNew,
    s: Transaction,
    actor: MayMoveMoney,
    at: Now,
    key: IdempotencyKey,
    response: Response,
) -> schema.Refunded:
    """Give back what a call cost, or a part of it, to the credit that paid, once for a key.

    Never more than was charged in all; spending limits of the day it was paid on are freed.
    """

    async def work() -> schema.Refunded:
        with referring("call_id"):
            made = await service.refund(
                s,
                body.call_id,
                Asked(None if body.amount is None else body.amount.money(), body.seconds),
                reason=RefundReason(body.reason),
                note=body.note,
                by=actor.said,
                idempotency_key=own(actor, key),
                at=at,
                borne_by=None if body.borne_by is None else BorneBy(body.borne_by),
            )
        one = made.refund
        detail = {"amount": one.amount, "reason": one.reason, "borne_by": one.borne_by}
        await actor.record(
            s, "refunded", "call", one.call_id, at=at, **detail, refund=one.refund_id, key=key
        )
        return schema.made_shown(made)

    return await once(
        s,
        actor,
        key,
        route="refund",
        request=body.model_dump(mode="json"),
        at=at,
        response=response,
        answer=schema.Refunded,
        work=work,
    )


@router.get("/{refund_id}", summary="Show a refund", responses=problems("refund-unknown"))
async def get_refund(refund_id: RefundId, s: Transaction, _: MayRead) -> schema.Refund:
    """Show one refund."""
    return schema.shown(await service.get_refund(s, refund_id))
