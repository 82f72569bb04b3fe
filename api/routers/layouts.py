"""Layouts of carriers' statements."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response, status

from api.auth import MayManage, MayRead
from api.conditional import IfMatch, tag, tagged
from api.deps import Now, Transaction
from api.errors import referring
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.schemas import layouts as schema
from billing.kit.pages import Slice
from billing.reconciliation import layouts

router = APIRouter(prefix="/statement-layouts", tags=["statements"])

LayoutId = Annotated[
    UUID, Path(description="A layout's id.", examples=["6a5b4c3d-2e1f-4a0b-9c8d-7e6f5a4b3c2d"])
]

REFUSALS = problems(
    "statement-layout-invalid", "statement-layout-taken", "reference-unknown", "time-zone-unknown"
)


@router.get("", summary="List the layouts of statements")
async def list_layouts(s: Transaction, _: MayRead, paging: Paged) -> Page[schema.LayoutShown]:
    """List layouts by name."""
    (seen,) = paging.after(str) or ("",)
    later = [one for one in await layouts.list_layouts(s) if one.layout.name > seen]
    found = tuple(later[: paging.limit])
    after = (found[-1].layout.name,) if len(later) > len(found) else None
    return page_of(Slice(found, after), schema.shown)


@router.post(
    "",
    summary="Add a layout of statements",
    status_code=status.HTTP_201_CREATED,
    responses=tagged(201) | REFUSALS,
)
async def add_layout(
    body: schema.LayoutNew, s: Transaction, actor: MayManage, at: Now, response: Response
) -> schema.LayoutShown:
    """Save how a carrier writes its statements."""
    with referring("carrier"):
        known = await layouts.add(s, schema.layout_of(body))
    detail = layouts.to_json(known.layout)
    await actor.record(s, "added", "statement-layout", known.layout_id, at=at, **detail)
    tag(response, known.version)
    return schema.shown(known)


@router.get(
    "/{layout_id}",
    summary="Show a layout of statements",
    responses=tagged() | problems("statement-layout-unknown"),
)
async def get_layout(
    layout_id: LayoutId, s: Transaction, _: MayRead, response: Response
) -> schema.LayoutShown:
    """Show a layout."""
    known = await layouts.get(s, layout_id)
    tag(response, known.version)
    return schema.shown(known)


@router.patch(
    "/{layout_id}",
    summary="Change a layout of statements",
    responses=tagged() | REFUSALS | problems("statement-layout-unknown"),
)
async def edit_layout(
    layout_id: LayoutId,
    body: schema.LayoutEdit,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.LayoutShown:
    """Change what is given; statements that were imported stay as they were read."""
    await layouts.get(s, layout_id)
    with referring("carrier"):
        known, changed = await layouts.change(s, layout_id, schema.values_of(body), expected=seen)
    await actor.edited(
        s, "statement-layout", layout_id, at=at, version=known.version, changed=changed
    )
    tag(response, known.version)
    return schema.shown(known)
