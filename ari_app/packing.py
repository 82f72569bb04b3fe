"""Values of ours as JSON and back: frozen dataclasses and what they are made of, by name.

For two processes that hand calls over, of which one may be of the next version: a field that the
reader doesn't know is left out, one that the writer didn't know has its default.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from fractions import Fraction
from importlib import import_module
from typing import Any, Final
from uuid import UUID

OURS: Final = ("ari_app.", "billing.", "dialplan.")
"""Only classes of these packages are made from what is read."""

_PLAIN: Final = (str, int, bool, type(None))
_MICROSECOND: Final = timedelta(microseconds=1)
_WRITERS: Final[tuple[tuple[type, str, Callable[[Any], Any]], ...]] = (
    (UUID, "uuid", str),
    (datetime, "datetime", datetime.isoformat),
    (date, "date", date.isoformat),
    (time, "time", time.isoformat),
    (timedelta, "us", lambda value: value // _MICROSECOND),
    (Fraction, "fraction", str),
)
_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "uuid": UUID,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "us": lambda value: value * _MICROSECOND,
    "fraction": Fraction,
    "tuple": lambda parts: tuple(unpack(part) for part in parts),
    "list": lambda parts: [unpack(part) for part in parts],
    "set": lambda parts: frozenset(unpack(part) for part in parts),
    "map": lambda pairs: {unpack(key): unpack(value) for key, value in pairs},
}


class Unpackable(Exception):
    """A value that is none of those that can be handed over."""


def pack(value: Any) -> Any:  # noqa: PLR0911  (one for each kind of value)
    """Give `value` as JSON's own types; raises Unpackable."""
    if isinstance(value, Enum):
        return {"enum": _name(type(value)), "value": value.value}
    if isinstance(value, _PLAIN):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        kept = {one.name: pack(getattr(value, one.name)) for one in fields(value) if one.init}
        return {"of": _name(type(value)), "fields": kept}
    for kind, word, write in _WRITERS:
        if isinstance(value, kind):
            return {word: write(value)}
    if isinstance(value, tuple):
        return {"tuple": [pack(part) for part in value]}
    if isinstance(value, list):
        return {"list": [pack(part) for part in value]}
    if isinstance(value, frozenset | set):
        return {"set": [pack(part) for part in value]}
    if isinstance(value, Mapping):
        return {"map": [[pack(key), pack(one)] for key, one in value.items()]}
    raise Unpackable(type(value).__name__)


def unpack(raw: Any) -> Any:
    """Give back what was packed; raises Unpackable."""
    if isinstance(raw, _PLAIN):
        return raw
    if not isinstance(raw, dict):
        raise Unpackable("neither plain nor named")
    try:
        if "enum" in raw:
            return _class(raw["enum"])(raw["value"])
        if "of" in raw:
            kind = _class(raw["of"])
            known = {one.name for one in fields(kind) if one.init}
            given = raw["fields"].items()
            return kind(**{name: unpack(value) for name, value in given if name in known})
        word, value = next(iter(raw.items()))
        return _READERS[word](value)
    except (KeyError, ValueError, TypeError, AttributeError, ImportError, StopIteration) as error:
        # Never the value: it may hold a digit of a PIN.
        raise Unpackable(type(error).__name__) from None


def _name(kind: type) -> str:
    if not kind.__module__.startswith(OURS):
        raise Unpackable(kind.__qualname__)
    return f"{kind.__module__}:{kind.__qualname__}"


def _class(name: str) -> Any:
    module, _, qualified = name.partition(":")
    kind = getattr(import_module(module), qualified) if module.startswith(OURS) else None
    if not isinstance(kind, type) or not (is_dataclass(kind) or issubclass(kind, Enum)):
        raise Unpackable(name)
    return kind
