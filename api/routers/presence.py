"""Presence, hours and PINs of experts; extensions that are free."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from api.auth import MayManage, MayRead
from api.conditional import IfMatch, tag, tagged
from api.deps import Now, Transaction
from api.problems import problems
from api.routers.experts import ExpertId
from api.schemas import presence as schema
from api.schemas.experts import Expert
from api.schemas.experts import shown as expert_shown
from billing.catalogue import experts, listing, opening, pins
from billing.catalogue import presence as service

router = APIRouter(tags=["experts"])


@router.put(
    "/experts/{expert_id}/presence",
    summary="Say whether an expert takes calls",
    responses=tagged() | problems("expert-unknown", "until-without-presence"),
)
async def set_presence(
    expert_id: ExpertId,
    body: schema.PresenceSet,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> Expert:
    """Put an expert on or off line; what he says by phone later wins."""
    before = (await experts.locked(s, expert_id, seen)).presence
    await service.set_presence(s, expert_id, body.presence, until=body.until)
    s.expire_all()
    found = expert_shown(await listing.get_expert(s, expert_id))
    changed = {"presence": {"from": before, "to": body.presence}, "until": {"to": body.until}}
    await actor.edited(s, "expert", expert_id, at=at, version=found.version, changed=changed)
    tag(response, found.version)
    return found


@router.get(
    "/experts/{expert_id}/hours",
    summary="Show an expert's hours",
    responses=tagged() | problems("expert-unknown"),
)
async def get_hours(
    expert_id: ExpertId, s: Transaction, _: MayRead, at: Now, response: Response
) -> schema.Hours:
    """Show when he takes calls; the ETag is the expert's."""
    return await _hours(s, expert_id, at, response)


@router.put(
    "/experts/{expert_id}/hours",
    summary="Set an expert's hours",
    responses=tagged() | problems("expert-unknown", "invalid-hours", "time-zone-unknown"),
)
async def set_hours(
    expert_id: ExpertId,
    body: schema.HoursSet,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> schema.Hours:
    """Say when he takes calls: the hours given, and no others."""
    row = await experts.locked(s, expert_id, seen)
    before = await service.hours_of(s, expert_id)
    await service.set_hours(
        s, expert_id, [one.value() for one in body.hours], time_zone=body.time_zone
    )
    found = await _hours(s, expert_id, at, response)
    changed = {
        "hours": {
            "from": [[one.weekday, one.from_minute, one.to_minute] for one in before],
            "to": [[one.weekday, one.from_minute, one.to_minute] for one in found.hours],
        }
    }
    await actor.edited(s, "expert", expert_id, at=at, version=row.version, changed=changed)
    return found


@router.post(
    "/experts/{expert_id}/pin",
    summary="Give an expert a new PIN",
    responses=problems("expert-unknown"),
)
async def reset_expert_pin(
    expert_id: ExpertId, s: Transaction, actor: MayManage, at: Now
) -> schema.Pin:
    """Make a new PIN for the expert line, shown this once; the old one and any lock are gone."""
    await listing.get_expert(s, expert_id)
    pin = await pins.set_pin(s, expert_id)
    await actor.record(s, "pin-set", "expert", expert_id, at=at)
    return schema.Pin(expert_id=expert_id, pin=pin)


@router.post(
    "/experts/{expert_id}/pin/unlock",
    summary="Unlock an expert's PIN",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems("expert-unknown"),
)
async def unlock_expert_pin(expert_id: ExpertId, s: Transaction, actor: MayManage, at: Now) -> None:
    """Let it be tried again from everywhere, after wrong ones; it stays as it is."""
    await listing.get_expert(s, expert_id)
    await pins.unlock_pin(s, expert_id)
    await actor.record(s, "pin-unlocked", "expert", expert_id, at=at)


@router.get("/extensions/free", summary="Find free extensions")
async def free_extensions(
    s: Transaction,
    _: MayRead,
    digits: Annotated[
        int, Query(ge=1, le=8, description="How long they shall be.", examples=[3])
    ] = 3,
    limit: Annotated[int, Query(ge=1, le=100, description="How many at most.", examples=[10])] = 10,
) -> schema.FreeExtensions:
    """Find extensions that no expert has, the lowest first; none begins with a zero."""
    return schema.FreeExtensions(extensions=await listing.free_extensions(s, digits, limit))


async def _hours(s: Transaction, expert_id: ExpertId, at: Now, response: Response) -> schema.Hours:
    row = await experts.locked(s, expert_id, None)
    hours = await service.hours_of(s, expert_id)
    tag(response, row.version)
    return schema.Hours(
        hours=[
            schema.Stretched(
                weekday=one.weekday, from_minute=one.from_minute, to_minute=one.to_minute
            )
            for one in hours
        ],
        open_now=opening.is_open(hours, at, row.time_zone),
        time_zone=row.time_zone,
    )
