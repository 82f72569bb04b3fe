"""What calls cost, as JSON."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from api.schemas.base import Amount, Answer, Id, Moment, amount_of, optional_amount
from billing.tariffs.values import Tariff

AmountText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,10}(\.[0-9]{1,2})?$")]
"""Money in a query, in a currency that is known from elsewhere."""


AMOUNTS: Final = [{"amount": "5.04", "currency": "EUR"}]
PRICES: Final = [
    {
        "price_per_minute": {"amount": "1.20", "currency": "EUR"},
        "connect_fee": {"amount": "0.00", "currency": "EUR"},
        "minimum_charge": {"amount": "0.00", "currency": "EUR"},
        "maximum_charge": None,
        "first_increment_seconds": 60,
        "next_increment_seconds": 1,
        "free_seconds": 0,
        "maximum_seconds": 3_600,
        "tax_percent": "20.00",
    }
]
"""Examples for the API's description."""


class Price(Answer):
    """All that makes up the price of a call; amounts include tax."""

    price_per_minute: Amount = Field(description="For each minute of paid talk.")
    connect_fee: Amount = Field(description="Once, if anything is charged at all.")
    minimum_charge: Amount = Field(description="The least a call costs that costs anything.")
    maximum_charge: Amount | None = Field(
        description="The most a call costs; null: no bound.", examples=AMOUNTS
    )
    first_increment_seconds: int = Field(description="The first block billed.", examples=[60])
    next_increment_seconds: int = Field(description="Each next block billed.", examples=[1])
    free_seconds: int = Field(description="Talk at the beginning that is free.", examples=[0])
    maximum_seconds: int = Field(description="The longest talk.", examples=[3_600])
    tax_percent: str = Field(description="The tax in the price.", examples=["20.00"])


def price_of(tariff: Tariff) -> Price:
    """Show a price."""
    whole, rest = divmod(tariff.tax_basis_points, 100)
    return Price(
        price_per_minute=amount_of(tariff.price_per_minute),
        connect_fee=amount_of(tariff.connect_fee),
        minimum_charge=amount_of(tariff.minimum_charge),
        maximum_charge=optional_amount(tariff.maximum_charge),
        first_increment_seconds=tariff.first_increment_seconds,
        next_increment_seconds=tariff.next_increment_seconds,
        free_seconds=tariff.free_seconds,
        maximum_seconds=tariff.maximum_seconds,
        tax_percent=f"{whole}.{rest:02}",
    )


class Cost(Answer):
    """What a talk of some length costs."""

    seconds: int = Field(description="The talk's length.", examples=[300])
    charge: Amount = Field(description="What it costs.")


class PriceEnquiry(Answer):
    """What a call would cost if it were made now."""

    at: Moment = Field(description="The moment asked for.", examples=["2026-11-22T12:00:00Z"])
    number: str = Field(description="The number of ours.", examples=["+33199001234"])
    extension: str | None = Field(description="The expert's extension.", examples=["11"])
    expert: str | None = Field(description="The expert's name.", examples=["Ada"])
    billed_by: Literal["us", "carrier"] = Field(
        description="`carrier`: a premium-rate number, whose price is on the caller's phone bill.",
        examples=["us"],
    )
    tariff: str = Field(
        description="The tariff in force, or the service of a premium-rate number.",
        examples=["standard"],
    )
    version_id: Id = Field(
        description="The version of the tariff, or of the number's premium terms.",
        examples=["5b1f4c77-0d0e-4b43-8a43-5f0b6f1e2d3c"],
    )
    valid_from: Moment = Field(
        description="Since when the version is in force.", examples=["2026-11-01T00:00:00Z"]
    )
    window: str | None = Field(
        description="The window of the tariff that holds now; null: none, its own price does.",
        examples=["night"],
    )
    price: Price = Field(description="The price with all its parts.")
    announced: str = Field(
        description="The sentence that the caller hears before anything is charged.",
        examples=["The call costs one euro and twenty cents a minute."],
    )
    affordable_seconds: int | None = Field(
        description="The longest talk that `amount` buys; null: no amount was given.",
        examples=[500],
    )
    costs: list[Cost] = Field(description="What talks of some lengths cost.")
