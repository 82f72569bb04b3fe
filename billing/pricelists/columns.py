"""The columns of a price list: their names, what they mean, what an empty cell means."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `empty`: what an empty cell means in the row of a version; None: never empty."""

    name: str
    meaning: str
    empty: str | None


NONE: Final = "none"
"""In the row of a window: no highest charge, no acts, though the version has them."""

COLUMNS: Final = (
    Column("name", "the tariff's name; a known one gets a new version", None),
    Column("currency", "EUR, GBP, USD or CHF", None),
    Column("starts_at", "2026-12-01, or 2026-12-01T08:00+01:00; UTC without a zone", None),
    Column("price_per_minute", "tax included: 1.20", None),
    Column("connect_fee", "once, if anything is charged", "0.00"),
    Column("minimum_charge", "the least that a charged call costs", "0.00"),
    Column("maximum_charge", "the most that a call costs", "no bound"),
    Column("first_increment_seconds", "the first block", "1"),
    Column("next_increment_seconds", "each next block", "1"),
    Column("free_seconds", "not charged, at the start", "0"),
    Column("maximum_seconds", "the longest talk", "3600"),
    Column("tax_percent", "contained in the prices: 20 or 5.5", "0"),
    Column("price_per_act", "a service at one price, tax included", "none are sold"),
    Column("act_minimum_seconds", "an act is due once it has lasted so long", "10"),
    Column("act_maximum_seconds", "the longest act", "1800"),
    Column("time_zone", "by whose clock windows are: Europe/Paris", "no windows"),
    Column("holidays_of", "whose public holidays are no weekdays: FR or DE-BY", "nobody's"),
    Column("window", "a name: the row is other prices of the version at some times", "a version"),
    Column("window_days", "mon-fri,holiday or every-day", "a version"),
    Column("window_hours", "20:00-06:00", "a version"),
)

NAMES: Final = tuple(column.name for column in COLUMNS)
KEY: Final = ("name", "currency", "starts_at")
"""The columns that say which version a row is, or belongs to."""

PRICES: Final = (
    "price_per_minute",
    "connect_fee",
    "minimum_charge",
    "maximum_charge",
    "price_per_act",
)
"""The columns that a window may have otherwise than its version."""

WINDOW: Final = ("window", "window_days", "window_hours")
REQUIRED: Final = tuple(column.name for column in COLUMNS if column.empty is None)
