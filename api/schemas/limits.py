"""The operator's spending limits as JSON."""

from typing import Any

from pydantic import Field

from api.schemas.base import (
    UNSET,
    Amount,
    AmountIn,
    Answer,
    Currency,
    Edit,
    Id,
    Name,
    amount_of,
    optional_amount,
)
from billing.charging.limits import SpendingLimits

_TWENTY = {"amount": "20.00", "currency": "EUR"}
_CALL = "The most that one call may cost; null: no limit."
_CALLER_DAY = "The most that one caller's calls of a day may cost; null: no limit."
_CALLER_MONTH = "The most that one caller's calls of a month may cost; null: no limit."
_DAY = "The most that the calls of a day may cost, all callers together; null: no limit."
_ZONE = "Whose days and months count, an IANA time zone."


class LimitsEdit(Edit):
    """What can be changed about limits; what is left out stays. Null takes a limit away."""

    per_call: AmountIn | None = Field(default=UNSET, description=_CALL, examples=[_TWENTY])
    per_caller_day: AmountIn | None = Field(
        default=UNSET, description=_CALLER_DAY, examples=[_TWENTY]
    )
    per_caller_month: AmountIn | None = Field(
        default=UNSET, description=_CALLER_MONTH, examples=[_TWENTY]
    )
    per_day: AmountIn | None = Field(default=UNSET, description=_DAY, examples=[_TWENTY])
    time_zone: Name = Field(default=UNSET, description=_ZONE, examples=["Europe/Paris"])

    def given(self) -> dict[str, Any]:
        """Give what was sent, amounts as money."""
        return {
            name: value.money() if isinstance(value, AmountIn) else value
            for name, value in super().given().items()
        }


class Limits(Answer):
    """What the operator lets callers spend in one currency, in all or on one number."""

    number_id: Id | None = Field(
        description="On which number; null: on all together.",
        examples=["1f9a2c44-5be1-4a0a-9d7e-2c7f0e6b8a13"],
    )
    number: str | None = Field(description="It in E.164.", examples=["+33199001234"])
    currency: Currency = Field(description="Whose wallets it is about.", examples=["EUR"])
    per_call: Amount | None = Field(description=_CALL, examples=[_TWENTY])
    per_caller_day: Amount | None = Field(description=_CALLER_DAY, examples=[_TWENTY])
    per_caller_month: Amount | None = Field(description=_CALLER_MONTH, examples=[_TWENTY])
    per_day: Amount | None = Field(description=_DAY, examples=[_TWENTY])
    day_counted: Amount = Field(
        description="What counts under `per_day` today: charged, and held for calls that go on."
        " Calls are counted from when the limit was set.",
        examples=[_TWENTY],
    )
    time_zone: str = Field(description=_ZONE, examples=["Europe/Paris"])
    version: int = Field(description="Rises with each change; 0: never set.", examples=[3])


def shown(one: SpendingLimits) -> Limits:
    """Show limits."""
    return Limits.model_validate(
        {
            "number_id": one.number_id,
            "number": one.number,
            "currency": one.currency,
            "per_call": optional_amount(one.per_call),
            "per_caller_day": optional_amount(one.per_caller_day),
            "per_caller_month": optional_amount(one.per_caller_month),
            "per_day": optional_amount(one.per_day),
            "day_counted": amount_of(one.day_counted),
            "time_zone": one.time_zone,
            "version": one.version,
        }
    )
