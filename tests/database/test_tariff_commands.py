"""Windows and net prices as they are typed."""

import shlex
from pathlib import Path

from tests.database.test_commands import Primeline, made, primeline

__all__ = ["primeline"]  # the fixture

NIGHT = ("--window", "night mon-fri,holiday 20:00-06:00 0.60 fee=0.10", "--holidays", "FR")


def euro(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def test_windows_are_set_shown_and_asked_at_a_moment(primeline: Primeline) -> None:
    add = ("tariff", "add", "standard", "--price", "1.20", "--from", "2026-01-01", *NIGHT)
    added = made(primeline, *add, "--zone", "Europe/Paris")
    assert added["price_per_minute"] == euro("1.2000")
    (night,) = added["windows"]
    assert night == {
        "window": "night",
        "days": "mon,tue,wed,thu,fri,holiday",
        "hours": "20:00-06:00",
        "time_zone": "Europe/Paris",
        "holidays_of": "FR",
        "price_per_minute": euro("0.6000"),
        "connect_fee": euro("0.1000"),
        "minimum": euro("0.0000"),
        "maximum": None,
        "price_per_act": None,
    }
    assert made(primeline, "tariff", "windows", "standard") == [night]
    (kept,) = made(primeline, "tariff", "show", "standard")
    assert (kept["windows"], kept["price_per_minute"]) == (["night"], euro("1.2000"))

    cases = [
        ("2026-06-01T17:59:59Z", "2026-06-01T19:59+02:00", None, "1.2000"),
        ("2026-06-01T20:00+02:00", "2026-06-01T20:00+02:00", "night", "0.6000"),
        ("2026-06-06T05:59+02:00", "2026-06-06T05:59+02:00", "night", "0.6000"),
        ("2026-06-06T20:00+02:00", "2026-06-06T20:00+02:00", None, "1.2000"),
    ]
    for asked, local, window, price in cases:
        found = made(primeline, "tariff", "at", "standard", "--time", asked)
        assert (found["local_time"], found["window"]) == (local, window)
        assert found["price_per_minute"] == euro(price)
    shown = primeline("tariff", "windows", "standard")
    assert "mon,tue,wed,thu,fri,holiday" in shown.output


def test_the_how_to_pages_example_does_what_the_page_says(primeline: Primeline) -> None:
    page = Path("docs/how-to/prices-by-the-hour.md").read_text(encoding="utf-8")
    typed = page.split("```sh\n", 2)[1].split("```")[0].replace("\\\n", " ")
    made(primeline, *shlex.split(typed)[1:], "--from", "2026-01-01")
    cases = [
        ("2026-12-01T19:59:59+01:00", None, "1.2000"),
        ("2026-12-01T20:00+01:00", "night", "0.9000"),
        ("2026-12-02T05:59+01:00", "night", "0.9000"),
        ("2026-12-02T06:00+01:00", None, "1.2000"),
        ("2026-12-06T06:00+01:00", "sunday", "0.9000"),
        ("2026-12-25T12:00+01:00", "holidays", "1.5000"),
        ("2026-12-25T20:00+01:00", None, "1.2000"),
    ]
    for moment, window, price in cases:
        found = made(primeline, "tariff", "at", "standard", "--time", moment)
        assert (found["window"], found["price_per_minute"]) == (window, euro(price))


def test_prices_without_tax_are_kept_and_shown_with_it(primeline: Primeline) -> None:
    add = ("tariff", "add", "net", "--price", "0.99", "--connect-fee", "0.10", "--tax", "19")
    added = made(primeline, *add, "--net", *NIGHT[:1], "night every-day 20:00-06:00 0.50")
    assert added["price_per_minute"] == euro("1.1800")
    assert added["connect_fee"] == euro("0.1200")
    (night,) = added["windows"]
    assert (night["price_per_minute"], night["connect_fee"]) == (euro("0.6000"), euro("0.1200"))


def test_windows_that_cannot_be_are_refused_with_a_sentence(primeline: Primeline) -> None:
    add = ("tariff", "add", "x", "--price", "1.20")
    cases = {
        ("--window", "a mon 08:00-10:00 1", "--window", "b mon 09:00-11:00 2"): "'a' and 'b' over",
        ("--window", "a holiday 08:00-10:00 1"): "name the country",
        ("--window", "a mon 08:00-10:00 1", "--zone", "Europe/Nowhere"): "no time zone",
        ("--window", "a mon 08:00-10:00 1", "--holidays", "XX"): "no public holidays known of 'XX'",
        ("--window", "a monday 08:00-10:00 1"): "names a day 'monday'",
        ("--window", "a mon-holiday 08:00-10:00 1"): "can't end a range",
        ("--window", "a mon 8-10 1"): "is no window",
        ("--window", "a mon 08:60-10:00 1"): "no times of a day",
        ("--window", "a mon 08:00-10:00 1 tip=1"): "no price 'tip'",
        ("--window", "a mon 08:00-10:00 1 fee=1 fee=2"): "says a price twice",
        ("--holidays", "FR"): "add a --window",
    }
    for words, told in cases.items():
        result = primeline(*add, *words)
        assert result.exit_code != 0, words
        assert told in " ".join(result.output.replace("│", " ").split()), result.output
    assert made(primeline, "tariff", "list") == []


def test_a_moment_before_the_first_version_has_no_price(primeline: Primeline) -> None:
    made(primeline, "tariff", "add", "later", "--price", "1", "--from", "2100-01-01")
    for words in (("at", "later"), ("windows", "later")):
        result = primeline("tariff", *words)
        assert result.exit_code == 1
        assert "has no version at" in result.output
