"""What carriers bill and pay for calls, as JSON."""

from typing import Literal

from pydantic import Field

from api.schemas.base import Amount, Answer, amount_of
from api.schemas.premium import Terms, terms_shown
from billing.charging.premium.values import PremiumDue, PremiumOutcome, PremiumPlan

_RETAIL = {"amount": "0.82", "currency": "EUR"}
_FINE = {"amount": "0.5373", "currency": "EUR"}


class CarrierBilled(Answer):
    """What a premium-rate call came to, as expected until the carrier's statement says so."""

    carrier: str = Field(description="Who bills the caller and pays us.", examples=["carrier"])
    metered_seconds: int = Field(
        description="Whole seconds on the carrier's meter; 0: never answered.", examples=[62]
    )
    retail: Amount = Field(
        description="What the caller pays his phone company, tax included.", examples=[_RETAIL]
    )
    outpayment: Amount = Field(
        description="What the carrier is expected to pay us, without tax.", examples=[_FINE]
    )
    expert: Amount = Field(description="The expert's part of that.", examples=[_FINE])
    platform: Amount = Field(description="The platform's part of that.", examples=[_FINE])


class Due(Answer):
    """Where a premium-rate call's outpayment stands by the ledger."""

    state: Literal["expected", "due", "written-off"] = Field(
        description="`expected`: no statement had it yet; `due`: the carrier has said what it pays;"
        " `written-off`: given up.",
        examples=["due"],
    )
    outpayment: Amount = Field(description="What the carrier owes us for it.", examples=[_FINE])
    expert: Amount = Field(description="What of it is the expert's by now.", examples=[_FINE])
    platform: Amount = Field(
        description="What of it is the platform's by now; below zero: it paid the expert itself.",
        examples=[_FINE],
    )


class Plan(Answer):
    """What was frozen into a premium-rate call before its expert rang."""

    terms: Terms = Field(description="The number's terms in force when the call came in.")
    rule_set: str = Field(
        description="The country's rules in force, by area and date.", examples=["FR-2015-10-01"]
    )
    cap_seconds: int = Field(
        description="When the call ends at the latest, in seconds from the answer.",
        examples=[1_800],
    )
    cap_by: Literal["seconds", "amount"] = Field(
        description="Whether a longest time or a greatest amount says so.", examples=["seconds"]
    )


def carrier_billed(outcome: PremiumOutcome) -> CarrierBilled:
    """Show what a premium-rate call came to."""
    return CarrierBilled(
        carrier=outcome.carrier,
        metered_seconds=outcome.metered_seconds,
        retail=amount_of(outcome.retail),
        outpayment=amount_of(outcome.outpayment),
        expert=amount_of(outcome.expert),
        platform=amount_of(outcome.platform),
    )


def due_shown(due: PremiumDue) -> Due:
    """Show where a call's outpayment stands."""
    return Due(
        state=due.state,
        outpayment=amount_of(due.outpayment),
        expert=amount_of(due.expert),
        platform=amount_of(due.platform),
    )


def plan_shown(plan: PremiumPlan) -> Plan:
    """Show what was frozen into a premium-rate call."""
    return Plan(
        terms=terms_shown(plan.terms),
        rule_set=plan.bounds.rule_set,
        cap_seconds=plan.cap.seconds,
        cap_by=plan.cap.by,
    )
