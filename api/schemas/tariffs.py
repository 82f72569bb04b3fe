"""Tariffs as JSON."""

from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from api.schemas.base import (
    Amount,
    AmountIn,
    Answer,
    Id,
    Moment,
    MomentIn,
    Name,
    Request,
    amount_of,
    optional_amount,
)
from api.schemas.windows import TimetableIn, TimetableShown, timetable_shown
from billing.money.values import Money
from billing.tariffs import rules
from billing.tariffs.listing import ListedTariff
from billing.tariffs.net import windows_with_tax, with_tax
from billing.tariffs.rules import HIGHEST_TAX_BASIS_POINTS, LONGEST_TALK_SECONDS
from billing.tariffs.service import KeptTariff
from billing.tariffs.values import Tariff as TariffValue
from billing.tariffs.windows import Timetable

_PRICE = "A minute, tax included."
_FEE = "Once, if anything is charged."
_MINIMUM = "The least that a charged call costs."
_MAXIMUM = "The most that a call costs; null: no bound."
_FIRST = "The first block billed, in seconds."
_NEXT = "Each further block billed, in seconds."
_FREE = "Not charged, at the start, in seconds."
_LONGEST = "The longest talk, in seconds."
_TAX = "The tax contained in the prices, in hundredths of a per cent: 2000 is 20 %."
_ACT = "Of an act, tax included; null: none are sold."
_ACT_LEAST = "An act is due once it has lasted so many seconds."
_ACT_LONGEST = "The longest act, in seconds."
_FIVE = {"amount": "5.00", "currency": "EUR"}
_FROM = "Calls quoted from then on cost this, until a later version begins."
_TARIFF_ID = "5b1f4c77-0d0e-4b43-8a43-5f0b6f1e2d3c"
_ONE_TWENTY = {"amount": "1.20", "currency": "EUR"}
_NOTHING = {"amount": "0.00", "currency": "EUR"}


class Terms(Request):
    """What calls cost. All amounts are in one currency and include tax, unless they say not."""

    prices_include_tax: bool = Field(
        default=True,
        description="False: the tax is added to all amounts, each rounded half up to cents; what is"
        " kept, announced and answered includes it.",
        examples=[True],
    )
    price_per_minute: AmountIn = Field(description=_PRICE, examples=[_ONE_TWENTY])
    connect_fee: AmountIn | None = Field(
        default=None, description=_FEE + " Null: nothing.", examples=[_NOTHING]
    )
    minimum_charge: AmountIn | None = Field(
        default=None, description=_MINIMUM + " Null: nothing.", examples=[_NOTHING]
    )
    maximum_charge: AmountIn | None = Field(
        default=None, description=_MAXIMUM, examples=[{"amount": "50.00", "currency": "EUR"}]
    )
    first_increment_seconds: int = Field(
        default=1, ge=1, le=LONGEST_TALK_SECONDS, description=_FIRST, examples=[60]
    )
    next_increment_seconds: int = Field(
        default=1, ge=1, le=LONGEST_TALK_SECONDS, description=_NEXT, examples=[60]
    )
    free_seconds: int = Field(
        default=0, ge=0, le=LONGEST_TALK_SECONDS, description=_FREE, examples=[0]
    )
    maximum_seconds: int = Field(
        default=3_600, ge=1, le=LONGEST_TALK_SECONDS, description=_LONGEST, examples=[3600]
    )
    tax_basis_points: int = Field(
        default=0, ge=0, le=HIGHEST_TAX_BASIS_POINTS, description=_TAX, examples=[2000]
    )
    price_per_act: AmountIn | None = Field(default=None, description=_ACT, examples=[_FIVE])
    act_minimum_seconds: int = Field(
        default=10, ge=1, le=LONGEST_TALK_SECONDS, description=_ACT_LEAST, examples=[10]
    )
    act_maximum_seconds: int = Field(
        default=1_800, ge=1, le=LONGEST_TALK_SECONDS, description=_ACT_LONGEST, examples=[1800]
    )

    def value(self) -> TariffValue:
        """Give the value, tax included; amounts left out are nothing, in the price's currency."""
        stated = self.stated()
        rules.check(stated)
        return stated if self.prices_include_tax else with_tax(stated)

    def stated(self) -> TariffValue:
        """Give the value with the amounts as they were sent."""
        price = self.price_per_minute.money()
        zero = Money.zero(price.currency)

        def money(given: AmountIn | None) -> Money:
            return zero if given is None else given.money()

        return TariffValue(
            price_per_minute=price,
            connect_fee=money(self.connect_fee),
            minimum_charge=money(self.minimum_charge),
            maximum_charge=None if self.maximum_charge is None else self.maximum_charge.money(),
            first_increment_seconds=self.first_increment_seconds,
            next_increment_seconds=self.next_increment_seconds,
            free_seconds=self.free_seconds,
            maximum_seconds=self.maximum_seconds,
            tax_basis_points=self.tax_basis_points,
            price_per_act=None if self.price_per_act is None else self.price_per_act.money(),
            act_minimum_seconds=self.act_minimum_seconds,
            act_maximum_seconds=self.act_maximum_seconds,
        )


_TERMS_EXAMPLE = {"price_per_minute": _ONE_TWENTY, "tax_basis_points": 2000}


class VersionNew(Request):
    """A version to be added; versions are never edited."""

    valid_from: MomentIn | None = Field(
        default=None,
        description=_FROM + " Null: from now on.",
        examples=["2027-01-01T00:00:00+01:00"],
    )
    terms: Terms = Field(description="What calls cost.", examples=[_TERMS_EXAMPLE])
    timetable: TimetableIn | None = Field(
        default=None,
        description="Other prices at some times; null: the terms hold always.",
        examples=[None],
    )

    def timetable_value(self) -> Timetable | None:
        """Give the windows' value, tax included; what one leaves out is as in the terms."""
        if self.timetable is None:
            return None
        stated = self.timetable.value(self.terms.stated())
        if self.terms.prices_include_tax:
            return stated
        return windows_with_tax(stated, self.terms.tax_basis_points)


class TariffNew(VersionNew):
    """A tariff to be made, with its first version."""

    name: Name = Field(description="Its name, given once.", examples=["standard"])


class Version(Answer):
    """A version of a tariff."""

    id: Id = Field(
        description="The version's id.", examples=["7c1d0f2e-8a4b-4d6c-9e2f-1a2b3c4d5e6f"]
    )
    tariff_id: Id = Field(description="The tariff's id.", examples=[_TARIFF_ID])
    valid_from: Moment = Field(description=_FROM, examples=["2026-12-31T23:00:00Z"])
    price_per_minute: Amount = Field(description=_PRICE, examples=[_ONE_TWENTY])
    connect_fee: Amount = Field(description=_FEE, examples=[_NOTHING])
    minimum_charge: Amount = Field(description=_MINIMUM, examples=[_NOTHING])
    maximum_charge: Amount | None = Field(
        description=_MAXIMUM, examples=[{"amount": "50.00", "currency": "EUR"}]
    )
    first_increment_seconds: int = Field(description=_FIRST, examples=[60])
    next_increment_seconds: int = Field(description=_NEXT, examples=[60])
    free_seconds: int = Field(description=_FREE, examples=[0])
    maximum_seconds: int = Field(description=_LONGEST, examples=[3600])
    tax_basis_points: int = Field(description=_TAX, examples=[2000])
    price_per_act: Amount | None = Field(description=_ACT, examples=[_FIVE])
    act_minimum_seconds: int = Field(description=_ACT_LEAST, examples=[10])
    act_maximum_seconds: int = Field(description=_ACT_LONGEST, examples=[1800])
    timetable: TimetableShown | None = Field(
        description="Other prices at some times; null: these hold always.", examples=[None]
    )


class PriceAt(Answer):
    """What calls cost at a moment."""

    at: Moment = Field(description="The moment.", examples=["2026-11-22T12:00:00Z"])
    local_time: str | None = Field(
        description="The moment by the clock of the windows; null: there are no windows.",
        examples=["2026-11-22T13:00:00+01:00"],
    )
    window: str | None = Field(
        description="The window that holds; null: none, the version's own prices do.",
        examples=["night"],
    )
    version: Version = Field(
        description="The version in force, with the prices of that moment in place of its own."
    )


class Tariff(Answer):
    """What calls cost, by name."""

    id: Id = Field(description="The tariff's id.", examples=[_TARIFF_ID])
    name: str = Field(description="Its name.", examples=["standard"])
    currency: str = Field(description="ISO 4217; a tariff keeps it.", examples=["EUR"])
    created_at: Moment = Field(description="When it was made.", examples=["2026-11-22T12:00:00Z"])
    current: Version | None = Field(
        description="The version in force; null: the first begins later.", examples=[None]
    )


class Preview(Request):
    """A price to be tried: of a tariff that there is, or of terms that there aren't yet."""

    tariff_id: Id | None = Field(
        default=None, description="A tariff; what it costs now counts.", examples=[_TARIFF_ID]
    )
    terms: Terms | None = Field(
        default=None, description="Or terms of your own.", examples=[_TERMS_EXAMPLE]
    )
    seconds: list[int] = Field(
        default=[60, 300, 600],
        description="Talks to be priced, in seconds; each at most a day.",
        min_length=1,
        max_length=50,
        examples=[[60, 61, 600]],
    )
    credit: AmountIn | None = Field(
        default=None,
        description="What a caller has, to be told how long he may talk.",
        examples=[{"amount": "10.00", "currency": "EUR"}],
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.tariff_id is None) == (self.terms is None):
            raise ValueError("give either tariff_id or terms")
        if not all(0 <= one <= LONGEST_TALK_SECONDS for one in self.seconds):
            raise ValueError(f"seconds are 0 to {LONGEST_TALK_SECONDS}")
        return self


class Priced(Answer):
    """What a talk costs."""

    seconds: int = Field(description="Paid talk in seconds.", examples=[61])
    billable_seconds: int = Field(
        description="After free seconds and blocks, in seconds.", examples=[61]
    )
    charge: Amount = Field(
        description="What the caller pays, tax included.",
        examples=[{"amount": "1.22", "currency": "EUR"}],
    )


class Previewed(Answer):
    """What a price means."""

    charges: list[Priced] = Field(
        description="What the talks asked for cost; longer ones than the longest are left out."
    )
    affordable_seconds: int | None = Field(
        description="How long the credit lasts, in seconds; null: none was given.", examples=[500]
    )
    announcements: dict[str, str] = Field(
        description="What callers hear, by language.",
        examples=[{"en": "One euro twenty a minute.", "fr": "Un euro vingt la minute."}],
    )


def version_shown(kept: KeptTariff) -> Version:
    """Show a version."""
    tariff = kept.tariff
    return Version(
        id=kept.version_id,
        tariff_id=kept.tariff_id,
        valid_from=kept.valid_from,
        price_per_minute=amount_of(tariff.price_per_minute),
        connect_fee=amount_of(tariff.connect_fee),
        minimum_charge=amount_of(tariff.minimum_charge),
        maximum_charge=optional_amount(tariff.maximum_charge),
        first_increment_seconds=tariff.first_increment_seconds,
        next_increment_seconds=tariff.next_increment_seconds,
        free_seconds=tariff.free_seconds,
        maximum_seconds=tariff.maximum_seconds,
        tax_basis_points=tariff.tax_basis_points,
        price_per_act=optional_amount(tariff.price_per_act),
        act_minimum_seconds=tariff.act_minimum_seconds,
        act_maximum_seconds=tariff.act_maximum_seconds,
        timetable=None if kept.timetable is None else timetable_shown(kept.timetable),
    )


def price_at_shown(kept: KeptTariff, at: datetime) -> PriceAt:
    """Show what a version costs at a moment."""
    zone = None if kept.timetable is None else ZoneInfo(kept.timetable.time_zone)
    return PriceAt(
        at=at,
        local_time=None if zone is None else at.astimezone(zone).isoformat(),
        window=None if kept.window is None else kept.window.name,
        version=version_shown(kept),
    )


def shown(listed: ListedTariff) -> Tariff:
    """Show a tariff."""
    values: dict[str, Any] = {
        "id": listed.tariff_id,
        "name": listed.name,
        "currency": listed.currency,
        "created_at": listed.created_at,
        "current": None if listed.current is None else version_shown(listed.current),
    }
    return Tariff(**values)
