"""Orders to calls as JSON."""

from typing import Literal

from pydantic import Field

from api.schemas.base import Answer, Id, Moment, Request
from billing.calls.orders import Order as OrderValue

_ID = "019aab7e-8f3c-7d11-b0f2-a4c6d8e0f1a2"
_AT = "2026-11-22T12:00:00Z"


Kind = Literal["end-call", "propose-paid", "propose-act", "back-to-free", "free-minutes"]


class OrderNew(Request):
    """What is wanted of a call."""

    kind: Kind = Field(
        description="`end-call`: end it now, whatever it is doing; what was talked is charged,"
        " both are told. `propose-paid`, `propose-act`: ask the caller of a free talk for his"
        " consent to a price by the minute, or of an act. `back-to-free`: nobody pays any more in"
        " a paid talk. `free-minutes`: the meter stands still for some minutes, then the talk is"
        " paid as before.",
        examples=["end-call"],
    )
    within_seconds: int = Field(
        default=30,
        ge=1,
        le=300,
        description="An order that nobody took up for so long is not done any more.",
        examples=[30],
    )


class Order(Answer):
    """An order as it stands."""

    id: Id = Field(description="The order's id.", examples=[_ID])
    call_id: Id = Field(description="The call's id.", examples=[_ID])
    kind: Kind = Field(description="What is wanted.", examples=["end-call"])
    state: Literal["asked", "taken", "done", "expired"] = Field(
        description="`asked`: not taken up yet; `taken`: begun; `done`: carried out, or the"
        " call has ended;"
        " `expired`: nobody took it up in time, and nobody will.",
        examples=["done"],
    )
    result: str | None = Field(
        description="Why the call ended, once it has; another reason than the order if somebody"
        " was faster. Of a switch: `proposed` (the caller is asked now), `back-to-free`,"
        " `free-minutes`, or why not: `not-now`, `no-payer`, `offer-later`, `no-free-talk-left`.",
        examples=["operator-ended"],
    )
    asked_by: str = Field(description="Who gave it.", examples=["key:office"])
    asked_at: Moment = Field(description="When.", examples=[_AT])
    deadline: Moment = Field(description="Until when it may be taken up.", examples=[_AT])
    taken_at: Moment | None = Field(description="When it was taken up.", examples=[_AT])


def shown(order: OrderValue) -> Order:
    """Show an order."""
    return Order.model_validate(
        {
            "id": order.order_id,
            "call_id": order.call_id,
            "kind": order.kind,
            "state": order.state,
            "result": order.result,
            "asked_by": order.asked_by,
            "asked_at": order.asked_at,
            "deadline": order.deadline,
            "taken_at": order.taken_at,
        }
    )
