"""What comparisons with Asterisk's own record came to."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from api.auth import MayRead
from api.deps import Transaction
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.schemas import reconciliations as schema
from billing.reconciliation.asterisk import results

router = APIRouter(prefix="/reconciliations", tags=["monitoring"])

KeptId = Annotated[
    UUID,
    Path(description="A reconciliation's id.", examples=["019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2"]),
]


@router.get("", summary="List reconciliations")
async def list_reconciliations(
    s: Transaction,
    _: MayRead,
    paging: Paged,
    wrong: Annotated[
        bool, Query(description="Only with something unexplained.", examples=[True])
    ] = False,
) -> Page[schema.Reconciliation]:
    """List the comparisons with Asterisk's record that are kept, the latest first."""
    found = await results.page(
        s, limit=paging.limit, after=paging.after(datetime, UUID), wrong_only=wrong
    )
    return page_of(found, schema.shown)


@router.get(
    "/{reconciliation_id}",
    summary="Show a reconciliation",
    responses=problems("reconciliation-unknown"),
)
async def get_reconciliation(
    reconciliation_id: KeptId, s: Transaction, _: MayRead
) -> schema.Reconciliation:
    """Show what one comparison came to."""
    return schema.shown(await results.get(s, reconciliation_id))


@router.get(
    "/{reconciliation_id}/differences",
    summary="List what a reconciliation found",
    responses=problems("reconciliation-unknown"),
)
async def list_differences(
    reconciliation_id: KeptId, s: Transaction, _: MayRead, paging: Paged
) -> Page[schema.Difference]:
    """List the differences one by one, those with an explanation, too."""
    found = await results.page_differences(
        s, reconciliation_id, limit=paging.limit, after=paging.after(int)
    )
    return page_of(found, schema.difference_shown)
