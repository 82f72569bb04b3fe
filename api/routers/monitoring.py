"""Alarms, and how everything that we are connected to is."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from api.auth import MayManage, MayRead
from api.deps import Now, Transaction
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.schemas import monitoring as schema
from api.schemas import restarts as restarts_schema
from billing.calls import restarts
from billing.monitoring import alarms, states
from billing.monitoring.values import AlarmKind

router = APIRouter(tags=["monitoring"])

AlarmId = Annotated[int, Path(ge=1, le=2**63 - 1, description="An alarm's number.", examples=[17])]


@router.get("/alarms", summary="List alarms")
async def list_alarms(
    s: Transaction,
    _: MayRead,
    paging: Paged,
    kind: Annotated[
        AlarmKind | None, Query(description="Only of this kind.", examples=["trunk-unreachable"])
    ] = None,
    cleared: Annotated[
        bool, Query(description="Also what is right again.", examples=[True])
    ] = False,
) -> Page[schema.AlarmShown]:
    """List what is wrong now, the newest first. Alarms clear themselves once it is right again."""
    found = await alarms.page_alarms(
        s, limit=paging.limit, after=paging.after(int), kind=kind, cleared_too=cleared
    )
    return page_of(found, schema.shown)


@router.post(
    "/alarms/{alarm_id}/acknowledge",
    summary="Acknowledge an alarm",
    responses=problems("alarm-unknown", "alarm-over"),
)
async def acknowledge_alarm(
    alarm_id: AlarmId, s: Transaction, actor: MayManage, at: Now
) -> schema.AlarmShown:
    """Note who has seen it; the first one stays. It is open until what it is about is right.

    Once there is something new in it, it is no longer acknowledged.
    """
    found, new = await alarms.acknowledge(s, alarm_id, by=actor.said, at=at)
    if new:
        await actor.record(
            s, "acknowledged", "alarm", alarm_id, at=at, kind=found.kind, about=found.subject
        )
    return schema.shown(found)


@router.get("/restarts", summary="List restart reports")
async def list_restarts(s: Transaction, _: MayRead, paging: Paged) -> Page[restarts_schema.Restart]:
    """List what was found whenever the call application came back, newest first."""
    found = await restarts.page_restarts(s, limit=paging.limit, after=paging.after(UUID))
    return page_of(found, restarts_schema.shown)


@router.get("/states", summary="Show how trunks and phones are")
async def list_states(s: Transaction, _: MayRead) -> schema.States:
    """Show how each Asterisk, trunk, registration and phone is, as the monitor last saw it."""
    return schema.states_of(await states.list_asterisks(s), await states.list_endpoints(s))
