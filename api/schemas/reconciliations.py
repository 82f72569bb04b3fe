"""Comparisons with Asterisk's own record as JSON."""

from pydantic import Field

from api.schemas.base import Answer, Id, Moment
from billing.kit.clock import from_ms
from billing.reconciliation.asterisk.values import Cause, Kept
from billing.reconciliation.asterisk.values import Difference as DifferenceValue

_ID = "019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2"
_AT = "2026-11-22T23:00:00Z"


class Reconciliation(Answer):
    """What a comparison of paid time and charges with Asterisk's own record came to."""

    id: Id = Field(description="Its id.", examples=[_ID])
    first_at: Moment = Field(description="Calls received since were compared.", examples=[_AT])
    until: Moment = Field(description="And before this moment.", examples=[_AT])
    call_id: Id | None = Field(
        description="The only call that was compared; null: all.", examples=[None]
    )
    compared_at: Moment = Field(description="When it was done.", examples=[_AT])
    compared_by: str = Field(description="`worker`: each night.", examples=["worker"])
    calls: int = Field(description="Calls that were compared.", examples=[431])
    differences: int = Field(description="All differences, explained or not.", examples=[2])
    unexplained: int = Field(description="Those that nothing explains.", examples=[1])
    causes: dict[str, int] = Field(
        description="How many of each cause.", examples=[{"overrun": 1, "unexplained": 1}]
    )
    kept_from: Moment | None = Field(
        description="Since when there was a record; null: nothing of it was deleted yet.",
        examples=[None],
    )


class Difference(Answer):
    """Where we and Asterisk's record differ in a call, or its charge is not its price."""

    call_id: Id = Field(description="The call, as it is named by who knows it.", examples=[_ID])
    received_at: Moment = Field(description="When it came in.", examples=[_AT])
    what: str = Field(
        description="`talk` and `meter` are times in ms, `charge` is ledger units.",
        examples=["talk"],
    )
    ours: int | None = Field(description="Our figure; null: none.", examples=[60_000])
    asterisks: int | None = Field(description="The record's; null: none.", examples=[39_000])
    off_ms: int = Field(
        description="For how long only one of both says that it was paid.", examples=[21_000]
    )
    cause: Cause = Field(description="Why.", examples=["unexplained"])
    explained: bool = Field(description="Whether nothing is wrong.", examples=[False])
    sentence: str = Field(
        description="A sentence for people.", examples=["Nothing that we know of explains it."]
    )


def shown(kept: Kept) -> Reconciliation:
    """Show a comparison."""
    return Reconciliation(
        id=kept.kept_id,
        first_at=kept.first_at,
        until=kept.until,
        call_id=kept.call_id,
        compared_at=kept.compared_at,
        compared_by=kept.compared_by,
        calls=kept.calls,
        differences=kept.differences,
        unexplained=kept.unexplained,
        causes=dict(kept.causes),
        kept_from=kept.kept_from,
    )


def difference_shown(one: DifferenceValue) -> Difference:
    """Show a difference."""
    return Difference(
        call_id=one.call_id,
        received_at=from_ms(one.received_ms),
        what=one.what,
        ours=one.ours,
        asterisks=one.asterisks,
        off_ms=one.off_ms,
        cause=one.cause,
        explained=one.explained,
        sentence=one.sentence,
    )
