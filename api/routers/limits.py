"""The operator's spending limits: for all his callers, and on each number of ours."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Response, status

from api.auth import MayManage, MayRead
from api.conditional import IfMatch, tag, tagged
from api.deps import Now, Transaction
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.routers.numbers import NumberId
from api.schemas import limits as schema
from api.schemas.base import Currency
from billing.catalogue import listing
from billing.charging import limits
from billing.charging.limits import AMOUNTS, SpendingLimits
from billing.kit.pages import Slice

router = APIRouter(tags=["limits"])

InCurrency = Annotated[Currency, Path(description="ISO 4217.", examples=["EUR"])]
NONE = dict.fromkeys(AMOUNTS)


@router.get("/spending-limits", summary="List the spending limits")
async def list_limits(s: Transaction, _: MayRead, at: Now, paging: Paged) -> Page[schema.Limits]:
    """List the operator's own limits, then those on numbers, with what counts under them today."""
    before = paging.after(str, str)
    found = [
        one
        for one in await limits.list_limits(s, at=at)
        if before is None or _place(one) > (before[0], before[1])
    ]
    page = tuple(found[: paging.limit])
    after = _place(page[-1]) if len(found) > len(page) else None
    return page_of(Slice(page, after), schema.shown)


def _place(one: SpendingLimits) -> tuple[str, str]:
    return one.number or "", one.currency


@router.get("/spending-limits/{currency}", summary="Show the operator's limits", responses=tagged())
async def get_limits(
    currency: InCurrency, s: Transaction, _: MayRead, at: Now, response: Response
) -> schema.Limits:
    """Show what the operator lets callers spend on all numbers together."""
    return await _shown(s, None, currency, at, response)


@router.patch(
    "/spending-limits/{currency}",
    summary="Change the operator's limits",
    responses=tagged() | problems("currency-mismatch", "time-zone-unknown"),
)
async def edit_limits(
    currency: InCurrency,
    body: schema.LimitsEdit,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.Limits:
    """Change what is given, for calls whose price is asked for from now on."""
    await _set(s, None, currency, body.given(), actor, at, seen)
    return await _shown(s, None, currency, at, response)


@router.delete(
    "/spending-limits/{currency}",
    summary="Take the operator's limits away",
    status_code=status.HTTP_204_NO_CONTENT,
)
async def remove_limits(
    currency: InCurrency, s: Transaction, actor: MayManage, at: Now, seen: IfMatch
) -> None:
    """Let callers spend what their own and the numbers' limits allow."""
    await _set(s, None, currency, NONE, actor, at, seen)


@router.get(
    "/numbers/{number_id}/spending-limits/{currency}",
    summary="Show a number's limits",
    responses=tagged() | problems("number-unknown"),
)
async def get_number_limits(
    number_id: NumberId,
    currency: InCurrency,
    s: Transaction,
    _: MayRead,
    at: Now,
    response: Response,
) -> schema.Limits:
    """Show what the operator lets callers spend on one number."""
    await listing.get_number(s, number_id)
    return await _shown(s, number_id, currency, at, response)


@router.patch(
    "/numbers/{number_id}/spending-limits/{currency}",
    summary="Change a number's limits",
    responses=tagged() | problems("number-unknown", "currency-mismatch", "time-zone-unknown"),
)
async def edit_number_limits(
    number_id: NumberId,
    currency: InCurrency,
    body: schema.LimitsEdit,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.Limits:
    """Change what is given, for calls whose price is asked for from now on."""
    await listing.get_number(s, number_id)
    await _set(s, number_id, currency, body.given(), actor, at, seen)
    return await _shown(s, number_id, currency, at, response)


@router.delete(
    "/numbers/{number_id}/spending-limits/{currency}",
    summary="Take a number's limits away",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems("number-unknown"),
)
async def remove_number_limits(
    number_id: NumberId,
    currency: InCurrency,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
) -> None:
    """Let callers spend there what their own and the operator's limits allow."""
    await listing.get_number(s, number_id)
    await _set(s, number_id, currency, NONE, actor, at, seen)


async def _set(
    s: Transaction,
    number_id: UUID | None,
    currency: str,
    values: Mapping[str, Any],
    actor: MayManage,
    at: Now,
    seen: IfMatch,
) -> None:
    changed = await limits.set_limits(
        s, number_id=number_id, currency=currency, values=values, expected=seen
    )
    after = await limits.get_limits(s, number_id=number_id, currency=currency, at=at)
    subject_id = limits.subject_of(number_id, currency)
    await actor.edited(
        s, "spending-limits", subject_id, at=at, version=after.version, changed=changed
    )


async def _shown(
    s: Transaction, number_id: UUID | None, currency: str, at: Now, response: Response
) -> schema.Limits:
    found = await limits.get_limits(s, number_id=number_id, currency=currency, at=at)
    tag(response, found.version)
    return schema.shown(found)
