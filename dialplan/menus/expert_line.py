"""The expert line: an expert goes on and off line, hears his earnings, changes his price; pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import time
from typing import Any, Final

from billing.money.values import Money
from dialplan.menus.pin import Next, after_pin
from dialplan.menus.saying import Said, said
from dialplan.menus.values import (
    Ask,
    Began,
    CheckPin,
    Done,
    Earnings,
    Event,
    Farewell,
    IllegalEvent,
    Keyed,
    OnLine,
    Output,
    PinTried,
    Price,
    Read,
    Readable,
    Refused,
    SetOnLine,
    SetPrice,
)
from dialplan.prompts.spoken import clock_phrases, sum_phrases
from dialplan.prompts.values import Phrase

TRIES: Final = 3
"""Wrong extensions and PINs together, wrong hours or prices, and silences in a row."""

PIN_LENGTH: Final = 12
EXTENSION_LENGTH: Final = 8
HOUR_LENGTH: Final = 4
PRICE_LENGTH: Final = 5

_ON_LINE: Final = {"1": True, "2": False}
_UNTIL: Final = "3"
_READ: Final[Mapping[str, Readable]] = {"4": "earnings", "5": "price"}
_GOODBYE: Final = "9"
_YES: Final = "1"


@dataclass(frozen=True, slots=True)
class Beginning:
    """Nothing was said yet."""


@dataclass(frozen=True, slots=True)
class AskingExtension:
    """Who calls is keyed: his own extension."""

    wrong: int = 0
    silences: int = 0


@dataclass(frozen=True, slots=True)
class AskingPin:
    """His PIN is keyed or tried."""

    extension: str
    wrong: int = 0
    silences: int = 0


@dataclass(frozen=True, slots=True)
class InMenu:
    """A choice is awaited, or what was chosen is being done."""

    silences: int = 0


@dataclass(frozen=True, slots=True)
class AskingHour:
    """The hour he is on line until is keyed."""

    wrong: int = 0


@dataclass(frozen=True, slots=True)
class AskingPrice:
    """A new price is keyed, or (`wanted`) its confirmation."""

    least: Money
    most: Money
    wrong: int = 0
    wanted: Money | None = None


State = Beginning | AskingExtension | AskingPin | InMenu | AskingHour | AskingPrice
Step = tuple[State, Output]

START: Final = Beginning()


def step(state: State, event: Event) -> Step:
    """Give what the dialogue is after an event, and what it wants.

    Raises IllegalEvent for what isn't the outcome of its last output.
    """
    handler = _TABLE.get((type(state), type(event)))
    if handler is None:
        raise IllegalEvent(state, event)
    return handler(state, event)


def hour_of(digits: str) -> time | None:
    """Read an hour keyed as four digits: "1830" is 18:30, "2400" midnight; None: it is none."""
    if len(digits) != HOUR_LENGTH:
        return None
    hour, minute = int(digits[:2]), int(digits[2:])
    if (hour, minute) == (24, 0):
        return time(0, 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None  # noqa: PLR2004  (a clock's)


def _bye(result: str, *phrases: Said) -> Farewell:
    return Farewell(said(*phrases, "expert-goodbye"), result)


def _menu(*before: Said) -> Step:
    return InMenu(), Ask(said(*before, "expert-menu"), 1)


# Who calls.


def _began(state: Beginning, event: Began) -> Step:
    del state, event
    return AskingExtension(), Ask(said("welcome", "enter-own-extension"), EXTENSION_LENGTH)


def _extension_keyed(state: AskingExtension, event: Keyed) -> Step:
    if event.digits:
        return AskingPin(event.digits, state.wrong), Ask(said("enter-pin"), PIN_LENGTH)
    state = replace(state, silences=state.silences + 1)
    if state.silences >= TRIES:
        return state, _bye("nothing-keyed", "nothing-keyed")
    return state, Ask(said("enter-own-extension"), EXTENSION_LENGTH)


def _pin_keyed(state: AskingPin, event: Keyed) -> Step:
    if event.digits:
        return state, CheckPin(event.digits, state.extension)
    state = replace(state, silences=state.silences + 1)
    if state.silences >= TRIES:
        return state, _bye("nothing-keyed", "nothing-keyed")
    return state, Ask(said("enter-pin"), PIN_LENGTH)


def _pin_tried(state: AskingPin, event: PinTried) -> Step:
    wrong = state.wrong + 1
    match after_pin(event.check, wrong, TRIES):
        case Next.GO_ON:
            return InMenu(), Read("on-line")
        case Next.LOCKED:
            return state, _bye("pin-locked", "expert-pin-locked")
        case Next.WRONG:
            return state, _bye("pin-wrong", "wrong-extension-or-pin")
    again = said("wrong-extension-or-pin", "enter-own-extension")
    return AskingExtension(wrong), Ask(again, EXTENSION_LENGTH)


# The menu.


def _chosen(state: InMenu, event: Keyed) -> Step:
    digit = event.digits
    if digit in _ON_LINE:
        return InMenu(), SetOnLine(on_line=_ON_LINE[digit])
    if digit == _UNTIL:
        return AskingHour(), Ask(said("enter-hour"), HOUR_LENGTH)
    if digit in _READ:
        return InMenu(), Read(_READ[digit])
    if digit == _GOODBYE:
        return state, _bye("done")
    state = replace(state, silences=state.silences + 1)
    if state.silences >= TRIES:
        return state, _bye("nothing-keyed", "nothing-keyed")
    return state, Ask(said("expert-menu"), 1)


def _on_line(state: InMenu | AskingHour, event: OnLine) -> Step:
    del state
    if not event.on_line:
        return _menu("you-are-off-line")
    if event.until is None:
        return _menu("you-are-on-line")
    return _menu("you-are-on-line-until", *clock_phrases(event.until))


def _earnings(state: InMenu, event: Earnings) -> Step:
    del state
    heard: list[Said] = []
    for phrase, sums in (("earned-today", event.today), ("earned-this-month", event.month)):
        heard += [phrase, *(_sums(sums) or [Phrase("nothing")])]
    if event.expected:
        heard += ["expected-this-month", *_sums(event.expected)]
    return _menu(*heard)


def _sums(sums: tuple[Money, ...]) -> list[Phrase]:
    return [phrase for money in sums if money.amount >= 0 for phrase in sum_phrases(money)]


# Until an hour.


def _hour_keyed(state: AskingHour, event: Keyed) -> Step:
    if not event.digits:
        return _menu("nothing-changed")
    hour = hour_of(event.digits)
    if hour is not None:
        return state, SetOnLine(on_line=True, until=hour)
    state = replace(state, wrong=state.wrong + 1)
    if state.wrong >= TRIES:
        return _menu("no-such-hour")
    return state, Ask(said("no-such-hour", "enter-hour"), HOUR_LENGTH)


# The price.


def _price_read(state: InMenu, event: Price) -> Step:
    del state
    if event.now is None or event.least is None or event.most is None:
        return _menu("price-not-settable")
    heard: tuple[Said, ...] = (
        "price-is",
        *sum_phrases(event.now),
        "price-from",
        *sum_phrases(event.least),
        "price-to",
        *sum_phrases(event.most),
        "enter-price",
    )
    return AskingPrice(event.least, event.most), Ask(said(*heard), PRICE_LENGTH)


def _price_keyed(state: AskingPrice, event: Keyed) -> Step:
    if state.wanted is not None:
        if event.digits == _YES:
            return state, SetPrice(state.wanted)
        return _menu("nothing-changed")
    if not event.digits:
        return _menu("nothing-changed")
    wanted = Money.of_minor(int(event.digits), state.least.currency)
    if state.least.amount <= wanted.amount <= state.most.amount:
        asked: tuple[Said, ...] = ("new-price", *sum_phrases(wanted), "press-1-to-confirm")
        return replace(state, wanted=wanted), Ask(said(*asked), 1)
    state = replace(state, wrong=state.wrong + 1)
    if state.wrong >= TRIES:
        return _menu("price-out-of-bounds")
    return state, Ask(said("price-out-of-bounds", "enter-price"), PRICE_LENGTH)


def _price_set(state: AskingPrice, event: Done) -> Step:
    del state, event
    return _menu("price-set")


def _price_refused(state: AskingPrice, event: Refused) -> Step:
    del state
    return _menu(event.phrase)


_TABLE: Final[Mapping[tuple[type, type], Callable[[Any, Any], Step]]] = {
    (Beginning, Began): _began,
    (AskingExtension, Keyed): _extension_keyed,
    (AskingPin, Keyed): _pin_keyed,
    (AskingPin, PinTried): _pin_tried,
    (InMenu, Keyed): _chosen,
    (InMenu, OnLine): _on_line,
    (InMenu, Earnings): _earnings,
    (InMenu, Price): _price_read,
    (AskingHour, Keyed): _hour_keyed,
    (AskingHour, OnLine): _on_line,
    (AskingPrice, Keyed): _price_keyed,
    (AskingPrice, Done): _price_set,
    (AskingPrice, Refused): _price_refused,
}
"""Every legal event of every state."""
