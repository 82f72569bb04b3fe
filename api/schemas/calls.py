"""Calls as JSON: as a line, and in full."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from api.schemas.base import Amount, Answer, Id, Moment, amount_of, optional_amount
from api.schemas.disputes import Dispute
from api.schemas.disputes import shown as dispute_shown
from api.schemas.notifications import Message
from api.schemas.notifications import shown as message_shown
from api.schemas.premium_calls import (
    CarrierBilled,
    Due,
    Plan,
    carrier_billed,
    due_shown,
    plan_shown,
)
from api.schemas.prices import AMOUNTS, PRICES, Price, price_of
from api.schemas.refunds import Refund
from api.schemas.refunds import shown as refund_shown
from billing.calls.records import CallSummary
from billing.calls.story import Story
from billing.disputes.values import Dispute as DisputeValue
from billing.kit.clock import from_ms, from_us
from billing.kit.logs import masked
from billing.refunds.values import Refund as RefundValue
from billing.shares.values import Split

_ID = "019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2"
_AT = "2026-11-22T12:00:00Z"
CALLER_NUMBER = (
    "Where the call came from, E.164; only its last two digits without the scope `manage`;"
    " `anonymous`: withheld."
)


def number_of(number: str | None, *, whole: bool) -> str:
    """Show a caller's number, whole only to who may see it so."""
    return number if number and whole else masked(number)


class Call(Answer):
    """A call as one line."""

    id: Id = Field(description="The call's id; later calls have greater ones.", examples=[_ID])
    state: str = Field(description="Where the call is, or `ended`.", examples=["ended"])
    dialled: str = Field(description="The number of ours, E.164.", examples=["+33199001234"])
    caller_number: str = Field(description=CALLER_NUMBER, examples=["…01"])
    expert: str | None = Field(description="The expert's name, if any.", examples=["Ada"])
    received_at: Moment = Field(description="When it came in.", examples=[_AT])
    ended_at: Moment | None = Field(description="When it was settled.", examples=[_AT])
    reason: str | None = Field(
        description="Why it ended; null: it goes on.", examples=["caller-hung-up"]
    )
    billed_seconds: int | None = Field(description="Seconds charged for.", examples=[252])
    charge: Amount | None = Field(
        description="What the caller paid us, tax included; null: nobody was to, or it goes on.",
        examples=AMOUNTS,
    )
    carrier: CarrierBilled | None = Field(
        description="What the carrier bills and pays; null: the number is not premium-rate, or the"
        " call goes on."
    )


def shown(call: CallSummary, *, whole: bool) -> Call:
    """Show a call as one line."""
    settlement = call.settlement
    return Call(
        id=call.call_id,
        state=call.state,
        dialled=call.dialled,
        caller_number=number_of(call.caller_number, whole=whole),
        expert=call.expert_name,
        received_at=call.received_at,
        ended_at=call.ended_at,
        reason=call.reason,
        billed_seconds=settlement.billed_seconds if settlement else None,
        charge=optional_amount(settlement.charge) if settlement else None,
        carrier=carrier_billed(settlement.premium) if settlement and settlement.premium else None,
    )


class TimelineEntry(Answer):
    """One thing that happened in a call."""

    at: Moment = Field(description="When, to the millisecond.", examples=[_AT])
    what: str = Field(description="What happened.", examples=["talk begins"])
    detail: dict[str, Any] = Field(
        description="More about it; no digits that were keyed.", examples=[{"kind": "paid"}]
    )


class DialAttempt(Answer):
    """One ringing of one phone of the expert."""

    attempt: int = Field(description="The first is 1.", examples=[1])
    phone: str = Field(description="The phone's name.", examples=["ada"])
    began_at: Moment = Field(description="When it began to ring.", examples=[_AT])
    ended_at: Moment | None = Field(description="When it was taken or given up.", examples=[_AT])
    result: str | None = Field(description="What came of it.", examples=["accepted"])


class PaidInterval(Answer):
    """A stretch of paid talk as it was billed, by Asterisk's clock."""

    began_at: Moment = Field(description="When the second leg came in.", examples=[_AT])
    ended_at: Moment | None = Field(description="When the first leg left.", examples=[_AT])
    duration_ms: int | None = Field(description="How long that is.", examples=[252_040])


class Grant(Answer):
    """Talk allowed so far, and the money set aside for it."""

    request_number: int = Field(description="The first is 0.", examples=[0])
    granted_seconds: int = Field(description="From the start of paid time.", examples=[300])
    held: Amount = Field(description="All that is set aside after it.")
    final: bool = Field(description="Whether the credit ends there.", examples=[False])


class Step(Answer):
    """One step of the arithmetic."""

    what: str = Field(description="The step, as a word for programs.", examples=["billable"])
    sentence: str = Field(
        description="What was done, in words.",
        examples=["252 s, in blocks of 1 s: 252 s billed."],
    )
    seconds: int | None = Field(description="Its result, if that is a time.", examples=[252])
    amount: Amount | None = Field(description="Its result, if that is money.", examples=AMOUNTS)


class LedgerLine(Answer):
    """A transfer of the ledger."""

    position: int = Field(description="Rises with time.", examples=[17])
    kind: str = Field(
        description="`single`: at once; `pending`: a hold; `post`, `void`: what became of it.",
        examples=["post"],
    )
    debit: str = Field(description="The kind of account it comes from.", examples=["wallet"])
    credit: str = Field(description="The kind of account it goes to.", examples=["clearing"])
    amount: Amount = Field(description="How much.")
    reason: str = Field(description="What for.", examples=["talk"])
    at: Moment = Field(description="When it was written.", examples=[_AT])


class CelEvent(Answer):
    """A line of Asterisk's own record."""

    event: str = Field(description="Asterisk's name of the event.", examples=["BRIDGE_ENTER"])
    at: Moment = Field(description="By Asterisk's clock, to the microsecond.", examples=[_AT])
    leg: str = Field(description="`caller` or `expert`, or the channel.", examples=["caller"])
    bridge: str | None = Field(
        description="The bridge, for events of one.", examples=[f"{_ID}-paid-1"]
    )


class Shares(Answer):
    """Who gets what part of the charge; the parts' sum is the charge."""

    tax: Amount = Field(description="The tax in it.")
    expert: Amount = Field(description="The expert's part.")
    platform: Amount = Field(description="The platform's part.")


class CallInFull(Call):
    """All that is known of a call."""

    language: str = Field(description="What the caller was spoken to in.", examples=["en"])
    caller_id: Id | None = Field(description="The caller's account.", examples=[_ID])
    expert_id: Id | None = Field(description="The expert.", examples=[_ID])
    consented_at: Moment | None = Field(
        description="When the caller accepted the price by key.", examples=[_AT]
    )
    accepted_at: Moment | None = Field(
        description="When the expert took the call by key.", examples=[_AT]
    )
    nobody_pays: str | None = Field(
        description="Why nobody was to pay.", examples=["caller-unknown"]
    )
    price: Price | None = Field(
        description="The price announced, frozen into the call.", examples=PRICES
    )
    plan: Plan | None = Field(
        description="For a premium-rate number: what was frozen before the expert rang."
    )
    due: Due | None = Field(
        description="Where the carrier's outpayment stands; null: the number is not premium-rate,"
        " or the call goes on."
    )
    shares: Shares | None = Field(
        description="Who got what; null while it goes on.",
        examples=[dict.fromkeys(("tax", "expert", "platform"), AMOUNTS[0])],
    )
    overrun_ms: int | None = Field(
        description="Talk past the grant: the platform's loss.", examples=[40]
    )
    credit_left: Amount | None = Field(
        description="The caller's credit after it, as he was told.", examples=AMOUNTS
    )
    dispute: Dispute | None = Field(description="Its latest dispute, if it ever had one.")
    refunds: list[Refund] = Field(
        description="What went back of it, oldest first; an upheld dispute's too."
    )
    charge_after_refunds: Amount | None = Field(
        description="What it cost in the end; null: nothing was charged, or not yet."
    )
    timeline: list[TimelineEntry] = Field(description="What happened, in order.")
    phones: list[DialAttempt] = Field(description="The expert's phones that were rung.")
    grants: list[Grant] = Field(description="The grants, in order.")
    paid_intervals: list[PaidInterval] = Field(description="Paid talk as it was billed.")
    arithmetic: list[Step] = Field(
        description="From milliseconds talked to everybody's part, step by step, by the very rules"
        " that billed the call; for a premium-rate one from the carrier's meter. Empty: no price"
        " was quoted, or it goes on."
    )
    ledger: list[LedgerLine] = Field(description="The call's transfers.")
    receipts: list[Message] = Field(description="What the caller was told of it by SMS.")
    asterisk_record: list[CelEvent] = Field(description="The call in Asterisk's own record (CEL).")


def _shares(split: Split) -> Shares:
    return Shares(
        tax=amount_of(split.tax),
        expert=amount_of(split.expert),
        platform=amount_of(split.platform),
    )


def in_full(
    story: Story,
    dispute: DisputeValue | None,
    refunds: Sequence[RefundValue],
    *,
    whole: bool,
) -> CallInFull:
    """Show all of a call, with its latest dispute and its refunds, oldest first."""
    call = story.record
    settlement = call.summary.settlement
    split = settlement.split if settlement else None
    charge = settlement.charge if settlement else None
    return CallInFull(
        **shown(call.summary, whole=whole).model_dump(),
        language=call.language,
        caller_id=call.account_id,
        expert_id=call.expert_id,
        consented_at=None if call.consented_at_ms is None else from_ms(call.consented_at_ms),
        accepted_at=call.accepted_at,
        nobody_pays=call.no_payer,
        price=None if call.tariff is None else price_of(call.tariff),
        plan=None if call.premium is None else plan_shown(call.premium),
        due=None if call.premium_due is None else due_shown(call.premium_due),
        shares=None if split is None else _shares(split),
        overrun_ms=settlement.overrun_ms if settlement else None,
        credit_left=optional_amount(settlement.wallet_available) if settlement else None,
        dispute=None if dispute is None else dispute_shown(dispute),
        refunds=[refund_shown(one) for one in refunds],
        charge_after_refunds=(
            amount_of(sum((-one.amount for one in refunds), charge)) if charge else None
        ),
        timeline=[
            TimelineEntry(at=from_ms(one.at_ms), what=one.what, detail=one.detail)
            for one in call.timeline
        ],
        phones=[
            DialAttempt(
                attempt=one.attempt,
                phone=one.endpoint,
                began_at=one.began_at,
                ended_at=one.ended_at,
                result=one.result,
            )
            for one in call.dials
        ],
        grants=[
            Grant(
                request_number=one.request_number,
                granted_seconds=one.granted_seconds,
                held=amount_of(one.held),
                final=one.final,
            )
            for one in call.grants
        ],
        paid_intervals=[
            PaidInterval(
                began_at=from_ms(one.start_ms),
                ended_at=None if one.end_ms is None else from_ms(one.end_ms),
                duration_ms=None if one.end_ms is None else one.end_ms - one.start_ms,
            )
            for one in call.intervals
        ],
        arithmetic=[
            Step(
                what=one.what,
                sentence=one.sentence,
                seconds=one.seconds,
                amount=optional_amount(one.amount),
            )
            for one in story.steps
        ],
        ledger=[
            LedgerLine(
                position=one.position,
                kind=one.kind,
                debit=one.debit,
                credit=one.credit,
                amount=amount_of(one.amount),
                reason=one.reason,
                at=one.at,
            )
            for one in call.ledger
        ],
        receipts=[message_shown(one, whole=whole) for one in story.receipts],
        asterisk_record=[
            CelEvent(event=one.event, at=from_us(one.at_us), leg=one.leg, bridge=one.bridge)
            for one in story.cel
        ],
    )
