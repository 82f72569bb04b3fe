"""Disputes: calls whose bill somebody contests."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response, status

from api.auth import MayManage, MayMoveMoney, MayRead
from api.conditional import IfMatch, tag, tagged
from api.deps import Now, Transaction
from api.errors import referring
from api.idempotency import IdempotencyKey, once
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.schemas import disputes as schema
from billing.disputes import service
from billing.disputes.service import DisputeFilter
from billing.disputes.values import DisputeState, Outcome

router = APIRouter(prefix="/disputes", tags=["disputes"])

_EXAMPLE = "019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2"
DisputeId = Annotated[UUID, Path(description="A dispute's id.", examples=[_EXAMPLE])]


@router.get("", summary="List disputes")
async def list_disputes(
    s: Transaction,
    _: MayRead,
    at: Now,
    paging: Paged,
    state: Annotated[
        schema.State | None, Query(description="Only these.", examples=["open"])
    ] = None,
    call_id: Annotated[
        UUID | None, Query(description="Only of this call.", examples=[_EXAMPLE])
    ] = None,
    overdue: Annotated[
        bool,
        Query(
            description="Only open ones whose last day to answer is over (UTC).", examples=[True]
        ),
    ] = False,
) -> Page[schema.Dispute]:
    """List disputes, newest first."""
    wanted = DisputeFilter(
        state=None if state is None else DisputeState(state),
        call_id=call_id,
        overdue_on=at.date() if overdue else None,
    )
    found = await service.page_disputes(
        s, wanted=wanted, limit=paging.limit, after=paging.after(UUID)
    )
    return page_of(found, schema.shown)


@router.post(
    "",
    summary="Open a dispute",
    status_code=status.HTTP_201_CREATED,
    responses=tagged(201)
    | problems("reference-unknown", "call-not-ended", "call-disputed", "claim-late"),
)
async def open_dispute(
    body: schema.DisputeNew,
    s: Transaction,
    actor: MayManage,
    at: Now,
    key: IdempotencyKey,
    response: Response,
) -> schema.Dispute:
    """Contest an ended call, at no cost; its money stays where it is until the dispute is closed.

    A carrier's statement doesn't make it due meanwhile.
    """

    async def work() -> schema.Dispute:
        with referring("call_id"):
            made = await service.open_dispute(
                s,
                body.call_id,
                reason=body.reason,
                by=actor.said,
                at=at,
                late=body.accept_late,
            )
        detail = {"call": made.call_id, "reason": made.reason, "answer_by": made.answer_by}
        await actor.record(s, "opened", "dispute", made.dispute_id, at=at, **detail)
        return schema.shown(made)

    answer = await once(
        s,
        actor,
        key,
        route="dispute",
        request=body.model_dump(mode="json"),
        at=at,
        response=response,
        answer=schema.Dispute,
        work=work,
    )
    tag(response, answer.version)
    return answer


@router.get(
    "/{dispute_id}", summary="Show a dispute", responses=tagged() | problems("dispute-unknown")
)
async def get_dispute(
    dispute_id: DisputeId, s: Transaction, _: MayRead, response: Response
) -> schema.Dispute:
    """Show one dispute."""
    found = await service.get_dispute(s, dispute_id)
    tag(response, found.version)
    return schema.shown(found)


@router.post(
    "/{dispute_id}/close",
    summary="Close a dispute",
    responses=tagged() | problems("dispute-unknown", "dispute-over"),
)
async def close_dispute(
    dispute_id: DisputeId,
    body: schema.DisputeClosing,
    s: Transaction,
    actor: MayMoveMoney,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.Dispute:
    """Uphold or reject it. Upheld, the caller has his charge back, or nothing is expected any more.

    A dispute is closed once, so that money goes back once.
    """
    changed = await service.close_dispute(
        s,
        dispute_id,
        outcome=Outcome(body.outcome),
        note=body.note,
        by=actor.said,
        at=at,
        expected=seen,
    )
    found = await service.get_dispute(s, dispute_id)
    await actor.edited(
        s, "dispute", dispute_id, at=at, version=found.version, changed=changed, action="closed"
    )
    tag(response, found.version)
    return schema.shown(found)
