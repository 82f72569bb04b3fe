"""Layouts of carriers' statements as JSON."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from api.schemas.base import (
    UNSET,
    Amount,
    AmountIn,
    Answer,
    Currency,
    Edit,
    Id,
    Name,
    Request,
    Text,
    amount_of,
)
from billing.endpoints.values import FormatKind, NumberFormat
from billing.money.values import Money
from billing.reconciliation.values import KnownLayout, Layout

Kind = Literal["per-call", "aggregate"]
Delimiter = Literal[";", ",", "\t", "|"]
Encoding = Literal["utf-8", "cp1252", "iso-8859-1", "iso-8859-15", "utf-16"]
Mark = Literal[".", ","]
Period = Literal["day", "month"]
Bearer = Literal["platform", "shared"]
Region = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
Formats = Annotated[list[Text], Field(min_length=1, max_length=5)]
Skipped = Annotated[int, Field(ge=0, le=100)]
Seconds = Annotated[int, Field(ge=0, le=600)]

_TOLERANCE: Final = {"amount": "0.01", "currency": "EUR"}

_SAID: Final[dict[str, tuple[str, Any]]] = {
    "name": ("A name of your own.", "Carrier, calls"),
    "carrier": ("The trunk's name.", "carrier"),
    "kind": ("`per-call`: a line for each call; `aggregate`: sums.", "per-call"),
    "period": ("What a sum is about, by number.", "day"),
    "currency": ("Of all amounts.", "EUR"),
    "date_formats": (
        "How `start` is written, in the signs of strftime, in figures only.",
        ["%d/%m/%Y %H:%M:%S"],
    ),
    "time_zone": ("Whose clock the carrier writes by.", "Europe/Paris"),
    "delimiter": ("Between columns.", ";"),
    "encoding": ("Of the file.", "utf-8"),
    "decimal_mark": ("In amounts.", ","),
    "has_head": ("Whether the first line names the columns.", True),
    "skip_lines": ("Lines above the head.", 0),
    "numbers": ("How called numbers are written.", "national"),
    "region": ("The country of national numbers.", "FR"),
    "tolerance_seconds": ("How far the carrier's clock may be from ours.", 5),
    "tolerance": ("What a call's amount may differ by as rounding.", _TOLERANCE),
    "non_payment": ("Who bears calls that are never paid.", "shared"),
}


def _field(name: str, **more: Any) -> Any:
    description, example = _SAID[name]
    return Field(description=description, examples=[example], **more)


class Columns(Request):
    """Each column's head in the file, or its number from 1 where the file has no head."""

    number: Text = Field(description="The called number.", examples=["Numéro"])
    start: Text = Field(description="The answer; of a sum its day or month.", examples=["Date"])
    amount: Text = Field(description="The outpayment, without tax.", examples=["Reversement"])
    seconds: Text | None = Field(
        default=None, description="The duration; needed per call.", examples=["Durée"]
    )
    time: Text | None = Field(
        default=None, description="The time of `start`, if by itself.", examples=["Heure"]
    )
    caller: Text | None = Field(
        default=None, description="The caller, perhaps masked.", examples=["Appelant"]
    )
    currency: Text | None = Field(
        default=None, description="The currency, to be checked.", examples=["Devise"]
    )
    carrier_id: Text | None = Field(
        default=None, description="The carrier's call id.", examples=["Réf."]
    )
    calls: Text | None = Field(
        default=None, description="How many calls a sum is of.", examples=["Appels"]
    )


class LayoutNew(Request):
    """A layout to be added."""

    name: Name = _field("name")
    carrier: Name = _field("carrier")
    kind: Kind = _field("kind", default="per-call")
    period: Period = _field("period", default="day")
    currency: Currency = _field("currency", default="EUR")
    columns: Columns = Field(description="Which column is what.")
    date_formats: Formats = _field("date_formats")
    time_zone: Name = _field("time_zone", default="Europe/Paris")
    delimiter: Delimiter = _field("delimiter", default=";")
    encoding: Encoding = _field("encoding", default="utf-8")
    decimal_mark: Mark = _field("decimal_mark", default=".")
    has_head: bool = _field("has_head", default=True)
    skip_lines: Skipped = _field("skip_lines", default=0)
    numbers: FormatKind = _field("numbers", default="any")
    region: Region = _field("region", default="FR")
    tolerance_seconds: Seconds = _field("tolerance_seconds", default=5)
    tolerance: AmountIn | None = Field(
        default=None,
        description="What a call's amount may differ by as rounding; null: 0.01.",
        examples=[_TOLERANCE],
    )
    non_payment: Bearer = _field("non_payment", default="shared")


class LayoutEdit(Edit):
    """What is to be changed of a layout."""

    name: Name = _field("name", default=UNSET)
    carrier: Name = _field("carrier", default=UNSET)
    kind: Kind = _field("kind", default=UNSET)
    period: Period = _field("period", default=UNSET)
    currency: Currency = _field("currency", default=UNSET)
    columns: Columns = Field(default=UNSET, description="Which column is what.")
    date_formats: Formats = _field("date_formats", default=UNSET)
    time_zone: Name = _field("time_zone", default=UNSET)
    delimiter: Delimiter = _field("delimiter", default=UNSET)
    encoding: Encoding = _field("encoding", default=UNSET)
    decimal_mark: Mark = _field("decimal_mark", default=UNSET)
    has_head: bool = _field("has_head", default=UNSET)
    skip_lines: Skipped = _field("skip_lines", default=UNSET)
    numbers: FormatKind = _field("numbers", default=UNSET)
    region: Region = _field("region", default=UNSET)
    tolerance_seconds: Seconds = _field("tolerance_seconds", default=UNSET)
    tolerance: AmountIn = _field("tolerance", default=UNSET)
    non_payment: Bearer = _field("non_payment", default=UNSET)


class LayoutShown(Answer):
    """How a carrier writes its statements."""

    id: Id = Field(
        description="The layout's id.", examples=["6a5b4c3d-2e1f-4a0b-9c8d-7e6f5a4b3c2d"]
    )
    name: str = _field("name")
    carrier: str = _field("carrier")
    kind: Kind = _field("kind")
    period: Period = _field("period")
    currency: Currency = _field("currency")
    columns: dict[str, str] = Field(
        description="Which column is what.", examples=[{"number": "Numéro", "start": "Date"}]
    )
    date_formats: list[str] = _field("date_formats")
    time_zone: str = _field("time_zone")
    delimiter: Delimiter = _field("delimiter")
    encoding: Encoding = _field("encoding")
    decimal_mark: Mark = _field("decimal_mark")
    has_head: bool = _field("has_head")
    skip_lines: int = _field("skip_lines")
    numbers: FormatKind = _field("numbers")
    region: str = _field("region")
    tolerance_seconds: int = _field("tolerance_seconds")
    tolerance: Amount = _field("tolerance")
    non_payment: Bearer = _field("non_payment")


def values_of(given: LayoutNew | LayoutEdit) -> dict[str, Any]:
    """Give what was sent as fields of a layout."""
    sent = {name: getattr(given, name) for name in given.model_fields_set}
    if isinstance(given, LayoutNew):
        sent = {name: getattr(given, name) for name in type(given).model_fields}
    tolerance = sent.pop("tolerance", None)
    if tolerance is not None:
        sent["tolerance_amount"] = tolerance.money().amount
    if "columns" in sent:
        sent["columns"] = sent["columns"].model_dump(exclude_none=True)
    if "date_formats" in sent:
        sent["date_formats"] = tuple(sent["date_formats"])
    if "numbers" in sent:
        sent["numbers"] = NumberFormat(sent["numbers"])
    return sent


def layout_of(given: LayoutNew) -> Layout:
    """Give a new layout."""
    return Layout(**values_of(given))


def shown(known: KnownLayout) -> LayoutShown:
    """Show a layout."""
    layout = known.layout
    names = set(LayoutShown.model_fields) - {"id", "columns", "numbers", "tolerance"}
    return LayoutShown.model_validate(
        {
            **{name: getattr(layout, name) for name in names},
            "id": known.layout_id,
            "columns": dict(layout.columns),
            "numbers": layout.numbers.kind,
            "tolerance": amount_of(Money(layout.tolerance_amount, layout.currency)),
        }
    )
