"""The languages that callers and experts can be spoken to in."""

from typing import Final

from billing.kit.errors import PrimelineError

LANGUAGES: Final = ("en", "fr")
"""ISO 639-1; the first is the default. Each has its prompts in `dialplan/prompts/texts/`."""


class UnknownLanguage(PrimelineError):
    """A language without prompts: a call in it would die at its first sentence."""

    code = "unknown-language"

    def __init__(self, language: str) -> None:
        super().__init__(f"There are no prompts in {language!r}, only in: {', '.join(LANGUAGES)}.")


def check_language(language: str) -> str:
    """Give the language back; raises UnknownLanguage."""
    if language not in LANGUAGES:
        raise UnknownLanguage(language)
    return language
