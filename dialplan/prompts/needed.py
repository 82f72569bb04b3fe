"""Which phrases are rendered before the first call."""

from collections.abc import Iterator

from billing.money.values import MINOR_PER_MAJOR, Money
from dialplan.prompts.catalogue import LANGUAGES, catalogue
from dialplan.prompts.dates import RANGES
from dialplan.prompts.values import Phrase


def fixed_phrases() -> Iterator[Phrase]:
    """Give every phrase without a value."""
    for id_ in catalogue(LANGUAGES[0]):
        yield Phrase(id_)


def amount_phrases(currency: str, greatest_major: int = 100) -> Iterator[Phrase]:
    """Give amounts whose sounds together say each amount up to `greatest_major` units."""
    hundred = MINOR_PER_MAJOR[currency]
    yield Phrase("unit", currency)
    for major in range(greatest_major + 1):
        yield Phrase("amount", Money.of_minor(major * hundred, currency))
    for minor in range(1, hundred):
        yield Phrase("amount", Money.of_minor(minor, currency))
        yield Phrase("amount", Money.of_minor(hundred + minor, currency))


def length_phrases() -> Iterator[Phrase]:
    """Give all that is said of credit, whatever its length, and of free calls in whole minutes.

    A number whose free limit is another needs its own `free-call`.
    """
    for seconds in range(60, 3_601, 60):
        yield Phrase("free-call", seconds)
    # The last one is "more than an hour".
    for seconds in (*range(1, 60), *range(60, 3_661, 60)):
        yield Phrase("credit-buys", seconds)
        yield Phrase("credit-buys-caller", seconds)


def dated_phrases() -> Iterator[Phrase]:
    """Give all that dates, hours, lengths of time and great sums are put together from."""
    for id_, values in RANGES.items():
        for value in values:
            yield Phrase(id_, value)


def standing_phrases(currency: str) -> Iterator[Phrase]:
    """Give all phrases that a line with accounts in `currency` needs, but prices and names."""
    yield from fixed_phrases()
    yield from length_phrases()
    yield from dated_phrases()
    yield from amount_phrases(currency)
