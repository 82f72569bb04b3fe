"""Tariffs: new versions, never edits; and what a price means before anybody pays it."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, status

from api.auth import MayManage, MayRead
from api.deps import Now, Transaction
from api.errors import referring
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.schemas import tariffs as schema
from api.schemas.base import MomentIn, amount_of
from billing.catalogue.tollfree import check_notice
from billing.tariffs import listing, rules, service
from billing.tariffs.service import TariffNotBegun, TariffUnknown
from billing.tariffs.values import Tariff
from dialplan.prompts.catalogue import LANGUAGES
from dialplan.prompts.sentences import transcript
from dialplan.prompts.values import Phrase

router = APIRouter(prefix="/tariffs", tags=["tariffs"])

TariffId = Annotated[
    UUID, Path(description="A tariff's id.", examples=["5b1f4c77-0d0e-4b43-8a43-5f0b6f1e2d3c"])
]


_WINDOW_PROBLEMS: Final = (
    "invalid-window",
    "windows-overlap",
    "time-zone-unknown",
    "holidays-unknown",
)


@router.get("", summary="List the tariffs")
async def list_tariffs(s: Transaction, _: MayRead, paging: Paged, at: Now) -> Page[schema.Tariff]:
    """List tariffs by name, each with its version in force."""
    found = await listing.page_tariffs(s, at, limit=paging.limit, after=paging.after(str))
    return page_of(found, schema.shown)


@router.post(
    "",
    summary="Make a tariff",
    status_code=status.HTTP_201_CREATED,
    responses=problems("tariff-taken", "invalid-tariff", *_WINDOW_PROBLEMS),
)
async def add_tariff(
    body: schema.TariffNew, s: Transaction, actor: MayManage, at: Now
) -> schema.Tariff:
    """Make a tariff with its first version. Its price is spoken from that version's start on."""
    kept = await service.add_tariff(
        s,
        name=body.name,
        tariff=body.terms.value(),
        valid_from=body.valid_from or at,
        at=at,
        timetable=body.timetable_value(),
    )
    detail = schema.version_shown(kept).model_dump(mode="json")
    await actor.record(s, "added", "tariff", kept.tariff_id, at=at, name=body.name, **detail)
    return schema.shown(await listing.get_tariff(s, kept.tariff_id, at))


@router.post(
    "/preview",
    summary="Try a price",
    responses=problems("invalid-tariff", "currency-mismatch", "unsayable-value"),
)
async def preview(body: schema.Preview, s: Transaction, _: MayRead, at: Now) -> schema.Previewed:
    """Say what talks would cost, how long a credit lasts, and what callers would hear."""
    tariff = await _tariff(s, body, at)
    credit = None if body.credit is None else body.credit.money()
    return schema.Previewed(
        charges=[
            schema.Priced(
                seconds=one,
                billable_seconds=rules.billable_seconds(tariff, one - tariff.free_seconds),
                charge=amount_of(rules.charge(tariff, one)),
            )
            for one in body.seconds
            if one <= tariff.maximum_seconds
        ],
        affordable_seconds=None if credit is None else rules.affordable_seconds(tariff, credit),
        announcements={one: transcript(Phrase("price", tariff), one) for one in LANGUAGES},
    )


async def _tariff(s: Transaction, body: schema.Preview, at: Now) -> Tariff:
    if body.terms is not None:
        given = body.terms.value()
        rules.check(given)
        return given
    assert body.tariff_id is not None  # the body has one of the two
    with referring("tariff_id"):
        kept = await service.in_force(s, body.tariff_id, at)
        if kept is None:
            raise TariffUnknown(body.tariff_id)
    return kept.tariff


@router.get("/{tariff_id}", summary="Show a tariff", responses=problems("tariff-unknown"))
async def get_tariff(tariff_id: TariffId, s: Transaction, _: MayRead, at: Now) -> schema.Tariff:
    """Show one tariff with its version in force."""
    return schema.shown(await listing.get_tariff(s, tariff_id, at))


@router.get(
    "/{tariff_id}/price",
    summary="Ask what a tariff costs at a moment",
    responses=problems("tariff-unknown", "tariff-not-begun"),
)
async def price_at(
    tariff_id: TariffId,
    s: Transaction,
    _: MayRead,
    at: Now,
    moment: Annotated[
        MomentIn | None,
        Query(
            alias="at",
            description="The moment; without it, now.",
            examples=["2027-01-01T00:00:00Z"],
        ),
    ] = None,
) -> schema.PriceAt:
    """Show the prices that a call quoted at a moment has: of its version, and of its window."""
    asked = moment or at
    row = await service.require(s, tariff_id)
    kept = await service.in_force(s, tariff_id, asked)
    if kept is None:
        raise TariffNotBegun(row.name, asked)
    return schema.price_at_shown(kept, asked)


@router.get(
    "/{tariff_id}/versions",
    summary="List a tariff's versions",
    responses=problems("tariff-unknown"),
)
async def list_versions(
    tariff_id: TariffId, s: Transaction, _: MayRead, paging: Paged
) -> Page[schema.Version]:
    """List all versions, past and to come, by their start."""
    from_ = paging.after(datetime)
    found = await listing.page_versions(s, tariff_id, limit=paging.limit, after=from_)
    return page_of(found, schema.version_shown)


@router.post(
    "/{tariff_id}/versions",
    summary="Add a version to a tariff",
    status_code=status.HTTP_201_CREATED,
    responses=problems(
        "tariff-unknown",
        "tariff-version-taken",
        "invalid-tariff",
        "currency-mismatch",
        "rule-broken",
        *_WINDOW_PROBLEMS,
    ),
)
async def add_version(
    tariff_id: TariffId, body: schema.VersionNew, s: Transaction, actor: MayManage, at: Now
) -> schema.Version:
    """Say what a tariff costs from a moment on. Calls that were quoted before keep their price."""
    row = await service.require(s, tariff_id)
    tariff, valid_from = body.terms.value(), body.valid_from or at
    timetable = body.timetable_value()
    service.check(tariff, timetable)
    await check_notice(s, tariff_id, tariff, valid_from=valid_from, at=at, timetable=timetable)
    kept = await service.add_version(
        s, name=row.name, tariff=tariff, valid_from=valid_from, at=at, timetable=timetable
    )
    made = schema.version_shown(kept)
    detail = made.model_dump(mode="json")
    await actor.record(s, "version-added", "tariff", tariff_id, at=at, name=row.name, **detail)
    return made
