"""Lengths of time as words."""

from typing import Final

from dialplan.prompts.numbers import number_words

_NOUNS: Final = {"en": ("minute", "second"), "fr": ("minute", "seconde")}
_AND: Final = {"en": "and", "fr": "et"}


def counted(number: int, noun: str, language: str) -> str:
    """Say a number of regular feminine nouns: 21 "minute" in French is "vingt et une minutes".

    French counts zero and one as singular, English only one.
    """
    singular = number == 1 or (language == "fr" and number == 0)
    words = number_words(number, language, feminine=True)
    return f"{words} {noun}" if singular else f"{words} {noun}s"


def duration(seconds: int, language: str) -> str:
    """Say a length exactly: 90 is "one minute and thirty seconds"."""
    minute, second = _NOUNS[language]
    minutes, rest = divmod(seconds, 60)
    if not rest and minutes:
        return counted(minutes, minute, language)
    tail = counted(rest, second, language)
    if not minutes:
        return tail
    return f"{counted(minutes, minute, language)} {_AND[language]} {tail}"


def more_than_an_hour(language: str) -> str:
    """Say a long time without its exact length."""
    return {"en": "more than an hour", "fr": "plus d’une heure"}[language]
