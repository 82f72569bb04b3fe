"""Who changed what."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import MayAdminister
from api.deps import Transaction
from api.paging import Page, Paged, page_of
from api.schemas import audit as schema
from api.schemas.base import Text
from billing.kit import audit

router = APIRouter(prefix="/audit", tags=["audit"])


@router.get("", summary="List the changes")
async def list_changes(
    s: Transaction,
    _: MayAdminister,
    paging: Paged,
    subject: Annotated[
        Text | None, Query(description="Only this kind of thing.", examples=["expert"])
    ] = None,
    subject_id: Annotated[
        Text | None,
        Query(description="Only this one.", examples=["8f0d5a3e-9f64-4a3b-8f0a-1b2c3d4e5f60"]),
    ] = None,
    actor: Annotated[
        Text | None, Query(description="Only what this one did.", examples=["key:office"])
    ] = None,
) -> Page[schema.Entry]:
    """List what people changed, by API or command, newest first."""
    found = await audit.list_entries(
        s,
        limit=paging.limit,
        after=paging.after(int),
        subject=subject,
        subject_id=subject_id,
        actor=actor,
    )
    return page_of(found, schema.shown)
