"""Carriers' files as they come: read whole, or refused with all that is wrong with them."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from billing.endpoints.values import NumberFormat
from billing.kit.clock import to_ms
from billing.kit.errors import PrimelineError
from billing.money.text import parse
from billing.money.values import Money
from billing.reconciliation import layouts
from billing.reconciliation.errors import LayoutInvalid, StatementUnreadable
from billing.reconciliation.reading import LARGEST_BYTES, MOST_LINES, read
from billing.reconciliation.values import Layout, Line

FILES = Path(__file__).parents[1] / "statements"

FRENCH = Layout(
    name="calls of a month",
    carrier="carrier",
    kind="per-call",
    currency="EUR",
    columns={
        "number": "Numéro", "caller": "Appelant", "start": "Date", "time": "Heure",
        "seconds": "Durée", "amount": "Reversement HT", "carrier_id": "Réf.",
    },
    date_formats=("%d/%m/%Y %H:%M:%S",),
    encoding="cp1252",
    decimal_mark=",",
    skip_lines=2,
    numbers=NumberFormat("national"),
)  # fmt: skip

SUMS = Layout(
    name="sums of a day",
    carrier="carrier",
    kind="aggregate",
    currency="EUR",
    columns={
        "number": "service", "start": "day", "calls": "calls", "seconds": "seconds",
        "amount": "payout", "currency": "currency",
    },
    date_formats=("%Y-%m-%d",),
    delimiter=",",
)  # fmt: skip

PLAIN = Layout(
    name="plain",
    carrier="carrier",
    kind="per-call",
    currency="EUR",
    columns={"number": "to", "start": "at", "seconds": "s", "amount": "pays", "carrier_id": "id"},
    date_formats=("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"),
    delimiter=",",
)
FORMATS = " or ".join(PLAIN.date_formats)
HEAD = "to,at,s,pays,id\n"
GOOD = "+33199001235,2026-11-22 13:00:00,61,0.55,A\n"


def fine(amount: str) -> Money:
    return parse(amount, "EUR", ledger_units=True)


def ms(*at: int) -> int:
    return to_ms(datetime(*at, tzinfo=UTC))  # type: ignore[arg-type, misc]


def problems_of(content: bytes | str, layout: Layout = PLAIN) -> list[tuple[int | None, str]]:
    with pytest.raises(StatementUnreadable) as refused:
        read(content.encode() if isinstance(content, str) else content, layout)
    assert refused.value.code == "statement-unreadable"
    return [(one.line, one.sentence) for one in refused.value.problems]


def test_a_french_file_of_calls_is_read() -> None:
    first, second = read((FILES / "calls.csv").read_bytes(), FRENCH)
    assert first == Line(
        position=4,
        number="+33199001235",
        start_ms=ms(2026, 11, 22, 12, 0, 0),
        amount=fine("0.5522"),
        seconds=61,
        caller="0639XXXX77",
        carrier_id="A-1",
    )
    assert (second.caller, second.seconds, second.amount) == (None, 120, fine("1.00"))


def test_a_file_of_sums_with_a_byte_order_mark_is_read() -> None:
    (line,) = read((FILES / "sums.csv").read_bytes(), SUMS)
    assert line == Line(
        position=2,
        number="+33199001235",
        start_ms=ms(2026, 11, 21, 23),
        end_ms=ms(2026, 11, 22, 23),
        amount=fine("1234.56"),
        seconds=243,
        calls=3,
    )


def test_a_month_has_its_own_length_by_the_carriers_clock() -> None:
    monthly = replace(SUMS, period="month", date_formats=("%m/%Y",))
    text = "service,day,calls,seconds,payout,currency\n33199001235,03/2026,3,,1.00,eur\n"
    with pytest.raises(StatementUnreadable):
        read(text.encode(), monthly)
    (line,) = read(text.replace(",,", ",9,").encode(), monthly)
    # Clocks go forward in March: the month is an hour short.
    assert (line.start_ms, line.end_ms) == (ms(2026, 2, 28, 23), ms(2026, 3, 31, 22))


def test_a_file_without_a_head_has_its_columns_by_number() -> None:
    layout = replace(
        PLAIN,
        has_head=False,
        columns={"number": "1", "start": "2", "seconds": "3", "amount": "4"},
    )
    layouts.check(layout)
    (line,) = read(GOOD.encode(), layout)
    assert (line.position, line.seconds) == (1, 61)
    assert problems_of("a,b\n", layout) == [(1, "It has 2 columns, the layout needs more.")]


@pytest.mark.parametrize(
    ("cell", "mark", "amount"),
    [
        ("0.5", ".", "0.5"),
        ("1,234.5678", ".", "1234.5678"),
        ("1.234,56", ",", "1234.56"),
        ("12 345,00", ",", "12345"),
        ("12\u00a0345,00", ",", "12345"),
        ("1'000'000.00", ".", "1000000"),
        ("7", ",", "7"),
    ],
)
def test_amounts_are_read_with_the_layouts_decimal_mark(
    cell: str, mark: Literal[".", ","], amount: str
) -> None:
    layout = replace(PLAIN, decimal_mark=mark)
    text = HEAD + GOOD.replace("0.55", f'"{cell}"')
    (line,) = read(text.encode(), layout)
    assert line.amount == fine(amount)


@pytest.mark.parametrize(
    "cell",
    ["1,5", "1,23,456.00", "0.12345", "-1.00", "1e3", "9" * 30, "9" * 5000, "€5", "", "½", "٣"],
)
def test_an_amount_that_is_not_certain_is_refused(cell: str) -> None:
    ((line, sentence),) = problems_of(HEAD + GOOD.replace("0.55", f'"{cell}"'))
    assert line == 2
    assert sentence.startswith("The amount ")


def test_all_that_is_wrong_is_said_at_once_with_its_line() -> None:
    text = (
        HEAD
        + GOOD
        + "=cmd|' /C calc'!A0,2026-11-22 13:00:00,61,0.55,B\n"
        + "\n"
        + "+33199001235,22.11.2026,x,0.55,C\n"
        + "+33199001235,2026-11-22 13:00:00,61\n"
        + "+33199001235,2026-03-29 02:30:00,61,0.55,D\n"
        + '"+33199001235",1999-11-22 13:00:00,999999999,0.55,@SUM(A1)\n'
        + GOOD
        + GOOD.replace(":00:00", ":00:01")
    )
    assert sorted(problems_of(text), key=str) == sorted([
        (3, "The called number \"=cmd|' /C calc'!A0\" looks like a formula of a spreadsheet."),
        (5, f"The start '22.11.2026' is no date as the layout has them: {FORMATS}."),
        (5, "The duration 'x' is no duration: whole seconds or h:mm:ss."),
        (6, "It has 3 columns instead of 5."),
        (7, "The start '2026-03-29 02:30:00' does not exist in Europe/Paris: clocks went forward."),
        (8, "The start '1999-11-22 13:00:00' is no year of ours."),
        (8, "The duration '999999999' is longer than any call."),
        (8, "The call id '@SUM(A1)' looks like a formula of a spreadsheet."),
        (9, "It repeats line 2."),
        (10, "It has the call id of line 2."),
    ], key=str)  # fmt: skip


@pytest.mark.parametrize(
    ("content", "layout", "problem"),
    [
        (b"", PLAIN, (None, "The file is empty.")),
        (b"\xef\xbb\xbf", PLAIN, (None, "The file has no lines.")),
        (b" \r\n\r\n", PLAIN, (None, "The file is empty.")),
        (HEAD.encode(), PLAIN, (None, "The file has a head and nothing below it.")),
        (b"a\nb\n", FRENCH, (None, "The file has no lines.")),
        (b"to,at\n1\xff\n", PLAIN, (2, "Byte 8 of the file is not utf-8.")),
        (b"x" * (LARGEST_BYTES + 1), PLAIN, (None, "The file has more than 4 MiB.")),
        (
            (HEAD + "\n".join(["a,b,c,d,e"] * (MOST_LINES + 1))).encode(),
            PLAIN,
            (None, "The file has 20001 lines; the most is 20000."),
        ),
        (b"to,at,s,PAYS,pays,id\n1\n", PLAIN, (1, "There are 2 columns 'pays' (amount).")),
        (
            b'to,at,s,pays,id\n"a"b,\n',
            PLAIN,
            (2, "It is no line of a CSV file: ',' expected after '\"'."),
        ),
        (b"to,at\n\0,1\n", PLAIN, (1, "There is no column 's' (duration).")),
    ],
)  # fmt: skip
def test_a_file_that_is_none_of_the_layouts_is_refused(
    content: bytes, layout: Layout, problem: tuple[int | None, str]
) -> None:
    assert problems_of(content, layout)[0] == problem


def test_a_line_in_another_currency_is_refused() -> None:
    text = (FILES / "sums.csv").read_text("utf-8-sig").replace("EUR", "GBP")
    sentence = "The currency 'GBP' is not EUR, the layout's currency."
    assert problems_of(text, SUMS) == [(2, sentence)]


def test_sums_of_one_number_and_day_are_refused_twice() -> None:
    text = (FILES / "sums.csv").read_text("utf-8-sig")
    again = "33199001235,2026-11-22,9,9,9.00,EUR\n"
    assert problems_of(text + again, SUMS) == [(3, "It is about the number and period of line 2.")]


def test_a_time_that_a_clock_shows_twice_is_kept_as_both() -> None:
    text = HEAD + "+33199001235,2026-10-25 02:30:00,61,0.55,A\n"
    (line,) = read(text.encode(), PLAIN)
    assert line.start_ms == ms(2026, 10, 25, 0, 30)
    assert line.other_start_ms == ms(2026, 10, 25, 1, 30)


def test_a_time_with_its_offset_needs_no_zone() -> None:
    text = HEAD + "+33199001235,2026-10-25T02:30:00+02:00,61,0.55,A\n"
    (line,) = read(text.encode(), PLAIN)
    assert (line.start_ms, line.other_start_ms) == (ms(2026, 10, 25, 0, 30), None)


def test_a_hundred_problems_are_shown_and_the_rest_counted() -> None:
    text = HEAD + "".join(f"+33199001235,2026-11-22 13:00:00,{n}x,1,{n}\n" for n in range(150))
    with pytest.raises(StatementUnreadable) as refused:
        read(text.encode(), PLAIN)
    assert len(refused.value.problems) == 100
    assert refused.value.sentence.endswith("And 50 more.")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"kind": "else"},
        {"currency": "XXX"},
        {"delimiter": ";;"},
        {"encoding": "utf-7"},
        {"decimal_mark": ""},
        {"time_zone": "Mars/Base"},
        {"region": "XX"},
        {"skip_lines": -1},
        {"tolerance_seconds": 601},
        {"tolerance_amount": -1},
        {"non_payment": "nobody"},
        {"numbers": NumberFormat("else")},  # type: ignore[arg-type]
        {"columns": {"number": "a"}},
        {"columns": {**PLAIN.columns, "colour": "b"}},
        {"columns": {**PLAIN.columns, "caller": "TO"}},
        {"columns": {**PLAIN.columns, "caller": " "}},
        {"has_head": False},
        {"date_formats": ()},
        {"date_formats": ("%Y-%m-%d",)},
        {"date_formats": ("%I:%M %d.%m.%Y",)},
        {"date_formats": ("%c",)},
        {"date_formats": ("%",)},
        {"date_formats": ("%Y-%m-%d %H:%M:%S %Z",)},
        {"kind": "aggregate", "date_formats": ("%m/%Y",)},
    ],
)
def test_a_layout_by_which_nothing_could_be_read_is_refused(changes: dict[str, Any]) -> None:
    layouts.check(PLAIN)
    with pytest.raises(PrimelineError) as refused:
        layouts.check(replace(PLAIN, **changes))
    assert isinstance(refused.value, LayoutInvalid) or refused.value.code in {
        "unknown-currency", "time-zone-unknown",
    }  # fmt: skip


@pytest.mark.parametrize("layout", [FRENCH, SUMS, PLAIN])
def test_a_layout_is_frozen_and_thawed(layout: Layout) -> None:
    layouts.check(layout)
    assert layouts.from_json(layouts.to_json(layout)) == layout
