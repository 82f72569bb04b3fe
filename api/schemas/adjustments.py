"""Adjustments as JSON."""

from typing import Literal

from pydantic import Field

from api.schemas.base import Amount, AmountIn, Answer, Id, Moment, Request, amount_of
from api.schemas.disputes import Words
from billing.adjustments.values import Adjusted as AdjustedValue
from billing.adjustments.values import Adjustment as AdjustmentValue
from billing.money.values import Money

_ID = "019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2"
_AMOUNT = {"amount": "5.00", "currency": "EUR"}
_NOTE = "For the noise on Monday."
_MOST = "More than nothing, in whole cents; at most a million."

Direction = Literal["credit", "debit"]
Reason = Literal["correction", "goodwill", "bonus", "fraud", "other"]
PayBackReason = Literal["asked-for", "account-closed", "correction", "other"]


class AdjustmentNew(Request):
    """Money to be given or taken by hand."""

    direction: Direction = Field(
        description="`credit`: given; `debit`: taken.", examples=["credit"]
    )
    amount: AmountIn = Field(description=_MOST, examples=[_AMOUNT])
    reason: Reason = Field(description="Why, as a code.", examples=["goodwill"])
    note: Words = Field(description="Why, in words.", examples=[_NOTE])

    def signed(self) -> Money:
        """Give the amount, below zero for a debit."""
        money = self.amount.money()
        return money if self.direction == "credit" else -money


class PayBackNew(Request):
    """Unused credit that was paid back."""

    amount: AmountIn | None = Field(
        default=None, description=f"{_MOST} Null: all that can be.", examples=[_AMOUNT]
    )
    reason: PayBackReason = Field(description="Why, as a code.", examples=["account-closed"])
    note: Words = Field(
        description="Why and how, in words.", examples=["By bank transfer of 22 November."]
    )


class Adjustment(Answer):
    """Money that was moved by hand."""

    id: Id = Field(description="The adjustment's id.", examples=[_ID])
    kind: Literal["adjustment", "paid-back"] = Field(
        description="`adjustment`: the platform gave or took it; `paid-back`: it left as money.",
        examples=["adjustment"],
    )
    caller_id: Id | None = Field(description="Whose credit; null: an expert's.", examples=[_ID])
    expert_id: Id | None = Field(
        description="To whom it is payable; null: a caller's.", examples=[_ID]
    )
    amount: Amount = Field(description="Below zero: taken.", examples=[_AMOUNT])
    reason: Reason | PayBackReason = Field(description="Why, as a code.", examples=["goodwill"])
    note: str = Field(description="Why, in words.", examples=[_NOTE])
    made_by: str = Field(description="Who made it.", examples=["key:office"])
    made_at: Moment = Field(description="When.", examples=["2026-11-22T12:00:00Z"])


class Adjusted(Answer):
    """An adjustment that was made."""

    adjustment: Adjustment = Field(description="What was moved.")
    left: Amount = Field(
        description="Right after it, what the caller could spend or the expert was owed.",
        examples=[_AMOUNT],
    )


def shown(one: AdjustmentValue) -> Adjustment:
    """Show an adjustment."""
    return Adjustment(
        id=one.adjustment_id,
        kind=one.kind.value,
        caller_id=one.caller_id,
        expert_id=one.expert_id,
        amount=amount_of(one.amount),
        reason=one.reason.value,
        note=one.note,
        made_by=one.made_by,
        made_at=one.made_at,
    )


def made_shown(made: AdjustedValue) -> Adjusted:
    """Show an adjustment that was just made."""
    return Adjusted(adjustment=shown(made.adjustment), left=amount_of(made.left))
