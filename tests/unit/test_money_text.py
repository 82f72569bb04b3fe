import pytest

from billing.kit.errors import PrimelineError
from billing.money.rules import LARGEST_MINOR, allocate, units_per_major
from billing.money.text import (
    AmountNegative,
    AmountTooFine,
    AmountTooLarge,
    AmountUnreadable,
    format_money,
    parse,
    to_decimal_string,
)
from billing.money.values import Money, UnknownCurrency


@pytest.mark.parametrize(
    ("amount", "locale", "shown"),
    [
        (12_000, "en", "€1.20"),
        (12_000, "en-GB", "€1.20"),
        (12_000, "fr", "1,20\N{NO-BREAK SPACE}€"),
        (12_000, "de_DE", "1,20\N{NO-BREAK SPACE}€"),
        (0, "en", "€0.00"),
        (-12_000, "en", "-€1.20"),
        (123_456_700, "en", "€12,345.67"),
        (2_917, "en", "€0.2917"),
        (1_250, "en", "€0.1250"),
        (1_250, "fr", "0,1250\N{NO-BREAK SPACE}€"),
    ],
)
def test_money_is_shown_as_the_locale_writes_it(amount: int, locale: str, shown: str) -> None:
    assert format_money(Money(amount, "EUR"), locale) == shown


@pytest.mark.parametrize(
    ("amount", "places", "written"),
    [
        (5_000, 4, "0.5000"),
        (5_000, 2, "0.50"),
        (5_000, 1, "0.5"),
        (833, 4, "0.0833"),
        (-5_000, 4, "-0.5000"),
        (0, 4, "0.0000"),
        (123_456_789, 4, "12345.6789"),
    ],
)
def test_money_is_written_with_fixed_decimals(amount: int, places: int, written: str) -> None:
    assert to_decimal_string(Money(amount, "EUR"), places) == written


@pytest.mark.parametrize(("amount", "places"), [(833, 2), (-1, 3), (0, 0), (0, 5)])
def test_money_is_never_rounded_when_written(amount: int, places: int) -> None:
    with pytest.raises(ValueError, match="decimals"):
        to_decimal_string(Money(amount, "EUR"), places)


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1.20", 120),
        ("1.2", 120),
        ("1", 100),
        (" 1.20 ", 120),
        ("+1.20", 120),
        ("0", 0),
        ("-0.00", 0),
        ("0.01", 1),
        ("0001.20", 120),
        ("10000000000.00", LARGEST_MINOR),
    ],
)
def test_an_amount_is_read_to_the_cent(text: str, minor: int) -> None:
    assert parse(text, "EUR") == Money.of_minor(minor, "EUR")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", AmountUnreadable),
        (" ", AmountUnreadable),
        ("abc", AmountUnreadable),
        ("1,20", AmountUnreadable),
        ("1.", AmountUnreadable),
        (".5", AmountUnreadable),
        ("1e3", AmountUnreadable),
        ("1_000", AmountUnreadable),
        ("0x10", AmountUnreadable),
        ("--1", AmountUnreadable),
        ("nan", AmountUnreadable),
        ("€1", AmountUnreadable),
        ("1 000", AmountUnreadable),
        ("\N{ARABIC-INDIC DIGIT ONE}", AmountUnreadable),
        ("1.200", AmountTooFine),
        ("0.001", AmountTooFine),
        ("10000000000.01", AmountTooLarge),
        ("9" * 5_000, AmountTooLarge),
        ("-99999999999", AmountTooLarge),
        ("-1.20", AmountNegative),
    ],
)
def test_garbage_is_refused_with_a_sentence(text: str, error: type[PrimelineError]) -> None:
    with pytest.raises(error) as raised:
        parse(text, "EUR")

    assert raised.value.sentence.endswith((".", "EUR."))
    assert len(raised.value.sentence) < 120


def test_a_negative_amount_is_read_where_it_makes_sense() -> None:
    assert parse("-1.20", "EUR", negative_allowed=True) == Money(-12_000, "EUR")


def test_an_amount_in_an_unknown_currency_is_refused() -> None:
    with pytest.raises(UnknownCurrency):
        parse("1", "XXX")
    with pytest.raises(UnknownCurrency):
        units_per_major("XXX")


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, (1, 1, 1), (34, 33, 33)),
        (101, (1, 1, 1), (34, 34, 33)),
        (5, (1, 0, 1), (3, 0, 2)),
        (10, (7, 2, 1), (7, 2, 1)),
        (1, (1, 2), (0, 1)),
        (0, (1, 2), (0, 0)),
        (7, (3,), (7,)),
    ],
)
def test_an_amount_is_allocated_by_largest_remainder_with_ties_in_order(
    total: int, weights: tuple[int, ...], parts: tuple[int, ...]
) -> None:
    assert allocate(total, weights) == parts


@pytest.mark.parametrize(("total", "weights"), [(-1, (1,)), (1, ()), (1, (0, 0)), (1, (2, -1))])
def test_what_cannot_be_allocated_is_refused(total: int, weights: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="allocated"):
        allocate(total, weights)


@pytest.mark.parametrize(
    ("amount", "written"), [(2_917, "0.2917 EUR"), (-12_345, "-1.2345 EUR"), (0, "0.0000 EUR")]
)
def test_records_hold_the_exact_amount(amount: int, written: str) -> None:
    assert str(Money(amount, "EUR")) == written
