"""Refunds as JSON."""

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import Amount, AmountIn, Answer, Id, Moment, Request, amount_of
from api.schemas.disputes import Words
from billing.refunds.values import Refund as RefundValue
from billing.refunds.values import Refunded as RefundedValue

_ID = "019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2"
_AMOUNT = {"amount": "2.52", "currency": "EUR"}
_NOTE = "The expert could not be heard."
_REASON = (
    "Why. At the platform's cost alone unless said otherwise: `service-fault`, `goodwill`; shared:"
    " the others."
)

ReasonGiven = Literal["expert-fault", "service-fault", "wrong-charge", "goodwill", "other"]
BorneBy = Literal["shared", "platform"]


class RefundNew(Request):
    """What of a call is to go back: an amount, seconds, or, with neither, all that is left."""

    call_id: Id = Field(description="The call's id; it must have ended.", examples=[_ID])
    amount: AmountIn | None = Field(
        default=None, description="More than nothing, in whole cents.", examples=[_AMOUNT]
    )
    seconds: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(
        default=None,
        description="Worth what the call would have cost less without them, at its own price.",
        examples=[126],
    )
    reason: ReasonGiven = Field(description=_REASON, examples=["expert-fault"])
    note: Words = Field(description="Why, in words.", examples=[_NOTE])
    borne_by: BorneBy | None = Field(
        default=None,
        description="`shared`: all give in proportion to what they got; `platform`: it gives the"
        " expert's part too; null: as the reason says.",
        examples=["shared"],
    )


class Refund(Answer):
    """Money of a call that went back to who paid."""

    id: Id = Field(description="The refund's id.", examples=[_ID])
    call_id: Id = Field(description="The call's id.", examples=[_ID])
    amount: Amount = Field(description="What went back.", examples=[_AMOUNT])
    tax: Amount = Field(description="What of it was tax.", examples=[_AMOUNT])
    expert: Amount = Field(description="What the expert gave.", examples=[_AMOUNT])
    platform: Amount = Field(description="What the platform gave.", examples=[_AMOUNT])
    seconds: int | None = Field(
        description="For how many seconds; null: an amount was asked for.", examples=[126]
    )
    reason: ReasonGiven | Literal["dispute-upheld"] = Field(
        description=_REASON + " `dispute-upheld`: by closing a dispute.", examples=["expert-fault"]
    )
    note: str = Field(description="Why, in words.", examples=[_NOTE])
    borne_by: BorneBy = Field(description="Who gave.", examples=["shared"])
    made_by: str = Field(description="Who made it.", examples=["key:office"])
    made_at: Moment = Field(description="When.", examples=["2026-11-22T12:00:00Z"])


class Refunded(Answer):
    """A refund that was made."""

    refund: Refund = Field(description="What went back.")
    still_refundable: Amount = Field(
        description="What of the call can still go back.", examples=[_AMOUNT]
    )
    credit_left: Amount = Field(
        description="What the caller could spend right after it.", examples=[_AMOUNT]
    )


def shown(refund: RefundValue) -> Refund:
    """Show a refund."""
    return Refund(
        id=refund.refund_id,
        call_id=refund.call_id,
        amount=amount_of(refund.amount),
        tax=amount_of(refund.parts.tax),
        expert=amount_of(refund.parts.expert),
        platform=amount_of(refund.parts.platform),
        seconds=refund.seconds,
        reason=refund.reason.value,
        note=refund.note,
        borne_by=refund.borne_by.value,
        made_by=refund.made_by,
        made_at=refund.made_at,
    )


def made_shown(made: RefundedValue) -> Refunded:
    """Show a refund that was just made."""
    return Refunded(
        refund=shown(made.refund),
        still_refundable=amount_of(made.left),
        credit_left=amount_of(made.available),
    )
