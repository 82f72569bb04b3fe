"""Alarms, and how Asterisk, trunks and phones are, as JSON."""

from typing import Literal

from pydantic import Field

from api.schemas.base import Answer, Moment
from billing.monitoring.values import (
    Alarm,
    AlarmKind,
    AsteriskCondition,
    AsteriskState,
    EndpointCondition,
    EndpointKind,
    EndpointState,
)

_AT = "2026-11-22T12:00:00Z"


class AlarmShown(Answer):
    """Something wrong, from when it was raised until it was right again."""

    id: int = Field(description="Its number.", examples=[17])
    kind: AlarmKind = Field(description="What is wrong.", examples=["trunk-unreachable"])
    subject: str = Field(
        description="What it is about: a trunk, an Asterisk, an address.", examples=["carrier"]
    )
    detail: str = Field(
        description="A sentence for people.",
        examples=["The host of trunk carrier does not answer."],
    )
    raised_at: Moment = Field(description="When it was found first.", examples=[_AT])
    seen_at: Moment = Field(description="When it was found the last time.", examples=[_AT])
    times: int = Field(description="How often it was found.", examples=[3])
    cleared_at: Moment | None = Field(
        description="When it was right again; null: it is still wrong.", examples=[None]
    )
    acknowledged_at: Moment | None = Field(
        description="When somebody said that he has seen it; null: nobody, or there is news.",
        examples=[_AT],
    )
    acknowledged_by: str | None = Field(description="Who.", examples=["key:office"])


class State(Answer):
    """How an Asterisk, a trunk, our registration there or a phone is."""

    kind: Literal["asterisk"] | EndpointKind = Field(description="What it is.", examples=["trunk"])
    name: str = Field(description="Its name.", examples=["carrier"])
    asterisk: str = Field(description="The Asterisk that knows it.", examples=["primeline"])
    condition: AsteriskCondition | EndpointCondition = Field(
        description="How it is, as the monitor last saw it.", examples=["reachable"]
    )
    since: Moment = Field(description="Since when it is so.", examples=[_AT])
    seen_at: Moment | None = Field(
        description="The last sign of life of its monitor: what is older than a minute or two is"
        " not known any more.",
        examples=[_AT],
    )


class States(Answer):
    """All of them."""

    items: list[State] = Field(description="Asterisks first, then by kind and name.")


def shown(alarm: Alarm) -> AlarmShown:
    """Show an alarm."""
    return AlarmShown(
        id=alarm.alarm_id,
        kind=alarm.kind,
        subject=alarm.subject,
        detail=alarm.detail,
        raised_at=alarm.raised_at,
        seen_at=alarm.seen_at,
        times=alarm.times,
        cleared_at=alarm.cleared_at,
        acknowledged_at=alarm.acknowledged_at,
        acknowledged_by=alarm.acknowledged_by,
    )


def states_of(asterisks: list[AsteriskState], endpoints: list[EndpointState]) -> States:
    """Show all states."""
    seen = {one.asterisk_id: one.seen_at for one in asterisks}
    own = [
        State(
            kind="asterisk",
            name=one.asterisk_id,
            asterisk=one.asterisk_id,
            condition=one.condition,
            since=one.since,
            seen_at=one.seen_at,
        )
        for one in asterisks
    ]
    others = [
        State(
            kind=one.kind,
            name=one.name,
            asterisk=one.asterisk_id,
            condition=one.condition,
            since=one.since,
            seen_at=seen.get(one.asterisk_id),
        )
        for one in endpoints
    ]
    return States(items=own + others)
