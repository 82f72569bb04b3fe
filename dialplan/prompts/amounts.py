"""Sums of money as words."""

from dataclasses import dataclass
from typing import Final

from billing.money.values import LEDGER_UNITS_PER_MINOR, MINOR_PER_MAJOR, Money
from dialplan.prompts.numbers import UnsayableValue, number_words


@dataclass(frozen=True, slots=True)
class Coin:
    """The noun of a unit of money; `feminine` is its gender in French."""

    one: str
    many: str
    feminine: bool = False


COINS: Final[dict[tuple[str, str], tuple[Coin, Coin]]] = {
    ("EUR", "en"): (Coin("euro", "euros"), Coin("cent", "cents")),
    ("USD", "en"): (Coin("dollar", "dollars"), Coin("cent", "cents")),
    ("GBP", "en"): (Coin("pound", "pounds"), Coin("penny", "pence")),
    ("CHF", "en"): (Coin("franc", "francs"), Coin("centime", "centimes")),
    ("EUR", "fr"): (Coin("euro", "euros"), Coin("centime", "centimes")),
    ("USD", "fr"): (Coin("dollar", "dollars"), Coin("cent", "cents")),
    ("GBP", "fr"): (Coin("livre", "livres", feminine=True), Coin("penny", "pence")),
    ("CHF", "fr"): (Coin("franc", "francs"), Coin("centime", "centimes")),
}
"""By currency and language: the major unit and its hundredth."""

_AND: Final = {"en": "and", "fr": "et"}
_TEN_MINOR: Final = 10


def amount_texts(money: Money, language: str) -> tuple[str, ...]:
    """Say an amount in one or two phrases; what is below a cent is dropped, never rounded up.

    12.30 EUR is "twelve euros", "and thirty cents". Raises UnsayableValue below zero.
    """
    if money.amount < 0:
        raise UnsayableValue("amount", money)
    major, minor = _split(money)
    unit, cent = COINS[money.currency, language]
    if not minor:
        return (_counted(major, unit, language),)
    cents = _counted(minor, cent, language)
    return (_counted(major, unit, language), f"{_AND[language]} {cents}") if major else (cents,)


def price_words(money: Money, language: str) -> str:
    """Say a price as people do: 1.50 EUR is "one euro fifty", 1.05 "one euro and five cents".

    Raises UnsayableValue for an amount that isn't a whole number of cents: a price is said
    exactly or not at all.
    """
    major, minor = _split(money)
    unit, _ = COINS[money.currency, language]
    if not money.is_whole_minor:
        raise UnsayableValue("price", money)
    if major and minor >= _TEN_MINOR:
        return f"{_counted(major, unit, language)} {number_words(minor, language)}"
    return " ".join(amount_texts(money, language))


def _split(money: Money) -> tuple[int, int]:
    return divmod(money.amount // LEDGER_UNITS_PER_MINOR, MINOR_PER_MAJOR[money.currency])


def _counted(number: int, coin: Coin, language: str) -> str:
    singular = number == 1 or (language == "fr" and number == 0)
    words = number_words(number, language, feminine=coin.feminine)
    return f"{words} {coin.one if singular else coin.many}"
