"""Restart reports as JSON."""

from pydantic import Field

from api.schemas.base import Amount, Answer, Id, Moment, optional_amount
from billing.calls.restarts import Outcome, ReportedCall, RestartCause, RestartReport

_ID = "019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2"
_AT = "2026-11-22T12:00:00Z"


class RestartCall(Answer):
    """A call that was found, and what has become of it by now."""

    call_id: Id = Field(description="The call's id.", examples=[_ID])
    state: str = Field(description="In which it was found.", examples=["talking paid"])
    outcome: Outcome = Field(
        description="`went-on`: its talk was never interrupted; `brought-back`: it went on between"
        " two talks; `let-go`: ended free, with an apology; `released`: ended, charged by"
        " Asterisk's record; `settled`: it was over, charged by the record; `settled-unproved`:"
        " Asterisk died with it, charged up to its last sign of life; `found`: the application"
        " that found it ended before it could say.",
        examples=["went-on"],
    )
    ended: bool = Field(description="Whether it is over by now.", examples=[True])
    charge: Amount | None = Field(
        description="What it was charged; null: it goes on, or nobody paid."
    )
    most_lost_ms: int = Field(description="The most talk that may be unpaid.", examples=[0])
    most_lost: Amount | None = Field(
        description="What was held for that: no more can be lost; null: nothing can."
    )


class Restart(Answer):
    """The calls that were found at one moment."""

    id: Id = Field(description="The report's id.", examples=[_ID])
    asterisk: str = Field(description="The Asterisk that had them.", examples=["primeline"])
    cause: RestartCause = Field(
        description="`started`: by a new process; `reconnected`: the line to Asterisk was lost;"
        " `swept`: by the look every minute.",
        examples=["started"],
    )
    last_seen_at: Moment = Field(
        description="The newest sign of life of these calls before.", examples=[_AT]
    )
    found_at: Moment = Field(description="When they were found.", examples=[_AT])
    open_calls: int = Field(description="How many go on.", examples=[0])
    most_lost_ms: int = Field(description="All calls together.", examples=[0])
    calls: list[RestartCall] = Field(description="The calls, oldest first.")


def shown(report: RestartReport) -> Restart:
    """Show a report."""
    return Restart(
        id=report.restart_id,
        asterisk=report.asterisk_id,
        cause=report.cause,
        last_seen_at=report.last_seen_at,
        found_at=report.found_at,
        open_calls=report.open_calls,
        most_lost_ms=report.most_lost_ms,
        calls=[_call(call) for call in report.calls],
    )


def _call(call: ReportedCall) -> RestartCall:
    return RestartCall(
        call_id=call.call_id,
        state=call.state,
        outcome=call.outcome,
        ended=call.ended,
        charge=optional_amount(call.charge),
        most_lost_ms=call.most_lost_ms,
        most_lost=optional_amount(call.most_lost),
    )
