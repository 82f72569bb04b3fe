"""Disputes as JSON."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.schemas.base import Amount, Answer, Id, Moment, Request, optional_amount
from billing.disputes.values import Dispute as DisputeValue

_ID = "019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2"
_AT = "2026-11-22T12:00:00Z"
_REASON = "Why the call is contested, in words."
_NOTE = "Why it was upheld or rejected, in words."

State = Literal["open", "upheld", "rejected"]

Words = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=1_000,
        pattern=r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$",
    ),
]


class DisputeNew(Request):
    """A call to be contested."""

    call_id: Id = Field(description="The call's id; it must have ended.", examples=[_ID])
    reason: Words = Field(description=_REASON, examples=["I was cut off after ten seconds."])
    accept_late: bool = Field(
        default=False,
        description="Accept a claim after the last day that the rules give for it.",
        examples=[False],
    )


class DisputeClosing(Request):
    """How a dispute ends."""

    outcome: Literal["upheld", "rejected"] = Field(
        description="`upheld`: all that the call moved goes back.", examples=["upheld"]
    )
    note: Words = Field(description=_NOTE, examples=["Asterisk's record shows no talk."])


class Dispute(Answer):
    """A contested call. Its money stays where it is while the dispute is open."""

    id: Id = Field(description="The dispute's id.", examples=[_ID])
    call_id: Id = Field(description="The call's id.", examples=[_ID])
    state: State = Field(description="How far it is.", examples=["open"])
    reason: str = Field(description=_REASON, examples=["I was cut off after ten seconds."])
    country: str | None = Field(description="Whose rules set the days.", examples=["US"])
    claim_by: date | None = Field(
        description="The last day on which the call could be contested; null: the rules set none.",
        examples=["2027-01-21"],
    )
    answer_by: date | None = Field(
        description="The last day on which it is to be closed; null: the rules set none.",
        examples=["2027-01-17"],
    )
    opened_at: Moment = Field(description="When.", examples=[_AT])
    opened_by: str = Field(description="Who noted it.", examples=["key:office"])
    closed_at: Moment | None = Field(description="When it was closed.", examples=[_AT])
    note: str | None = Field(description=_NOTE, examples=["Asterisk's record shows no talk."])
    returned: Amount | None = Field(
        description="What went back to who paid: the caller, or at premium rate his carrier;"
        " null: nothing moved.",
        examples=[{"amount": "5.04", "currency": "EUR"}],
    )
    version: int = Field(description="Raised as it is closed; also the ETag.", examples=[1])


def shown(dispute: DisputeValue) -> Dispute:
    """Show a dispute."""
    return Dispute(
        id=dispute.dispute_id,
        call_id=dispute.call_id,
        state=dispute.state.value,
        reason=dispute.reason,
        country=dispute.country,
        claim_by=dispute.claim_by,
        answer_by=dispute.answer_by,
        opened_at=dispute.opened_at,
        opened_by=dispute.opened_by,
        closed_at=dispute.closed_at,
        note=dispute.note,
        returned=optional_amount(dispute.returned),
        version=dispute.version,
    )
