"""Windows of tariffs as JSON."""

from typing import Annotated, Literal, TypeVar

from pydantic import Field, StringConstraints

from api.schemas.base import Amount, AmountIn, Answer, Request, Text, amount_of, optional_amount
from billing.money.values import Money
from billing.tariffs.overlaps import LONGEST_NAME, MOST_WINDOWS
from billing.tariffs.values import Tariff
from billing.tariffs.windows import (
    DAYS,
    Prices,
    Timetable,
    Window,
    clock_of,
)

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
Begin = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
End = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
_Own = TypeVar("_Own", Money, Money | None)
WindowName = Annotated[Text, StringConstraints(max_length=LONGEST_NAME)]

_NAME = "Its name, once in a version."
_DAYS = "The days on which it begins; a public holiday is no weekday."
_BEGIN = "When it begins, by the clock of the zone."
_END = "When it ends, not included; before the beginning: on the next day, whatever that is."
_PRICE = "A minute."
_SAME = " Null: as the terms have it."
_ZONE = "The IANA time zone by whose clock the windows are."
_HOLIDAYS = (
    "Whose public holidays count as such: an ISO 3166 country or a part of one; null: no day does."
)
_SIXTY = {"amount": "0.60", "currency": "EUR"}
_NOTHING = {"amount": "0.00", "currency": "EUR"}


class WindowIn(Request):
    """Other prices on some days, from one local time to another."""

    name: WindowName = Field(description=_NAME, examples=["night"])
    days: list[Day] = Field(
        description=_DAYS, min_length=1, max_length=len(DAYS), examples=[["mon", "holiday"]]
    )
    begin: Begin = Field(description=_BEGIN, examples=["20:00"])
    end: End = Field(description=_END, examples=["06:00"])
    price_per_minute: AmountIn = Field(description=_PRICE, examples=[_SIXTY])
    connect_fee: AmountIn | None = Field(
        default=None, description="Once." + _SAME, examples=[_NOTHING]
    )
    minimum_charge: AmountIn | None = Field(
        default=None, description="The least of a charged call." + _SAME, examples=[_NOTHING]
    )
    maximum_charge: AmountIn | None = Field(
        default=None, description="The most of a call." + _SAME, examples=[None]
    )
    price_per_act: AmountIn | None = Field(
        default=None, description="Of an act." + _SAME, examples=[None]
    )

    def value(self, tariff: Tariff) -> Window:
        """Give the value; amounts left out are the tariff's."""

        def money(given: AmountIn | None, own: _Own) -> _Own | Money:
            return own if given is None else given.money()

        return Window(
            name=self.name,
            days=frozenset(self.days),
            from_minute=_minute(self.begin),
            to_minute=_minute(self.end),
            prices=Prices(
                price_per_minute=self.price_per_minute.money(),
                connect_fee=money(self.connect_fee, tariff.connect_fee),
                minimum_charge=money(self.minimum_charge, tariff.minimum_charge),
                maximum_charge=money(self.maximum_charge, tariff.maximum_charge),
                price_per_act=money(self.price_per_act, tariff.price_per_act),
            ),
        )


class TimetableIn(Request):
    """Windows, which may not overlap; outside them the terms hold."""

    time_zone: Text = Field(description=_ZONE, examples=["Europe/Paris"])
    holidays_of: Text | None = Field(default=None, description=_HOLIDAYS, examples=["FR"])
    windows: list[WindowIn] = Field(
        description="The windows.", min_length=1, max_length=MOST_WINDOWS
    )

    def value(self, tariff: Tariff) -> Timetable:
        """Give the value; amounts left out are the tariff's."""
        windows = tuple(one.value(tariff) for one in self.windows)
        return Timetable(self.time_zone, self.holidays_of, windows)


class WindowShown(Answer):
    """Other prices on some days, tax included."""

    name: str = Field(description=_NAME, examples=["night"])
    days: list[Day] = Field(description=_DAYS, examples=[["mon", "holiday"]])
    begin: str = Field(description=_BEGIN, examples=["20:00"])
    end: str = Field(description=_END, examples=["06:00"])
    price_per_minute: Amount = Field(description=_PRICE, examples=[_SIXTY])
    connect_fee: Amount = Field(description="Once.", examples=[_NOTHING])
    minimum_charge: Amount = Field(
        description="The least that a charged call costs.", examples=[_NOTHING]
    )
    maximum_charge: Amount | None = Field(
        description="The most that a call costs; null: no bound.", examples=[None]
    )
    price_per_act: Amount | None = Field(
        description="Of an act; null: none are sold.", examples=[None]
    )


class TimetableShown(Answer):
    """Windows of a version."""

    time_zone: str = Field(description=_ZONE, examples=["Europe/Paris"])
    holidays_of: str | None = Field(description=_HOLIDAYS, examples=["FR"])
    windows: list[WindowShown] = Field(description="The windows, by their beginning.")


def timetable_shown(timetable: Timetable) -> TimetableShown:
    """Show the windows of a version."""
    return TimetableShown(
        time_zone=timetable.time_zone,
        holidays_of=timetable.holidays_of,
        windows=[
            WindowShown(
                name=window.name,
                days=sorted(window.days, key=DAYS.index),
                begin=clock_of(window.from_minute),
                end=clock_of(window.to_minute),
                price_per_minute=amount_of(window.prices.price_per_minute),
                connect_fee=amount_of(window.prices.connect_fee),
                minimum_charge=amount_of(window.prices.minimum_charge),
                maximum_charge=optional_amount(window.prices.maximum_charge),
                price_per_act=optional_amount(window.prices.price_per_act),
            )
            for window in timetable.windows
        ],
    )


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])
