"""Reading the data files of rules: strict, because money and law hang on each line."""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from billing.kit.errors import PrimelineError
from billing.money.values import MINOR_PER_MAJOR
from billing.rulesets.errors import RuleSetUnreadable
from billing.rulesets.figures import KINDS, range_of_cap, read_data
from billing.rulesets.values import Figure, NumberRange, RuleSet

DATA: Final = Path(__file__).parent / "data"
RULES: Final = frozenset(f"R{number}" for number in range(1, 30))

_FIELDS: Final = frozenset({"area", "valid-from", "currency", "ranges", "figures", "countries"})
_OPTIONAL: Final = frozenset({"countries", "ranges"})
_FIGURE_FIELDS: Final = frozenset({"rule", "value", "source", "sure"})
_RANGE_FIELDS: Final = frozenset({"name", "prefix", "kind"})


@cache
def shipped() -> tuple[RuleSet, ...]:
    """Load the sets that come with Primeline."""
    return load_all(DATA)


def load_all(folder: Path) -> tuple[RuleSet, ...]:
    """Load `<country>/<valid-from>.toml`, oldest first. Raises RuleSetUnreadable."""
    sets = []
    for path in sorted(folder.glob("*/*")):
        where = f"{path.parent.name}/{path.name}"
        if path.suffix != ".toml":
            raise RuleSetUnreadable(where, "it is no .toml file")
        try:
            data = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RuleSetUnreadable(where, str(error)) from error
        loaded = read(where, data)
        if where != f"{loaded.area.lower()}/{loaded.valid_from.isoformat()}.toml":
            raise RuleSetUnreadable(where, f"it says {loaded.name}, another than its file's name")
        sets.append(loaded)
    check_dates(sets)
    return tuple(sorted(sets, key=lambda one: (one.valid_from, one.area)))


def check_dates(sets: Iterable[RuleSet]) -> None:
    """Raise RuleSetUnreadable if two sets of one area begin on one day."""
    seen: set[str] = set()
    for one in sets:
        if one.name in seen:
            raise RuleSetUnreadable(one.name, "another set of the area begins on that day")
        seen.add(one.name)


def read(where: str, data: Mapping[str, Any]) -> RuleSet:
    """Make a set of a file's content. Raises RuleSetUnreadable."""
    _fields(where, data, _FIELDS, _OPTIONAL)
    currency, day, area = data["currency"], data["valid-from"], data["area"]
    if currency not in MINOR_PER_MAJOR:
        raise RuleSetUnreadable(where, f"currency {currency!r} isn't known")
    if not isinstance(day, date) or isinstance(day, datetime):
        raise RuleSetUnreadable(where, "valid-from is no day")
    if not isinstance(area, str) or len(area) != len("FR") or not area.isupper():
        raise RuleSetUnreadable(where, "area is no country's two letters")
    ranges = tuple(_range(where, one) for one in data.get("ranges", ()))
    figures = {
        name: _figure(where, name, one, currency, ranges) for name, one in data["figures"].items()
    }
    countries = frozenset(data.get("countries", (area,)))
    return RuleSet(area, day, currency, countries, ranges, figures)


def _figure(
    where: str, name: str, data: Mapping[str, Any], currency: str, ranges: tuple[NumberRange, ...]
) -> Figure:
    _fields(f"{where} {name}", data, _FIGURE_FIELDS)
    capped = range_of_cap(name)
    if name not in KINDS and capped not in {one.name for one in ranges}:
        raise RuleSetUnreadable(where, f"there is no figure {name!r}")
    if data["rule"] not in RULES:
        raise RuleSetUnreadable(where, f"{name} is of no known rule")
    if not isinstance(data["sure"], bool):
        raise RuleSetUnreadable(where, f"{name} is neither sure nor unsure")
    if not isinstance(data["source"], str) or not data["source"].strip():
        raise RuleSetUnreadable(where, f"{name} has no source")
    try:
        value = read_data(name, data["value"], currency)
    except PrimelineError as error:
        raise RuleSetUnreadable(where, error.sentence.rstrip(".")) from error
    return Figure(name, data["rule"], value, data["source"], data["sure"])


def _range(where: str, data: Mapping[str, Any]) -> NumberRange:
    _fields(f"{where} ranges", data, _RANGE_FIELDS)
    if data["kind"] not in {"surcharge", "toll-free"}:
        raise RuleSetUnreadable(where, f"a range is no {data['kind']!r}")
    prefix = str(data["prefix"])
    if not (prefix.startswith("+") and prefix[1:].isascii() and prefix[1:].isdigit()):
        raise RuleSetUnreadable(where, f"{prefix!r} is no beginning of a number")
    return NumberRange(str(data["name"]), prefix, data["kind"])


def _fields(
    where: str,
    data: Mapping[str, Any],
    known: frozenset[str],
    optional: frozenset[str] = frozenset(),
) -> None:
    unknown, missing = sorted(set(data) - known), sorted(known - optional - set(data))
    if unknown:
        raise RuleSetUnreadable(where, f"{', '.join(unknown)} unknown")
    if missing:
        raise RuleSetUnreadable(where, f"{', '.join(missing)} missing")
