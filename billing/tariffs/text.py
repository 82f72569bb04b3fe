"""Windows as a line of text: `night mon-fri,holiday 20:00-06:00 0.60`."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from billing.money.text import parse
from billing.tariffs.values import Tariff
from billing.tariffs.windows import DAYS, Day, InvalidWindow, Prices, Window, clock_of

EVERY_DAY: Final = "every-day"
"""All days of the week and public holidays too."""

_LINE: Final = re.compile(r"(\S+) +(\S+) +(\d\d):(\d\d)-(\d\d):(\d\d) +(\S+)((?: +[a-z]+=\S+)*)")
_FIELDS: Final = {
    "fee": "connect_fee",
    "minimum": "minimum_charge",
    "maximum": "maximum_charge",
    "act": "price_per_act",
}
_LAST_MINUTE: Final = 59


def own_prices(tariff: Tariff) -> Prices:
    """Give a version's own prices, which a window has where it says nothing else."""
    return Prices(
        price_per_minute=tariff.price_per_minute,
        connect_fee=tariff.connect_fee,
        minimum_charge=tariff.minimum_charge,
        maximum_charge=tariff.maximum_charge,
        price_per_act=tariff.price_per_act,
    )


def window_of(text: str, tariff: Tariff) -> Window:
    """Read a window: name, days, hours, price a minute, then what else differs from the version.

    `night mon-fri,holiday 20:00-06:00 0.60 fee=0.10`. Also `minimum=`, `maximum=` and `act=`.
    Raises InvalidWindow or what the reading of amounts raises.
    """
    match = _LINE.fullmatch(text.strip())
    if match is None:
        raise InvalidWindow(
            f"{text!r} is no window; write a name, days, hours and a price,"
            " like: night mon-fri,holiday 20:00-06:00 0.60"
        )
    name, days, *clock, price, others = match.groups()
    from_hour, from_minute, to_hour, to_minute = map(int, clock)
    if max(from_minute, to_minute) > _LAST_MINUTE:
        raise InvalidWindow(f"The hours of the window {name!r} are no times of a day.")
    prices = replace(own_prices(tariff), price_per_minute=parse(price, tariff.currency))
    given = [one.split("=", 1) for one in others.split()]
    if len({key for key, _ in given}) != len(given):
        raise InvalidWindow(f"The window {name!r} says a price twice.")
    for key, amount in given:
        if key not in _FIELDS:
            known = ", ".join(_FIELDS)
            raise InvalidWindow(f"The window {name!r} has no price {key!r}, only {known}.")
        prices = replace(prices, **{_FIELDS[key]: parse(amount, tariff.currency)})
    return Window(
        name,
        days_of(days, name),
        from_hour * 60 + from_minute,
        to_hour * 60 + to_minute,
        prices,
    )


def days_of(text: str, name: str) -> frozenset[Day]:
    """Read days, "mon-fri,sun,holiday" or "every-day"; a range may go past Sunday."""
    if text == EVERY_DAY:
        return frozenset(DAYS)
    days: set[Day] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        begins = _index(first, name)
        if last:
            if "holiday" in {first, last}:
                raise InvalidWindow(f"In the window {name!r} a holiday can't end a range of days.")
            length = (_index(last, name) - begins) % 7 + 1
            days.update(DAYS[(begins + step) % 7] for step in range(length))
        else:
            days.add(DAYS[begins])
    return frozenset(days)


def _index(day: str, name: str) -> int:
    for index, known in enumerate(DAYS):
        if known == day:
            return index
    known_days = ", ".join(DAYS)
    raise InvalidWindow(f"The window {name!r} names a day {day!r}; the days are {known_days}.")


def days_text(days: Iterable[Day]) -> str:
    """Write days as `days_of` reads them: "mon,tue,holiday"."""
    kept = frozenset(days)
    return EVERY_DAY if kept == frozenset(DAYS) else ",".join(sorted(kept, key=DAYS.index))


def hours_text(window: Window) -> str:
    """Write a window's hours: "20:00-06:00"."""
    return f"{clock_of(window.from_minute)}-{clock_of(window.to_minute)}"
