"""What all bodies share: nothing unknown is taken in, money and time have one form."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)

from billing.money.text import parse, to_decimal_string
from billing.money.values import Money

LONGEST_NAME: Final = 100
LARGEST_WHOLE: Final = 2**31 - 1

# No control characters, and visible at both ends.
_TEXT: Final = r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$"


class Request(BaseModel):
    """A body that comes in: an unknown field is refused, so that no misspelt one is lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)


UNSET: Final[Any] = None
"""The default of a field that may be left out of an edit."""


def _without_defaults(schema: dict[str, Any]) -> None:
    for one in schema.get("properties", {}).values():
        one.pop("default", None)


class Edit(Request):
    """A body whose fields may all be left out: what is not given stays as it is.

    Read it by `given`; defaults of fields mean nothing and are not documented.
    """

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    def given(self) -> dict[str, Any]:
        """Give what the sender really sent, as values."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Answer(BaseModel):
    """A body that goes out."""

    model_config = ConfigDict(frozen=True)


Text = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME, pattern=_TEXT)]
Name = Text
"""Visible text of at most 100 characters, without blanks at its ends."""

Currency = Literal["EUR", "GBP", "USD", "CHF"]
Language = Literal["en", "fr"]
Id = UUID


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _in_range(at: datetime) -> datetime:
    # Beyond these a time zone could carry it out of the calendar.
    if not 1970 <= at.year <= 9_000:  # noqa: PLR2004  (years)
        raise ValueError("the year must be 1970 to 9000")
    return at.astimezone(UTC)


Moment = Annotated[datetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]
"""A time that goes out: RFC 3339 in UTC."""

MomentIn = Annotated[AwareDatetime, AfterValidator(_in_range)]
"""A time that comes in: RFC 3339 with its offset."""


class Amount(Answer):
    """Money that goes out."""

    amount: str = Field(
        description="In the currency's major unit; two decimals, or four where a share has"
        " fractions of a cent. Never a float.",
        examples=["12.30"],
    )
    currency: Currency = Field(description="ISO 4217.", examples=["EUR"])


class AmountIn(Request):
    """Money that comes in."""

    amount: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,10}(\.[0-9]{1,2})?$")] = Field(
        description="In the currency's major unit, as a string with at most two decimals.",
        examples=["12.30"],
    )
    currency: Currency = Field(description="ISO 4217.", examples=["EUR"])

    def money(self) -> Money:
        """Give the value."""
        return parse(self.amount, self.currency)


def amount_of(money: Money) -> Amount:
    """Show money."""
    places = 2 if money.is_whole_minor else 4
    return Amount.model_validate(
        {"amount": to_decimal_string(money, places=places), "currency": money.currency}
    )


def optional_amount(money: Money | None) -> Amount | None:
    """Show money that may not be there."""
    return None if money is None else amount_of(money)


def optional_money(given: AmountIn | None) -> Money | None:
    """Give the value of money that may not have been sent."""
    return None if given is None else given.money()
