"""A price list read: all versions in it, or everything that is wrong with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from billing.kit.errors import PrimelineError
from billing.kit.zones import check_zone
from billing.money.values import Money
from billing.pricelists import cells
from billing.pricelists.cells import CellWrong
from billing.pricelists.columns import KEY, NONE, PRICES, WINDOW
from billing.pricelists.errors import PriceListRefused
from billing.pricelists.files import SHOWN_CHARACTERS, Row, rows_of
from billing.pricelists.values import Entry, Problem
from billing.tariffs import service as tariffs
from billing.tariffs.public_holidays import holidays_of
from billing.tariffs.rules import LONGEST_TALK_SECONDS
from billing.tariffs.text import days_of, own_prices
from billing.tariffs.values import Tariff
from billing.tariffs.windows import Prices, Timetable, Window

T = TypeVar("T")

Key = tuple[str, datetime]


def read(content: bytes) -> tuple[Entry, ...]:
    """Read a file, by name and start; raises PriceListRefused with everything wrong in it."""
    problems: list[Problem] = []
    entries = _entries(rows_of(content, problems), problems)
    if not entries and not problems:
        problems.append(Problem(None, None, "", "It has no rows below the first.", "Add one."))
    if problems:
        raise PriceListRefused(sorted(problems, key=lambda one: one.line or 0))
    return tuple(sorted(entries, key=lambda one: (one.name, one.valid_from)))


@dataclass(slots=True)
class _Version:
    """A version while its rows are being read. `tariff` None: its own row is wrong."""

    row: Row
    currency: str
    tariff: Tariff | None
    zone: str
    place: str | None
    windows: list[Window] = field(default_factory=list)
    wrong: bool = False


def _entries(rows: Sequence[Row], problems: list[Problem]) -> list[Entry]:
    versions: dict[Key, _Version] = {}
    windows: list[tuple[Key, _Reader]] = []
    currencies: dict[str, tuple[str, int]] = {}
    for row in rows:
        reader = _Reader(row, problems)
        key, currency = reader.key()
        if currency is not None and key is not None:
            first, line = currencies.setdefault(key[0], (currency, row.line))
            if first != currency:
                reader.say("currency", f"Line {line} has {first}.", "A tariff has one currency.")
        if row.cells.get("window", ""):
            if key is not None and currency is not None:
                windows.append((key, reader))
            continue
        version = reader.version(currency)
        if key is None:
            continue
        if key in versions:
            first_line = versions[key].row.line
            reader.say(
                "starts_at",
                f"Line {first_line} has the same tariff from the same moment.",
                "Keep one of them.",
            )
        else:
            versions[key] = version
    for key, reader in windows:
        _add_window(versions.get(key), reader)
    found = [_entry(key, version, problems) for key, version in versions.items()]
    return [one for one in found if one is not None]


def _add_window(version: _Version | None, reader: "_Reader") -> None:
    if version is None:
        why = "No row has the prices of that tariff from that moment outside its windows."
        reader.say("window", why, "Add it: the same name and start, no window.")
        return
    if version.tariff is None:
        return
    window = reader.window(version.tariff)
    if window is None:
        version.wrong = True
    else:
        version.windows.append(window)


def _entry(key: Key, version: _Version, problems: list[Problem]) -> Entry | None:
    """Put a version and its windows together; the last checks are those of each version we keep."""
    reader = _Reader(version.row, problems)
    if version.tariff is None or version.wrong:
        return None
    timetable = None
    if version.windows:
        if not version.zone:
            reader.say("time_zone", "Its windows need a clock.", "Write one like Europe/Paris.")
            return None
        ordered = sorted(version.windows, key=lambda one: (one.from_minute, one.name))
        timetable = Timetable(version.zone, version.place, tuple(ordered))
    elif version.zone or version.place:
        column = "time_zone" if version.zone else "holidays_of"
        reader.say(column, "It counts only in windows, and there are none.", "Leave it empty.")
        return None
    try:
        tariffs.check(version.tariff, timetable)
    except PrimelineError as error:
        reader.say(None, error.sentence, "")
        return None
    name, valid_from = key
    return Entry(version.row.line, name, valid_from, version.tariff, timetable)


class _Reader:
    """One row being read; what is wrong with it is added to the problems of the file."""

    def __init__(self, row: Row, problems: list[Problem]) -> None:
        self._row = row
        self._problems = problems

    def say(self, column: str | None, why: str, right: str) -> None:
        value = "" if column is None else self._row.cells.get(column, "")
        self._problems.append(Problem(self._row.line, column, value[:SHOWN_CHARACTERS], why, right))

    def key(self) -> tuple[Key | None, str | None]:
        name = self._cell("name", cells.name, required=True)
        currency = self._cell("currency", cells.currency, required=True)
        starts_at = self._cell("starts_at", cells.moment, required=True)
        return (None if name is None or starts_at is None else (name, starts_at)), currency

    def version(self, currency: str | None) -> _Version:
        wrong_before = len(self._problems)
        for column in WINDOW[1:]:
            if self._row.cells.get(column):
                self.say(column, "The row has no window.", "Name a window, or leave it empty.")
        prices = {column: self._amount(column, currency) for column in PRICES}
        longest = self._seconds("maximum_seconds", 3_600, 1, LONGEST_TALK_SECONDS)
        most = longest or LONGEST_TALK_SECONDS
        first = self._seconds("first_increment_seconds", 1, 1, most)
        following = self._seconds("next_increment_seconds", 1, 1, most)
        free = self._seconds("free_seconds", 0, 0, most)
        # Where no acts are sold, how long they would last means nothing.
        sold = prices["price_per_act"] is not None
        act = self._seconds(
            "act_maximum_seconds", 1_800, 1, LONGEST_TALK_SECONDS if sold else cells.MOST_SECONDS
        )
        due_by = min(most, act or most) if sold else cells.MOST_SECONDS
        least = self._seconds("act_minimum_seconds", 10, 1, due_by)
        tax = self._cell("tax_percent", cells.percent, 0)
        self._check_bounds(prices["minimum_charge"], prices["maximum_charge"])
        zone = self._cell("time_zone", check_zone, "") or ""
        place = self._cell("holidays_of", _place, "") or None
        price = prices["price_per_minute"]
        tariff = None
        if len(self._problems) == wrong_before and currency is not None and price is not None:
            zero = Money.zero(currency)
            tariff = Tariff(
                price_per_minute=price,
                connect_fee=prices["connect_fee"] or zero,
                minimum_charge=prices["minimum_charge"] or zero,
                maximum_charge=prices["maximum_charge"],
                first_increment_seconds=first or 0,
                next_increment_seconds=following or 0,
                free_seconds=free or 0,
                maximum_seconds=longest or 0,
                tax_basis_points=tax or 0,
                price_per_act=prices["price_per_act"],
                act_minimum_seconds=least or 0,
                act_maximum_seconds=act or 0,
            )
        return _Version(self._row, currency or "", tariff, zone, place)

    def window(self, tariff: Tariff) -> Window | None:
        wrong_before = len(self._problems)
        name = self._cell("window", cells.plain_text)
        days = self._cell("window_days", lambda cell: days_of(cell, name or "?"), required=True)
        clock = self._cell("window_hours", cells.hours, required=True)
        own = own_prices(tariff)
        price = self._amount("price_per_minute", tariff.currency)
        fee = self._amount("connect_fee", tariff.currency)
        least = self._amount("minimum_charge", tariff.currency)
        prices = Prices(
            price_per_minute=own.price_per_minute if price is None else price,
            connect_fee=own.connect_fee if fee is None else fee,
            minimum_charge=own.minimum_charge if least is None else least,
            maximum_charge=self._or_none("maximum_charge", own.maximum_charge, tariff.currency),
            price_per_act=self._or_none("price_per_act", own.price_per_act, tariff.currency),
        )
        self._check_bounds(prices.minimum_charge, prices.maximum_charge)
        for column, cell in self._row.cells.items():
            if cell and column not in {*KEY, *PRICES, *WINDOW}:
                why = "A window has other prices, all else is its version's."
                self.say(column, why, "Leave it empty.")
        if len(self._problems) > wrong_before:
            return None
        assert name is not None  # nothing is wrong
        assert days is not None  # the same
        assert clock is not None  # the same
        return Window(name, days, *clock, prices)

    def _check_bounds(self, least: Money | None, most: Money | None) -> None:
        if least is not None and most is not None and most < least:
            self.say(
                "maximum_charge",
                f"It is below the least charge, {cells.amount_text(least)}.",
                "Write a higher one, or none.",
            )

    def _or_none(self, column: str, own: Money | None, currency: str) -> Money | None:
        """Read what a window may lack though its version has it, and the other way round."""
        cell = self._row.cells.get(column, "")
        if cell.casefold() == NONE:
            return None
        return self._amount(column, currency) if cell else own

    def _amount(self, column: str, currency: str | None) -> Money | None:
        # Without a currency a wrong amount is found all the same.
        return self._cell(
            column,
            lambda cell: cells.amount(cell, currency or "EUR"),
            required=column == "price_per_minute",
        )

    def _seconds(self, column: str, usual: int, least: int, most: int) -> int | None:
        return self._cell(column, lambda cell: cells.seconds(cell, least, most), min(usual, most))

    def _cell(
        self,
        column: str,
        reads: Callable[[str], T],
        empty: T | None = None,
        *,
        required: bool = False,
    ) -> T | None:
        """Read a cell, an empty one as `empty`; None also if it is wrong, which then is said."""
        cell = self._row.cells.get(column, "")
        if not cell:
            if required:
                self.say(column, "The cell is empty.", "It must be filled.")
            return empty
        try:
            return reads(cell)
        except CellWrong as error:
            self.say(column, error.why, error.right)
        except PrimelineError as error:
            self.say(column, error.sentence, "")
        return None


def _place(cell: str) -> str:
    holidays_of(cell)
    return cell
