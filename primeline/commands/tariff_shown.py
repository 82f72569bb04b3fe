"""Tariffs as the commands show them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from billing.money.values import Money
from billing.tariffs.service import KeptTariff
from billing.tariffs.text import days_text, hours_text
from billing.tariffs.values import Tariff
from billing.tariffs.windows import Prices
from primeline.commands.common import show_list

ALWAYS_TOLD: Final = ("name", "from", "price_per_minute")


def percent_of(basis_points: int) -> str:
    """Write basis points as a percentage: 550 is "5.50"."""
    return f"{basis_points // 100}.{basis_points % 100:02}"


def show_all(versions: Sequence[KeptTariff], *, title: str, as_json: bool) -> None:
    """Show versions; a table leaves out what is in all of them as `tariff add` has it unasked."""
    rows = [values_of(kept) for kept in versions]
    if rows and not as_json:
        usual = [values_of(_usual(kept)) for kept in versions]
        told = [
            name
            for name in rows[0]
            if name in ALWAYS_TOLD or [row[name] for row in rows] != [row[name] for row in usual]
        ]
        rows = [{name: row[name] for name in told} for row in rows]
    show_list(rows, title=title, as_json=as_json)


def _usual(kept: KeptTariff) -> KeptTariff:
    zero, price = Money.zero(kept.tariff.currency), kept.tariff.price_per_minute
    return replace(kept, tariff=Tariff(price, zero, zero, None), timetable=None)


def values_of(kept: KeptTariff) -> dict[str, Any]:
    """Give a version as names and values to be shown."""
    tariff = kept.tariff
    return {
        "name": kept.name,
        "from": kept.valid_from,
        "price_per_minute": tariff.price_per_minute,
        "connect_fee": tariff.connect_fee,
        "minimum": tariff.minimum_charge,
        "maximum": tariff.maximum_charge,
        "increments": f"{tariff.first_increment_seconds}/{tariff.next_increment_seconds}",
        "free_seconds": tariff.free_seconds,
        "maximum_seconds": tariff.maximum_seconds,
        "tax_percent": percent_of(tariff.tax_basis_points),
        "price_per_act": tariff.price_per_act,
        "act_minimum_seconds": tariff.act_minimum_seconds,
        "act_maximum_seconds": tariff.act_maximum_seconds,
        "time_zone": None if kept.timetable is None else kept.timetable.time_zone,
        "holidays_of": None if kept.timetable is None else kept.timetable.holidays_of,
        "windows": []
        if kept.timetable is None
        else [window.name for window in kept.timetable.windows],
    }


def windows_of(kept: KeptTariff) -> list[dict[str, Any]]:
    """Give the windows of a version as names and values to be shown."""
    if kept.timetable is None:
        return []
    return [
        {
            "window": window.name,
            "days": days_text(window.days),
            "hours": hours_text(window),
            "time_zone": kept.timetable.time_zone,
            "holidays_of": kept.timetable.holidays_of,
            **_prices(window.prices),
        }
        for window in kept.timetable.windows
    ]


def _prices(prices: Prices) -> dict[str, Any]:
    return {
        "price_per_minute": prices.price_per_minute,
        "connect_fee": prices.connect_fee,
        "minimum": prices.minimum_charge,
        "maximum": prices.maximum_charge,
        "price_per_act": prices.price_per_act,
    }
