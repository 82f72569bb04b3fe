"""Calls that go on, as JSON."""

from pydantic import Field

from api.schemas.base import Amount, Answer, Id, Moment, amount_of, optional_amount
from api.schemas.calls import CALLER_NUMBER, number_of
from api.schemas.prices import AMOUNTS, PRICES, Price, price_of
from billing.calls.live import LiveCall as LiveValue
from billing.calls.live import LiveTalk as LiveTalkValue
from billing.kit.clock import from_ms

_ID = "019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2"
_AT = "2026-11-22T12:00:00Z"


class LiveTalk(Answer):
    """The talk of a call that goes on."""

    paid: bool = Field(description="Whether the caller pays by the second.", examples=[True])
    since: Moment | None = Field(
        description="When both were joined, by Asterisk's clock; null: they are being joined.",
        examples=[_AT],
    )
    used_seconds: int = Field(description="Whole seconds talked so far.", examples=[61])
    charge: Amount | None = Field(
        description="What the call would cost if it ended now; null: nobody pays.", examples=AMOUNTS
    )
    granted_seconds: int | None = Field(
        description="How long the talk may last as granted now; it grows while credit lasts.",
        examples=[300],
    )
    granted_seconds_left: int | None = Field(
        description="What is left of the grant.", examples=[239]
    )
    final: bool | None = Field(
        description="Whether the grant can't be lengthened: the credit ends there.",
        examples=[False],
    )


def talk_of(talk: LiveTalkValue) -> LiveTalk:
    """Show a running talk."""
    return LiveTalk(
        paid=talk.paid,
        since=None if talk.since_ms is None else from_ms(talk.since_ms),
        used_seconds=talk.used_seconds,
        charge=optional_amount(talk.charge),
        granted_seconds=talk.granted_seconds,
        granted_seconds_left=talk.granted_seconds_left,
        final=talk.final,
    )


class LiveCall(Answer):
    """A call that goes on."""

    id: Id = Field(description="The call's id.", examples=[_ID])
    state: str = Field(
        description="Where the call is; `ringing` until the expert has taken it.",
        examples=["talking paid"],
    )
    state_since: Moment = Field(description="Since when.", examples=[_AT])
    received_at: Moment = Field(description="When it came in.", examples=[_AT])
    dialled: str = Field(description="The number of ours, E.164.", examples=["+33199001234"])
    caller_number: str = Field(description=CALLER_NUMBER, examples=["…01"])
    caller: str | None = Field(description="The caller's name, if he is known.", examples=["Cleo"])
    caller_id: Id | None = Field(description="The caller's account.", examples=[_ID])
    expert: str | None = Field(description="The expert's name.", examples=["Ada"])
    extension: str | None = Field(description="The expert's extension.", examples=["11"])
    trunk: str | None = Field(description="The trunk it came by.", examples=["carrier"])
    price: Price | None = Field(description="The price quoted; null: none was.", examples=PRICES)
    talk: LiveTalk | None = Field(
        description="The talk, once the expert has accepted.",
        examples=[
            {
                "paid": True,
                "since": _AT,
                "used_seconds": 252,
                "charge": AMOUNTS[0],
                "granted_seconds": 450,
                "granted_seconds_left": 198,
                "final": False,
            }
        ],
    )


def live(call: LiveValue, *, whole: bool) -> LiveCall:
    """Show a call that goes on."""
    return LiveCall(
        id=call.call_id,
        state=call.state,
        state_since=call.state_since,
        received_at=call.received_at,
        dialled=call.dialled,
        caller_number=number_of(call.caller_number, whole=whole),
        caller=call.caller_name,
        caller_id=call.account_id,
        expert=call.expert_name,
        extension=call.extension,
        trunk=call.trunk,
        price=None if call.tariff is None else price_of(call.tariff),
        talk=None if call.talk is None else talk_of(call.talk),
    )


class LiveCalls(Answer):
    """All calls that go on now."""

    at: Moment = Field(description="The moment that prices are worked out for.", examples=[_AT])
    items: list[LiveCall] = Field(description="The calls, oldest first.")


class RunningPrice(Answer):
    """What a paid talk has come to by now."""

    id: Id = Field(description="The call's id.", examples=[_ID])
    used_seconds: int = Field(description="Whole seconds talked so far.", examples=[61])
    charge: Amount = Field(description="What the call would cost if it ended now.")
    granted_seconds_left: int = Field(description="What is left of the grant.", examples=[239])


def running_prices(calls: list[LiveValue]) -> list[RunningPrice]:
    """Show the prices of all paid talks among these calls."""
    return [
        RunningPrice(
            id=call.call_id,
            used_seconds=talk.used_seconds,
            charge=amount_of(talk.charge),
            granted_seconds_left=talk.granted_seconds_left or 0,
        )
        for call in calls
        if (talk := call.talk) is not None and talk.charge is not None
    ]
