"""Callers: their accounts, numbers, limits and PINs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response, status

from api.auth import MayManage, MayRead
from api.conditional import IfMatch, tag, tagged
from api.deps import Now, Transaction
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.schemas import callers as schema
from api.schemas.base import optional_money
from api.schemas.numbers import E164
from billing.accounts import callers, listing, service
from billing.kit.jobs import defer

router = APIRouter(prefix="/callers", tags=["callers"])

CallerId = Annotated[
    UUID, Path(description="A caller's id.", examples=["3d6a1c2e-7b4f-4c8d-8e9a-0f1b2c3d4e5f"])
]


@router.get("", summary="List the callers")
async def list_callers(
    s: Transaction,
    _: MayRead,
    paging: Paged,
    number: Annotated[
        E164 | None,
        Query(description="Only the one who calls from it.", examples=["+33639980001"]),
    ] = None,
) -> Page[schema.Caller]:
    """List callers by name; those who were removed are not among them."""
    found = await listing.page_callers(
        s, limit=paging.limit, after=paging.after(str, UUID), number=number
    )
    return page_of(found, schema.shown)


@router.post(
    "",
    summary="Add a caller",
    status_code=status.HTTP_201_CREATED,
    responses=tagged(201)
    | problems("number-taken", "number-invalid", "time-zone-unknown", "currency-mismatch"),
)
async def add_caller(
    body: schema.CallerNew, s: Transaction, actor: MayManage, at: Now, response: Response
) -> schema.CallerMade:
    """Add a caller with an empty wallet; the answer alone shows his PIN."""
    new = await service.add_caller(
        s,
        name=body.name,
        numbers=body.numbers,
        currency=body.currency,
        language=body.language,
        time_zone=body.time_zone,
        number_alone_limit=optional_money(body.number_alone_limit),
        call_limit=optional_money(body.call_limit),
        day_limit=optional_money(body.day_limit),
        month_limit=optional_money(body.month_limit),
        at=at,
    )
    # Else what his call cost would be rendered only once he had hung up.
    await defer(s, "render-prompts", currencies=[body.currency])
    made = schema.shown(await listing.get_caller(s, new.account_id))
    detail = made.model_dump(mode="json", exclude={"id"})
    await actor.record(s, "added", "caller", new.account_id, at=at, **detail)
    tag(response, made.version)
    return schema.CallerMade(caller=made, pin=new.pin)


@router.get(
    "/{caller_id}", summary="Show a caller", responses=tagged() | problems("caller-unknown")
)
async def get_caller(
    caller_id: CallerId, s: Transaction, _: MayRead, response: Response
) -> schema.Caller:
    """Show one caller with his credit. His PIN is kept nowhere."""
    return await _shown(s, caller_id, response)


@router.patch(
    "/{caller_id}",
    summary="Change a caller",
    responses=tagged() | problems("caller-unknown", "time-zone-unknown", "currency-mismatch"),
)
async def edit_caller(
    caller_id: CallerId,
    body: schema.CallerEdit,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.Caller:
    """Change what is given. A new limit counts for calls priced from then on."""
    changed = await callers.edit_caller(s, caller_id, body.given(), expected=seen)
    found = await _shown(s, caller_id, response)
    await actor.edited(s, "caller", caller_id, at=at, version=found.version, changed=changed)
    return found


@router.put(
    "/{caller_id}/numbers",
    summary="Set a caller's numbers",
    responses=tagged() | problems("caller-unknown", "number-taken", "number-invalid"),
)
async def set_caller_numbers(
    caller_id: CallerId,
    body: schema.Numbers,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.Caller:
    """Say which numbers he calls from; those left out are his no more."""
    changed = await callers.set_numbers(s, caller_id, body.numbers, expected=seen)
    found = await _shown(s, caller_id, response)
    await actor.edited(s, "caller", caller_id, at=at, version=found.version, changed=changed)
    return found


@router.delete(
    "/{caller_id}",
    summary="Remove a caller",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems("caller-unknown", "caller-in-use"),
)
async def remove_caller(
    caller_id: CallerId, s: Transaction, actor: MayManage, at: Now, seen: IfMatch
) -> None:
    """Forget his numbers and his account, if there is no money of his here."""
    changed = await callers.remove_caller(s, caller_id, expected=seen, at=at)
    await actor.record(s, "removed", "caller", caller_id, at=at, changed=changed)


@router.post(
    "/{caller_id}/pin", summary="Give a caller a new PIN", responses=problems("caller-unknown")
)
async def reset_pin(caller_id: CallerId, s: Transaction, actor: MayManage, at: Now) -> schema.Pin:
    """Make a new PIN, shown this once; the old one and any lock are gone."""
    await listing.get_caller(s, caller_id)
    pin = await service.set_pin(s, caller_id)
    await actor.record(s, "pin-set", "caller", caller_id, at=at)
    return schema.Pin(pin=pin)


@router.post(
    "/{caller_id}/pin/unlock",
    summary="Unlock a caller's PIN",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems("caller-unknown"),
)
async def unlock_pin(caller_id: CallerId, s: Transaction, actor: MayManage, at: Now) -> None:
    """Let it be tried again from everywhere, after wrong ones; it stays as it is."""
    await listing.get_caller(s, caller_id)
    await service.unlock_pin(s, caller_id)
    await actor.record(s, "pin-unlocked", "caller", caller_id, at=at)


async def _shown(s: Transaction, caller_id: UUID, response: Response) -> schema.Caller:
    found = schema.shown(await listing.get_caller(s, caller_id))
    tag(response, found.version)
    return found
