"""Price lists written: every cell filled, so that what is read back is the same."""

import csv
from collections.abc import Iterable, Mapping
from datetime import datetime
from io import StringIO

from billing.money.values import Money
from billing.pricelists.cells import amount_text, moment_text, percent_text, safe
from billing.pricelists.columns import NAMES, NONE
from billing.tariffs.text import days_text, hours_text
from billing.tariffs.values import Tariff
from billing.tariffs.windows import Timetable, Window

Cells = Mapping[str, str]


def version_cells(tariff: Tariff, timetable: Timetable | None) -> Cells:
    """Give the cells of a version but its key: what a later one may have otherwise."""
    highest, act = tariff.maximum_charge, tariff.price_per_act
    return {
        "price_per_minute": amount_text(tariff.price_per_minute),
        "connect_fee": amount_text(tariff.connect_fee),
        "minimum_charge": amount_text(tariff.minimum_charge),
        "maximum_charge": "" if highest is None else amount_text(highest),
        "first_increment_seconds": str(tariff.first_increment_seconds),
        "next_increment_seconds": str(tariff.next_increment_seconds),
        "free_seconds": str(tariff.free_seconds),
        "maximum_seconds": str(tariff.maximum_seconds),
        "tax_percent": percent_text(tariff.tax_basis_points),
        "price_per_act": "" if act is None else amount_text(act),
        "act_minimum_seconds": str(tariff.act_minimum_seconds),
        "act_maximum_seconds": str(tariff.act_maximum_seconds),
        "time_zone": "" if timetable is None else timetable.time_zone,
        "holidays_of": "" if timetable is None else timetable.holidays_of or "",
    }


def window_cells(window: Window) -> Cells:
    """Give the cells of a window but its key, each of its prices in full."""
    prices = window.prices

    def or_none(money: Money | None) -> str:
        return NONE if money is None else amount_text(money)

    return {
        "window": safe(window.name),
        "window_days": days_text(window.days),
        "window_hours": hours_text(window),
        "price_per_minute": amount_text(prices.price_per_minute),
        "connect_fee": amount_text(prices.connect_fee),
        "minimum_charge": amount_text(prices.minimum_charge),
        "maximum_charge": or_none(prices.maximum_charge),
        "price_per_act": or_none(prices.price_per_act),
    }


def write(versions: Iterable[tuple[str, datetime, Tariff, Timetable | None]]) -> str:
    """Write versions, each with a row of its own and one for each of its windows."""
    text = StringIO(newline="")
    rows = csv.DictWriter(text, NAMES, restval="", lineterminator="\r\n")
    rows.writeheader()
    for name, valid_from, tariff, timetable in versions:
        key = {
            "name": safe(name),
            "currency": tariff.currency,
            "starts_at": moment_text(valid_from),
        }
        rows.writerow(key | dict(version_cells(tariff, timetable)))
        for window in () if timetable is None else timetable.windows:
            rows.writerow(key | dict(window_cells(window)))
    return text.getvalue()
