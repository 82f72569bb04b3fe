"""Our phone numbers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response, status

from api.auth import MayManage, MayRead
from api.conditional import IfMatch, tag, tagged
from api.deps import Now, Transaction
from api.errors import referring
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.schemas import numbers as schema
from billing.catalogue import listing, numbers, service
from billing.tariffs import service as tariffs

router = APIRouter(prefix="/numbers", tags=["numbers"])

NumberId = Annotated[
    UUID, Path(description="A number's id.", examples=["1f9a2c44-5be1-4a0a-9d7e-2c7f0e6b8a13"])
]


@router.get("", summary="List our numbers")
async def list_numbers(
    s: Transaction,
    _: MayRead,
    paging: Paged,
    kind: Annotated[
        schema.Kind | None, Query(description="Only those of a kind.", examples=["menu"])
    ] = None,
) -> Page[schema.Number]:
    """List our numbers by their digits; those that were removed are not among them."""
    found = await listing.page_numbers(s, limit=paging.limit, after=paging.after(str), kind=kind)
    return page_of(found, schema.shown)


@router.post(
    "",
    summary="Put a number to work",
    status_code=status.HTTP_201_CREATED,
    responses=tagged(201) | problems("number-served", "number-invalid", "reference-unknown"),
)
async def add_number(
    body: schema.NumberNew, s: Transaction, actor: MayManage, at: Now, response: Response
) -> schema.Number:
    """Put a number to work; calls to it are taken from now on."""
    await _check_references(s, body.expert_id, body.tariff_id)
    number_id = await service.add_number(
        s,
        number=body.number,
        kind=body.kind,
        language=body.language,
        without_payer=body.without_payer,
        free_limit_seconds=body.free_limit_seconds,
        begins_free=body.begins_free,
        expert_id=body.expert_id,
        tariff_id=body.tariff_id,
        at=at,
    )
    made = schema.shown(await listing.get_number(s, number_id))
    detail = made.model_dump(mode="json", exclude={"id"})
    await actor.record(s, "added", "number", number_id, at=at, **detail)
    tag(response, made.version)
    return made


@router.get(
    "/{number_id}", summary="Show a number", responses=tagged() | problems("number-unknown")
)
async def get_number(
    number_id: NumberId, s: Transaction, _: MayRead, response: Response
) -> schema.Number:
    """Show one of our numbers."""
    found = schema.shown(await listing.get_number(s, number_id))
    tag(response, found.version)
    return found


@router.patch(
    "/{number_id}",
    summary="Change a number",
    responses=tagged() | problems("number-unknown", "reference-unknown"),
)
async def edit_number(
    number_id: NumberId,
    body: schema.NumberEdit,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.Number:
    """Change what is given. A number that is no longer direct loses its expert."""
    await listing.get_number(s, number_id)
    await _check_references(s, body.expert_id, body.tariff_id)
    with referring("expert_id"):
        changed = await numbers.edit_number(s, number_id, body.given(), expected=seen)
    found = schema.shown(await listing.get_number(s, number_id))
    await actor.edited(s, "number", number_id, at=at, version=found.version, changed=changed)
    tag(response, found.version)
    return found


@router.delete(
    "/{number_id}",
    summary="Remove a number",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems("number-unknown"),
)
async def remove_number(
    number_id: NumberId, s: Transaction, actor: MayManage, at: Now, seen: IfMatch
) -> None:
    """Take a number out of work: new calls to it are refused, past ones keep naming it."""
    changed = await numbers.remove_number(s, number_id, expected=seen, at=at)
    await actor.record(s, "removed", "number", number_id, at=at, changed=changed)


async def _check_references(s: Transaction, expert_id: UUID | None, tariff_id: UUID | None) -> None:
    if expert_id is not None:
        with referring("expert_id"):
            await listing.get_expert(s, expert_id)
    if tariff_id is not None:
        with referring("tariff_id"):
            await tariffs.require(s, tariff_id)
