"""The sentences without a value in them, by id and language."""

import tomllib
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from billing.kit.languages import LANGUAGES, UnknownLanguage, check_language

__all__ = ["LANGUAGES", "UnknownLanguage", "catalogue"]


@cache
def catalogue(language: str) -> MappingProxyType[str, str]:
    """Give the text of each id; empty where the sound is a tone and no word.

    Raises UnknownLanguage.
    """
    name = f"{check_language(language)}.toml"
    source = files(__package__).joinpath("texts", name).read_text(encoding="utf-8")
    listeners: dict[str, dict[str, str]] = tomllib.loads(source)
    return MappingProxyType(
        {id_: text for said in listeners.values() for id_, text in said.items()}
    )
