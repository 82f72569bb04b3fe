"""Price lists read from CSV files: forms that spreadsheets write, and everything that is wrong."""

import codecs
from datetime import UTC, datetime

import pytest

from billing.money.values import Money
from billing.pricelists.cells import plain_text, safe
from billing.pricelists.errors import PriceListRefused
from billing.pricelists.files import LARGEST_BYTES, MOST_ROWS
from billing.pricelists.reading import read
from billing.pricelists.values import Entry, Problem
from billing.tariffs.values import Tariff

HEAD = "name,currency,starts_at,price_per_minute"
WINDOWS = f"{HEAD},time_zone,holidays_of,window,window_days,window_hours,maximum_charge,connect_fee"


def wrong(text: str | bytes) -> list[Problem]:
    with pytest.raises(PriceListRefused) as refused:
        read(text if isinstance(text, bytes) else text.encode())
    return list(refused.value.problems)


def only(text: str | bytes) -> Problem:
    (problem,) = wrong(text)
    return problem


def one(text: str | bytes) -> Entry:
    (entry,) = read(text if isinstance(text, bytes) else text.encode())
    return entry


def test_what_is_left_out_is_usual() -> None:
    entry = one(f"{HEAD}\nstandard,EUR,2026-12-01,1.20\n")
    zero = Money.zero("EUR")

    assert entry.name == "standard"
    assert entry.valid_from == datetime(2026, 12, 1, tzinfo=UTC)
    assert entry.tariff == Tariff(Money(12_000, "EUR"), zero, zero, None)
    assert entry.timetable is None


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + f"{HEAD}\r\nété,EUR,2026-12-01,1.20\r\n".encode(),
        f"{HEAD}\nété,EUR,2026-12-01,1.20\n".encode("utf-16"),
        f"{HEAD}\nété,EUR,2026-12-01,1.20\n".replace(",", ";").encode(),
        f"{HEAD}\nété,EUR,2026-12-01,1.20\n".replace(",", "\t").encode(),
        "NAME;Currency;Starts at;Price per minute\nété;EUR;2026-12-01;1,20\n".encode(),
        f'\n{HEAD}\n\n"été","EUR","2026-12-01","1,20"\n,,,\n'.encode(),
        f"{HEAD},free_seconds,,\n".replace(",,", "").encode()
        + "été,EUR,2026-12-01T01:00+01:00,1.2,0,,\n".encode(),
    ],
)
def test_files_of_any_spreadsheet_are_read(content: bytes) -> None:
    entry = one(content)

    assert entry.name == "été"
    assert entry.valid_from == datetime(2026, 12, 1, tzinfo=UTC)
    assert entry.tariff.price_per_minute == Money(12_000, "EUR")


def test_rows_with_a_window_belong_to_the_version_of_their_name_and_start() -> None:
    entry = one(
        f"{WINDOWS}\n"
        "night,EUR,2026-12-01,0.60,,,late,every-day,20:00-06:00,none,\n"
        "night,EUR,2026-12-01,1.20,Europe/Paris,FR,,,,9.00,0.50\n"
        "night,EUR,2026-12-01,0.90,,,noon,sat-sun,12:00-14:00,,0\n"
    )

    assert entry.timetable is not None
    assert entry.timetable.time_zone == "Europe/Paris"
    noon, late = entry.timetable.windows
    assert (noon.name, noon.from_minute, noon.to_minute) == ("noon", 720, 840)
    assert noon.prices.maximum_charge == Money(90_000, "EUR")
    assert noon.prices.connect_fee == Money(0, "EUR")
    assert late.prices.maximum_charge is None
    assert late.prices.connect_fee == Money(5_000, "EUR")


@pytest.mark.parametrize(
    ("row", "column", "why"),
    [
        (",EUR,2026-12-01,1.20", "name", "empty"),
        ("=1+1,EUR,2026-12-01,1.20", "name", "formula"),
        ("a,XYZ,2026-12-01,1.20", "currency", "no currency"),
        ("a,eur,2026-12-01,1.20", "currency", "no currency"),
        ("a,EUR,01/12/2026,1.20", "starts_at", "no date"),
        ("a,EUR,2026-02-30,1.20", "starts_at", "no such date"),
        ("a,EUR,0001-01-01T00:00+23:00,1.20", "starts_at", "no such date"),
        ("a,EUR,2026-12-01,", "price_per_minute", "empty"),
        ("a,EUR,2026-12-01,-1", "price_per_minute", "below zero"),
        ("a,EUR,2026-12-01,1.20 €", "price_per_minute", "not an amount"),
        ("a,EUR,2026-12-01,1.205", "price_per_minute", "decimals"),
        ('a,EUR,2026-12-01,"1,205"', "price_per_minute", "two ways"),
        ('a,EUR,2026-12-01,"1.234,50"', "price_per_minute", "two ways"),
        ("a,EUR,2026-12-01,1e5", "price_per_minute", "not an amount"),
        ("a,EUR,2026-12-01,NaN", "price_per_minute", "not an amount"),
        (f"a,EUR,2026-12-01,{'9' * 5_000}", "price_per_minute", "too large"),
        ("a,EUR,2026-12-01,1.20,extra", None, "5 cells"),
        ("a,EUR,2026-12-01", None, "3 cells"),
    ],
)
def test_each_wrong_cell_is_named_with_its_line(row: str, column: str | None, why: str) -> None:
    problem = only(f"{HEAD}\ngood,EUR,2026-12-01,1.20\n{row}\n")

    assert (problem.line, problem.column) == (3, column)
    assert why in problem.why
    assert problem.right or "empty" not in problem.why
    assert len(problem.value) <= 40


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("free_seconds", "1.5", "no whole number"),
        ("maximum_seconds", "0", "too few"),
        ("maximum_seconds", "99999999999", "no whole number"),
        ("first_increment_seconds", "7200", "too few or too many"),
        ("tax_percent", "101", "more than all"),
        ("tax_percent", "5.555", "no percentage"),
        ("maximum_charge", "none", "not an amount"),
        ("time_zone", "Europe/Nowhere", "no time zone"),
        ("time_zone", "Europe/Paris", "only in windows"),
        ("holidays_of", "XX", "no public holidays"),
        ("window_days", "mon", "no window"),
    ],
)
def test_each_wrong_optional_cell_is_named(column: str, value: str, why: str) -> None:
    problem = only(f"{HEAD},{column}\na,EUR,2026-12-01,1.20,{value}\n")

    assert (problem.line, problem.column) == (2, column)
    assert why in problem.why


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = wrong(
        f"{HEAD},maximum_charge,minimum_charge,free_seconds\n"
        ",EUR,soon,free,1.00,2.00,x\n"
        "b,ZZZ,2026-12-01,1.20,,,-1\n"
    )

    assert [(one.line, one.column) for one in told] == [
        (2, "name"),
        (2, "starts_at"),
        (2, "price_per_minute"),
        (2, "free_seconds"),
        (2, "maximum_charge"),
        (3, "currency"),
        (3, "free_seconds"),
    ]


def test_the_same_version_twice_is_wrong_even_if_it_is_equal() -> None:
    row = "a,EUR,2026-12-01,1.20\n"
    problem = only(f"{HEAD}\n{row}a,EUR,2026-12-01T00:00Z,1.20\n")

    assert (problem.line, problem.column) == (3, "starts_at")
    assert "Line 2" in problem.why


def test_a_tariff_has_one_currency_in_all_rows() -> None:
    problem = only(f"{HEAD}\na,EUR,2026-12-01,1.20\na,USD,2027-01-01,1.20\n")

    assert (problem.line, problem.column, problem.value) == (3, "currency", "USD")


@pytest.mark.parametrize(
    ("rows", "line", "column", "why"),
    [
        ("a,EUR,2026-12-01,1,,,late,mon,20:00-06:00,,\n", 2, "window", "No row"),
        (
            "a,EUR,2026-12-01,1,,,,,,,\na,EUR,2026-12-01,1,,,late,mon,20:00-06:00,,\n",
            2,
            "time_zone",
            "need a clock",
        ),
        (
            "a,EUR,2026-12-01,1,UTC,,,,,,\na,EUR,2026-12-01,1,UTC,,late,mon,20:00-06:00,,\n",
            3,
            "time_zone",
            "all else is its version's",
        ),
        (
            "a,EUR,2026-12-01,1,UTC,,,,,,\na,EUR,2026-12-01,1,,,late,mon,20:00-25:00,,\n",
            3,
            "window_hours",
            "no such time",
        ),
        (
            "a,EUR,2026-12-01,1,UTC,,,,,,\na,EUR,2026-12-01,1,,,late,lundi,20:00-24:00,,\n",
            3,
            "window_days",
            "names a day",
        ),
        (
            "a,EUR,2026-12-01,1,UTC,,,,,,\na,EUR,2026-12-01,,,,late,mon,20:00-24:00,,\n",
            3,
            "price_per_minute",
            "empty",
        ),
        (
            (
                "a,EUR,2026-12-01,1,UTC,,,,,,\n"
                "a,EUR,2026-12-01,1,,,late,mon,20:00-24:00,,\n"
                "a,EUR,2026-12-01,1,,,later,mon,23:00-24:00,,\n"
            ),
            2,
            None,
            "overlap",
        ),
    ],
)
def test_windows_are_checked_with_their_version(
    rows: str, line: int, column: str | None, why: str
) -> None:
    problem = only(f"{WINDOWS}\n{rows}")

    assert (problem.line, problem.column) == (line, column)
    assert why in problem.why


@pytest.mark.parametrize(
    ("content", "column", "why"),
    [
        (b"", None, "empty"),
        (b"\n \n,,\n", None, "empty"),
        (f"{HEAD}\n".encode(), None, "no rows"),
        (f"{HEAD},colour\na,EUR,2026-12-01,1,red\n".encode(), "colour", "no such column"),
        (f"{HEAD},name\n".encode(), "name", "twice"),
        (b"name,currency,starts_at\n", "price_per_minute", "missing"),
        (f"{HEAD}\né".encode("latin-1"), None, "no UTF-8"),
        (b"x" * (LARGEST_BYTES + 1), None, "MiB"),
        ((HEAD + "\na,EUR,2026-12-01,1" * (MOST_ROWS + 1)).encode(), None, "rows"),
        (f'{HEAD}\na,EUR,2026-12-01,"1.20\n'.encode(), None, "no CSV"),
    ],
)
def test_a_file_that_is_no_price_list_is_refused(
    content: bytes, column: str | None, why: str
) -> None:
    problem = wrong(content)[0]

    assert problem.column == column
    assert why in problem.why


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "'=1", "''", "a", "'a", "", "été"])
def test_what_looks_like_a_formula_is_written_as_text_and_read_back(text: str) -> None:
    assert plain_text(safe(text)) == text
    assert safe(text)[:1] not in {"=", "+", "-", "@"}
