"""Shares of experts and numbers, and what experts may ask a minute."""

from fastapi import APIRouter, Response, status

from api.auth import MayManage, MayRead
from api.conditional import IfMatch, tag, tagged
from api.deps import Now, Transaction
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.routers.experts import ExpertId
from api.routers.numbers import NumberId
from api.schemas import shares as schema
from billing.catalogue import experts, listing, numbers, pricing
from billing.catalogue.values import PriceBounds
from billing.shares import service
from billing.shares.values import ShareRule

router = APIRouter()


@router.get("/shares", tags=["experts"], summary="List the share rules")
async def list_shares(s: Transaction, _: MayRead, paging: Paged) -> Page[schema.KeptShare]:
    """List the rules in force of experts and numbers; who has none gets the usual 70 % of net.

    Earlier ones stand in the audit log, and in each call that was quoted under them.
    """
    found = await service.page_shares(s, limit=paging.limit, after=paging.after(int))
    return page_of(found, schema.kept_shown)


@router.get(
    "/experts/{expert_id}/share",
    tags=["experts"],
    summary="Show an expert's share",
    responses=tagged() | problems("expert-unknown"),
)
async def get_share(
    expert_id: ExpertId, s: Transaction, _: MayRead, response: Response
) -> schema.Share:
    """Show what part of each charge he gets; a number's own share wins over it."""
    expert = await listing.get_expert(s, expert_id)
    tag(response, expert.version)
    return schema.share_shown((await service.shares_of(s, [expert_id]))[expert_id])


@router.put(
    "/experts/{expert_id}/share",
    tags=["experts"],
    summary="Set an expert's share",
    responses=tagged() | problems("expert-unknown", "invalid-share-rule"),
)
async def put_share(
    expert_id: ExpertId,
    body: schema.ShareSet,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.Share:
    """Say what part he gets of calls quoted from now on."""
    row = await experts.locked(s, expert_id, seen)
    before = (await service.shares_of(s, [expert_id]))[expert_id]
    rule = body.value()
    if rule != before:
        await service.set_share(s, rule, at=at, expert_id=expert_id)
        row.version += 1
        await s.flush()
        changed = {"share": {"from": _said(before), "to": _said(rule)}}
        await actor.edited(s, "expert", expert_id, at=at, version=row.version, changed=changed)
    tag(response, row.version)
    return schema.share_shown(rule)


@router.get(
    "/numbers/{number_id}/share",
    tags=["numbers"],
    summary="Show a number's share",
    responses=tagged() | problems("number-unknown"),
)
async def get_number_share(
    number_id: NumberId, s: Transaction, _: MayRead, response: Response
) -> schema.NumberShare:
    """Show what part the expert gets of all calls to a number, if it has a share of its own."""
    number = await listing.get_number(s, number_id)
    tag(response, number.version)
    return _number_share(await service.share_of_number(s, number_id))


@router.put(
    "/numbers/{number_id}/share",
    tags=["numbers"],
    summary="Set a number's share",
    responses=tagged() | problems("number-unknown", "invalid-share-rule"),
)
async def put_number_share(
    number_id: NumberId,
    body: schema.ShareSet,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.NumberShare:
    """Say what part the expert gets of calls to a number quoted from now on."""
    return await _set(s, number_id, body.value(), actor, at, seen, response)


@router.delete(
    "/numbers/{number_id}/share",
    tags=["numbers"],
    summary="Take a number's share away",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems("number-unknown"),
)
async def remove_number_share(
    number_id: NumberId,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> None:
    """Let the experts' own shares hold for calls to it again."""
    await _set(s, number_id, None, actor, at, seen, response)


@router.get(
    "/experts/{expert_id}/price-bounds",
    tags=["experts"],
    summary="Show what an expert may ask",
    responses=tagged() | problems("expert-unknown"),
)
async def get_bounds(
    expert_id: ExpertId, s: Transaction, _: MayRead, response: Response
) -> schema.Bounds:
    """Show within what he may change his price a minute by phone."""
    expert = await listing.get_expert(s, expert_id)
    tag(response, expert.version)
    return schema.bounds_shown(await pricing.bounds_of(s, expert_id))


@router.put(
    "/experts/{expert_id}/price-bounds",
    tags=["experts"],
    summary="Say what an expert may ask",
    responses=tagged() | problems("expert-unknown", "invalid-bounds"),
)
async def set_bounds(
    expert_id: ExpertId,
    body: schema.BoundsSet,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.Bounds:
    """Say within what he may change his price a minute by phone; his price itself stays."""
    row = await experts.locked(s, expert_id, seen)
    before, after = await pricing.bounds_of(s, expert_id), body.value()
    await pricing.set_bounds(s, expert_id, after)
    if before != after:
        row.version += 1
        await s.flush()
        changed = {"price_bounds": {"from": _range(before), "to": _range(after)}}
        await actor.edited(s, "expert", expert_id, at=at, version=row.version, changed=changed)
    tag(response, row.version)
    return schema.bounds_shown(after)


async def _set(
    s: Transaction,
    number_id: NumberId,
    rule: ShareRule | None,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.NumberShare:
    row = await numbers.locked(s, number_id, seen)
    before = await service.share_of_number(s, number_id)
    if rule != before:
        if rule is None:
            await service.remove_share(s, number_id)
        else:
            await service.set_share(s, rule, at=at, number_id=number_id)
        row.version += 1
        await s.flush()
        changed = {"share": {"from": _said(before), "to": _said(rule)}}
        await actor.edited(s, "number", number_id, at=at, version=row.version, changed=changed)
    tag(response, row.version)
    return _number_share(rule)


def _number_share(rule: ShareRule | None) -> schema.NumberShare:
    return schema.NumberShare(share=None if rule is None else schema.share_shown(rule))


def _said(rule: ShareRule | None) -> list[int | str] | None:
    return None if rule is None else [rule.expert_basis_points, rule.basis]


def _range(bounds: PriceBounds | None) -> list[str] | None:
    return None if bounds is None else [str(bounds.least), str(bounds.most)]
