"""Adjustments: money that the operator moves by hand, to and from callers and experts."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response, status
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import Actor, MayMoveMoney, MayRead
from api.deps import Now, Transaction
from api.idempotency import IdempotencyKey, once, own
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.routers.callers import CallerId
from api.routers.experts import ExpertId
from api.schemas import adjustments as schema
from billing.adjustments import listing, service
from billing.adjustments.values import Adjusted, AdjustmentReason, Why

router = APIRouter(tags=["adjustments"])

_EXAMPLE = "019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2"
AdjustmentId = Annotated[UUID, Path(description="An adjustment's id.", examples=[_EXAMPLE])]
Make = Callable[[Why, str], Awaitable[Adjusted]]


@router.post(
    "/callers/{caller_id}/adjustments",
    summary="Credit or debit a caller by hand",
    status_code=status.HTTP_201_CREATED,
    responses=problems(
        "caller-unknown", "adjustment-invalid", "currency-mismatch", "credit-too-little"
    ),
)
async def adjust_caller(
    caller_id: CallerId,
    body: schema.AdjustmentNew,
    s: Transaction,
    actor: MayMoveMoney,
    at: Now,
    key: IdempotencyKey,
    response: Response,
) -> schema.Adjusted:
    """Give credit or take it, once for each Idempotency-Key; never what a call holds."""

    async def make(why: Why, own_key: str) -> Adjusted:
        return await service.adjust_caller(
            s, caller_id, body.signed(), why, idempotency_key=own_key, at=at
        )

    return await _once(s, actor, key, ("adjusted", "caller", caller_id), body, at, response, make)


@router.post(
    "/callers/{caller_id}/pay-backs",
    summary="Pay a caller's unused credit back",
    status_code=status.HTTP_201_CREATED,
    responses=problems(
        "caller-unknown", "adjustment-invalid", "currency-mismatch", "paid-in-too-little"
    ),
)
async def pay_back(
    caller_id: CallerId,
    body: schema.PayBackNew,
    s: Transaction,
    actor: MayMoveMoney,
    at: Now,
    key: IdempotencyKey,
    response: Response,
) -> schema.Adjusted:
    """Note, once for each Idempotency-Key, that credit was paid back; only what was paid in.

    Vouchers and adjustments are never paid out, and a call is taken to have used them first.
    """

    async def make(why: Why, own_key: str) -> Adjusted:
        amount = None if body.amount is None else body.amount.money()
        return await service.pay_back(s, caller_id, amount, why, idempotency_key=own_key, at=at)

    return await _once(s, actor, key, ("paid-back", "caller", caller_id), body, at, response, make)


@router.post(
    "/experts/{expert_id}/adjustments",
    summary="Credit or debit an expert by hand",
    status_code=status.HTTP_201_CREATED,
    responses=problems("expert-unknown", "adjustment-invalid", "payable-too-little"),
)
async def adjust_expert(
    expert_id: ExpertId,
    body: schema.AdjustmentNew,
    s: Transaction,
    actor: MayMoveMoney,
    at: Now,
    key: IdempotencyKey,
    response: Response,
) -> schema.Adjusted:
    """Add to what an expert is owed or take from it, once for each Idempotency-Key."""

    async def make(why: Why, own_key: str) -> Adjusted:
        return await service.adjust_expert(
            s, expert_id, body.signed(), why, idempotency_key=own_key, at=at
        )

    return await _once(s, actor, key, ("adjusted", "expert", expert_id), body, at, response, make)


@router.get("/adjustments", summary="List adjustments")
async def list_adjustments(
    s: Transaction,
    _: MayRead,
    paging: Paged,
    of: Annotated[
        UUID | None, Query(description="Only of this caller or expert.", examples=[_EXAMPLE])
    ] = None,
) -> Page[schema.Adjustment]:
    """List what was moved by hand, newest first; credit that was paid back is among it."""
    found = await listing.page_adjustments(s, of=of, limit=paging.limit, after=paging.after(UUID))
    return page_of(found, schema.shown)


@router.get(
    "/adjustments/{adjustment_id}",
    summary="Show an adjustment",
    responses=problems("adjustment-unknown"),
)
async def get_adjustment(
    adjustment_id: AdjustmentId, s: Transaction, _: MayRead
) -> schema.Adjustment:
    """Show one adjustment."""
    return schema.shown(await listing.get_adjustment(s, adjustment_id))


async def _once(
    s: AsyncSession,
    actor: Actor,
    key: str,
    what: tuple[str, str, UUID],
    body: schema.AdjustmentNew | schema.PayBackNew,
    at: Any,
    response: Response,
    make: Make,
) -> schema.Adjusted:
    """Make an adjustment once, with its audit row."""
    action, subject, whose = what

    async def work() -> schema.Adjusted:
        why = Why(AdjustmentReason(body.reason), body.note, actor.said)
        made = await make(why, own(actor, key))
        one = made.adjustment
        detail = {"amount": one.amount, "reason": one.reason, "adjustment": one.adjustment_id}
        await actor.record(s, action, subject, whose, at=at, **detail, key=key)
        return schema.made_shown(made)

    return await once(
        s,
        actor,
        key,
        route=f"{action}-{subject}",
        request={subject: str(whose), **body.model_dump(mode="json")},
        at=at,
        response=response,
        answer=schema.Adjusted,
        work=work,
    )
