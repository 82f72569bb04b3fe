"""Rules: the sets that come with Primeline, and the figures that the operator may set."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Query, Response

from api.auth import Actor, MayManage, MayRead
from api.conditional import IfMatch, tag, tagged
from api.deps import Now, Transaction
from api.paging import Page, Paged, Paging, page_of
from api.problems import problems
from api.schemas import rules as schema
from billing.kit.pages import Slice
from billing.rulesets import service
from billing.rulesets.figures import write
from billing.rulesets.service import FigureChange

router = APIRouter(tags=["rules"])

Area = Annotated[
    str,
    Path(
        pattern="^[A-Z]{2}$",
        description="A country's two letters, or EU.",
        examples=["GB"],
    ),
]
FigureName = Annotated[
    str,
    Path(pattern="^[a-z0-9-]{1,60}$", description="A figure's name.", examples=["notice-tell"]),
]
OfArea = Annotated[
    str | None,
    Query(
        pattern="^[A-Z]{2}$",
        description="Only those of one country, or of the EU.",
        examples=["GB"],
    ),
]

T = TypeVar("T")


@router.get("/rule-sets", summary="List the rule sets")
async def list_rule_sets(_: MayRead, paging: Paged, area: OfArea = None) -> Page[schema.RuleSet]:
    """List the dated sets by area and start; figures are listed by themselves."""
    found = _page(service.list_sets(area), paging, lambda one: (one.name,), keys=1)
    return page_of(found, schema.set_shown)


@router.get("/rule-figures", summary="List the figures of all rules")
async def list_rule_figures(
    s: Transaction,
    _: MayRead,
    paging: Paged,
    area: OfArea = None,
    sure: Annotated[
        bool | None,
        Query(description="Only the sure ones, or only those you may set.", examples=[False]),
    ] = None,
) -> Page[schema.RuleFigure]:
    """List figures by area, start of their set and name, with the values that hold."""
    listed = [
        one
        for one in await service.list_figures(s, area)
        if sure is None or one.figure.sure is sure
    ]
    found = _page(
        listed,
        paging,
        lambda one: (one.area, one.valid_from.isoformat(), one.figure.name),
        keys=3,
    )
    return page_of(found, schema.shown)


@router.get(
    "/rule-figures/{area}/{figure}",
    summary="Show a figure",
    responses=tagged() | problems("figure-unknown"),
)
async def get_rule_figure(
    area: Area, figure: FigureName, s: Transaction, _: MayRead, response: Response
) -> schema.RuleFigure:
    """Show a figure of the latest set that has it."""
    found, version = await service.get_figure(s, area, figure)
    tag(response, version)
    return schema.shown(found)


@router.put(
    "/rule-figures/{area}/{figure}",
    summary="Set a figure",
    responses=tagged() | problems("figure-unknown", "figure-sure", "figure-unusable"),
)
async def set_rule_figure(
    area: Area,
    figure: FigureName,
    body: schema.RuleFigureSet,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.RuleFigure:
    """Set a figure that isn't sure, for calls and numbers from now on."""
    change = await service.set_figure(s, area, figure, body.value, at=at, expected=seen)
    await _note(s, actor, "set", (area, figure), change, at)
    return await get_rule_figure(area, figure, s, actor, response)


@router.delete(
    "/rule-figures/{area}/{figure}",
    summary="Reset a figure",
    responses=tagged() | problems("figure-unknown", "figure-sure"),
)
async def reset_rule_figure(
    area: Area,
    figure: FigureName,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.RuleFigure:
    """Give a figure the value back that Primeline comes with."""
    change = await service.reset_figure(s, area, figure, at=at, expected=seen)
    await _note(s, actor, "reset", (area, figure), change, at)
    return await get_rule_figure(area, figure, s, actor, response)


async def _note(
    s: Transaction,
    actor: Actor,
    action: str,
    of: tuple[str, str],
    change: FigureChange,
    at: datetime,
) -> None:
    values = {"from": write(change.before), "to": write(change.after)}
    await actor.edited(
        s,
        service.SUBJECT,
        service.subject_id(*of),
        at=at,
        version=change.version,
        changed={"value": values} if change.changed else {},
        action=action,
    )


def _page(
    listed: Sequence[T], paging: Paging, key: Callable[[T], tuple[str, ...]], *, keys: int
) -> Slice[T]:
    """Cut a page out of what is in memory anyway."""
    after = paging.after(*[str] * keys)
    in_order = sorted(listed, key=key)
    rest = [one for one in in_order if after is None or key(one) > tuple(after)]
    page = tuple(rest[: paging.limit])
    return Slice(page, key(page[-1]) if len(rest) > len(page) else None)
