"""Experts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response, status

from api.auth import MayManage, MayRead
from api.conditional import IfMatch, tag, tagged
from api.deps import Now, Transaction
from api.errors import referring
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.schemas import experts as schema
from billing.catalogue import experts, listing, service
from billing.tariffs import service as tariffs

router = APIRouter(prefix="/experts", tags=["experts"])

ExpertId = Annotated[
    UUID, Path(description="An expert's id.", examples=["8f0d5a3e-9f64-4a3b-8f0a-1b2c3d4e5f60"])
]


@router.get("", summary="List the experts")
async def list_experts(
    s: Transaction,
    _: MayRead,
    paging: Paged,
    extension: Annotated[
        schema.Extension | None,
        Query(description="Only the one with this extension.", examples=["11"]),
    ] = None,
    presence: Annotated[
        schema.Presence | None, Query(description="Only these.", examples=["available"])
    ] = None,
) -> Page[schema.Expert]:
    """List experts by extension; those who were removed are not among them."""
    found = await listing.page_experts(
        s,
        limit=paging.limit,
        after=paging.after(str),
        extension=extension,
        presence=presence,
    )
    return page_of(found, schema.shown)


@router.post(
    "",
    summary="Add an expert",
    status_code=status.HTTP_201_CREATED,
    responses=tagged(201) | problems("extension-taken", "endpoint-taken"),
)
async def add_expert(
    body: schema.ExpertNew, s: Transaction, actor: MayManage, at: Now, response: Response
) -> schema.Expert:
    """Add an expert; calls reach him as soon as one of his phones has registered."""
    if body.tariff_id is not None:
        with referring("tariff_id"):
            await tariffs.require(s, body.tariff_id)
    expert_id = await service.add_expert(
        s,
        name=body.name,
        extension=body.extension,
        endpoints=body.phones,
        tariff_id=body.tariff_id,
        at=at,
        language=body.language,
        presence=body.presence,
        category=body.category,
    )
    made = schema.shown(await listing.get_expert(s, expert_id))
    detail = made.model_dump(mode="json", exclude={"id", "in_call"})
    await actor.record(s, "added", "expert", expert_id, at=at, **detail)
    tag(response, made.version)
    return made


@router.get(
    "/{expert_id}", summary="Show an expert", responses=tagged() | problems("expert-unknown")
)
async def get_expert(
    expert_id: ExpertId, s: Transaction, _: MayRead, response: Response
) -> schema.Expert:
    """Show one expert."""
    found = schema.shown(await listing.get_expert(s, expert_id))
    tag(response, found.version)
    return found


@router.patch(
    "/{expert_id}",
    summary="Change an expert",
    responses=tagged() | problems("expert-unknown", "extension-taken"),
)
async def edit_expert(
    expert_id: ExpertId,
    body: schema.ExpertEdit,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.Expert:
    """Change what is given; what is left out stays. Calls that go on keep what they had."""
    if body.tariff_id is not None:
        with referring("tariff_id"):
            await tariffs.require(s, body.tariff_id)
    changed = await experts.edit_expert(s, expert_id, body.given(), expected=seen)
    found = schema.shown(await listing.get_expert(s, expert_id))
    await actor.edited(s, "expert", expert_id, at=at, version=found.version, changed=changed)
    tag(response, found.version)
    return found


@router.put(
    "/{expert_id}/check",
    summary="Note that an expert was checked",
    responses=tagged() | problems("expert-unknown"),
)
async def check_expert(
    expert_id: ExpertId,
    body: schema.Check,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.Expert:
    """Note that somebody looked into who he is, as some countries ask before he earns (R13)."""
    changed = await experts.check_expert(
        s, expert_id, by=actor.said, note=body.note, at=at, expected=seen
    )
    found = schema.shown(await listing.get_expert(s, expert_id))
    version = found.version
    await actor.edited(
        s, "expert", expert_id, at=at, version=version, changed=changed, action="checked"
    )
    tag(response, version)
    return found


@router.delete(
    "/{expert_id}/check",
    summary="Take the check of an expert back",
    responses=tagged() | problems("expert-unknown"),
)
async def uncheck_expert(
    expert_id: ExpertId,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.Expert:
    """Count him as unchecked from the next call on."""
    changed = await experts.uncheck_expert(s, expert_id, expected=seen)
    found = schema.shown(await listing.get_expert(s, expert_id))
    version = found.version
    await actor.edited(
        s, "expert", expert_id, at=at, version=version, changed=changed, action="unchecked"
    )
    tag(response, version)
    return found


@router.delete(
    "/{expert_id}",
    summary="Remove an expert",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems("expert-unknown", "expert-in-call", "expert-in-use"),
)
async def remove_expert(
    expert_id: ExpertId, s: Transaction, actor: MayManage, at: Now, seen: IfMatch
) -> None:
    """Take an expert out of the catalogue: his extension is free, his calls keep naming him."""
    changed = await experts.remove_expert(s, expert_id, expected=seen, at=at)
    await actor.record(s, "removed", "expert", expert_id, at=at, changed=changed)
