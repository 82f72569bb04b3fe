"""The sentences without a value in them, by id and language."""

import tomllib
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from billing.kit.errors import PrimelineError

LANGUAGES: Final = ("en", "fr")
"""The languages spoken, ISO 639-1; the first is the default."""


class UnknownLanguage(PrimelineError):
    """A language without texts."""

    code = "unknown-language"

    def __init__(self, language: str) -> None:
        super().__init__(f"There are no prompts in {language!r}, only in: {', '.join(LANGUAGES)}.")


@cache
def catalogue(language: str) -> MappingProxyType[str, str]:
    """Give the text of each id; empty where the sound is a tone and no word.

    Raises UnknownLanguage.
    """
    if language not in LANGUAGES:
        raise UnknownLanguage(language)
    source = files(__package__).joinpath("texts", f"{language}.toml").read_text(encoding="utf-8")
    listeners: dict[str, dict[str, str]] = tomllib.loads(source)
    return MappingProxyType(
        {id_: text for said in listeners.values() for id_, text in said.items()}
    )
