"""What is said for a phrase: pure texts, one for each sound file."""

import unicodedata
from typing import Final

from billing.money.values import Money
from billing.tariffs.values import Tariff
from dialplan.prompts.amounts import amount_texts
from dialplan.prompts.catalogue import LANGUAGES, UnknownLanguage, catalogue
from dialplan.prompts.dates import RANGES, date_text, unit_text
from dialplan.prompts.durations import duration, more_than_an_hour
from dialplan.prompts.numbers import UnsayableValue
from dialplan.prompts.prices import price_text
from dialplan.prompts.values import Phrase

NAME_LENGTH: Final = 60
"""The longest name said, in characters."""

VALUED: Final = frozenset(
    {
        "price",
        "credit-buys",
        "credit-buys-caller",
        "free-call",
        "amount",
        "expert-name",
        "provider",
        "service",
        "unit",
    }
    | RANGES.keys()
)
"""Ids of the phrases that carry a value."""

_HOUR_SECONDS: Final = 3_600
_CREDIT_BUYS: Final = {
    ("credit-buys", "en"): "Your credit is enough for {}.",
    ("credit-buys", "fr"): "Votre crédit suffit pour {}.",
    ("credit-buys-caller", "en"): "The caller has credit for {}.",
    ("credit-buys-caller", "fr"): "L’appelant a du crédit pour {}.",
}
_NAMED: Final = {
    ("provider", "en"): "This service is provided by {}.",
    ("provider", "fr"): "Ce service est fourni par {}.",
    ("service", "en"): "The service is called {}.",
    ("service", "fr"): "Ce service s’appelle {}.",
}
_FREE_CALL: Final = {
    "en": "This call is free and lasts {} at most.",
    "fr": "Cet appel est gratuit et dure {} au plus.",
}


class UnknownPhrase(KeyError):
    """An id that is neither in the catalogue nor a phrase with a value: a programming error."""


def texts(  # noqa: C901, PLR0911  (a table of kinds of phrases)
    phrase: Phrase, language: str
) -> tuple[str, ...]:
    """Give what is said, one text for each sound file; empty text where it is only a tone.

    `Phrase("amount", Money.of_minor(1230, "EUR"))` is "twelve euros", "and thirty cents".
    Raises UnsayableValue, UnknownLanguage, UnknownPhrase.
    """
    if language not in LANGUAGES:
        raise UnknownLanguage(language)
    id_, value = phrase.id, phrase.value
    match id_, value:
        case "price", Tariff():
            return (price_text(value, language),)
        case (("credit-buys" | "credit-buys-caller"), int()):
            return (_CREDIT_BUYS[id_, language].format(_credit_lasts(id_, value, language)),)
        case "free-call", int():
            if value < 1:
                raise UnsayableValue(id_, value)
            return (_FREE_CALL[language].format(duration(value, language)),)
        case "amount", Money():
            return amount_texts(value, language)
        case "expert-name", str():
            return (_name(id_, value, digits=False),)
        case (("provider" | "service"), str()):
            return (_NAMED[id_, language].format(_name(id_, value, digits=True)),)
        case "unit", str():
            return (unit_text(value, language),)
        case _, int() if id_ in RANGES:
            return (date_text(id_, value, language),)
    if id_ in VALUED:
        raise UnsayableValue(id_, value)
    try:
        return (catalogue(language)[id_],)
    except KeyError:
        raise UnknownPhrase(id_) from None


def transcript(phrase: Phrase, language: str) -> str:
    """Give the words for a person to read, as one line; "(tone)" for a tone without words."""
    return " ".join(text for text in texts(phrase, language) if text) or "(tone)"


def _credit_lasts(id_: str, seconds: int, language: str) -> str:
    # Floors, so that nobody is promised more than the credit buys.
    if seconds < 1:
        raise UnsayableValue(id_, seconds)
    if seconds >= _HOUR_SECONDS + 60:
        return more_than_an_hour(language)
    return duration(seconds if seconds < 60 else seconds // 60 * 60, language)  # noqa: PLR2004


def _name(id_: str, name: str, *, digits: bool) -> str:
    # An expert's name has no digits, so that nobody's number is spelled in it.
    kept = "".join(
        letter if letter.isalpha() or letter in "-'’" or (digits and letter.isalnum()) else " "
        for letter in unicodedata.normalize("NFC", name)
    )
    clean = " ".join(kept.split())[:NAME_LENGTH].strip(" -'’")
    if not clean:
        raise UnsayableValue(id_, name)
    return clean
