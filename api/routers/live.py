"""Calls that go on now: a list, and a stream of what changes."""

from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request
from sse_starlette import EventSourceResponse

from api.auth import MayRead
from api.deps import Now, Transaction, sessions_of
from api.errors import Problem
from api.live import Hub
from api.problems import problems
from api.schemas import live as schema
from api.streams import stream
from billing.calls import live
from billing.identity.values import Scope

router = APIRouter(prefix="/live", tags=["live calls"])

BUSY_SECONDS: Final = 30
EVENT: Final = {
    "type": "object",
    "description": "One event.",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string", "enum": ["resync", "call", "ended", "prices"]},
        "data": {"type": "string", "description": "JSON, as described above for each event."},
        "id": {"type": "string", "description": "Send it back as Last-Event-ID."},
    },
}


@router.get("/calls", summary="List the calls that go on")
async def list_live(s: Transaction, actor: MayRead, at: Now) -> schema.LiveCalls:
    """List all calls that go on now, with what each has come to by this moment."""
    found = await live.list_live(s, at)
    whole = Scope.MANAGE in actor.scopes
    return schema.LiveCalls(at=at, items=[schema.live(call, whole=whole) for call in found])


@router.get(
    "/calls/stream",
    summary="Follow the calls that go on",
    response_class=EventSourceResponse,
    responses=problems("too-many-streams")
    | {
        200: {
            "description": "Server-sent events, see above.",
            "content": {"text/event-stream": {"schema": EVENT}},
        }
    },
)
async def follow_live(
    request: Request,
    actor: MayRead,
    prices_every_seconds: Annotated[
        int, Query(ge=1, le=60, description="How often running prices are told.", examples=[5])
    ] = 5,
    last_event_id: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            max_length=40,
            pattern="^[0-9a-f]{1,16}-[0-9]{1,18}$",
            description="The last `id` that was received; browsers send it by themselves.",
            examples=["5f3a9c1e-42"],
        ),
    ] = None,
) -> EventSourceResponse:
    """Follow live calls as server-sent events.

    * `resync`: read `/v1/live/calls` now; what changed before can't be told. It is the first
      event unless `Last-Event-ID` leads on from where the line was lost.
    * `call`: a call that is new or has changed, as in the list.
    * `ended`: a call that has ended, as in `/v1/calls`.
    * `prices`: what paid talks have come to by now: `{"items": [{"id", "used_seconds", "charge",
      "granted_seconds_left"}]}`.

    A comment comes every 15 seconds. The stream ends after 15 minutes; then come again. It ends
    at once when the key is revoked or expires.
    """
    hub: Hub = request.app.state.live
    if hub.full:
        raise Problem(
            "too-many-streams",
            f"{hub.most} streams are open, which is the most; try again later.",
            headers={"Retry-After": str(BUSY_SECONDS)},
        )
    return stream(
        hub,
        sessions_of(request),
        key_id=actor.key_id,
        place=last_event_id,
        prices_every_seconds=prices_every_seconds,
        whole=Scope.MANAGE in actor.scopes,
    )
