"""The account line: a caller hears and changes what is his. PIN always; pure, without a clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from billing.money.values import MINOR_PER_MAJOR, Money
from dialplan.menus.pin import Next, after_pin
from dialplan.menus.saying import Said, said
from dialplan.menus.values import (
    Ask,
    Balance,
    Began,
    Calls,
    CheckPin,
    Done,
    Event,
    Farewell,
    IllegalEvent,
    Keyed,
    Output,
    PastCall,
    PinTried,
    Read,
    Readable,
    Redeemed,
    RedeemVoucher,
    Refused,
    SetDayLimit,
    SpendingLimits,
)
from dialplan.prompts.spoken import clock_phrases, date_phrases, length_phrases, sum_phrases
from dialplan.prompts.values import Phrase

TRIES: Final = 3
"""Wrong PINs, wrong codes, and silences in a row."""

PIN_LENGTH: Final = 12
CODE_LENGTH: Final = 16
LIMIT_LENGTH: Final = 4
"""A day's limit is keyed in whole units, up to 9 999."""

TRIES_USED_UP: Final = "voucher-tries"

_READ: Final[Mapping[str, Readable]] = {"1": "balance", "3": "calls", "4": "limits"}
_VOUCHER: Final = "2"
_LIMIT: Final = "5"
_GOODBYE: Final = "9"
_YES: Final = "1"


@dataclass(frozen=True, slots=True)
class Beginning:
    """Nothing was said yet."""


@dataclass(frozen=True, slots=True)
class AskingPin:
    """A PIN is keyed or tried."""

    wrong: int = 0
    silences: int = 0


@dataclass(frozen=True, slots=True)
class InMenu:
    """A choice is awaited, or what was chosen is being read."""

    currency: str = ""
    silences: int = 0


@dataclass(frozen=True, slots=True)
class AskingCode:
    """A voucher's code is keyed or redeemed."""

    currency: str
    wrong: int = 0


@dataclass(frozen=True, slots=True)
class AskingLimit:
    """A new limit for a day is keyed, or (`wanted`) its confirmation."""

    currency: str
    wanted: Money | None = None


State = Beginning | AskingPin | InMenu | AskingCode | AskingLimit
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


def _bye(result: str, *phrases: Said) -> Farewell:
    return Farewell(said(*phrases, "goodbye"), result)


def _menu(currency: str, *before: Said) -> Step:
    return InMenu(currency), Ask(said(*before, "account-menu"), 1)


# Who calls.


def _began(state: Beginning, event: Began) -> Step:
    if not event.known:
        return state, _bye("caller-unknown", "welcome", "caller-unknown")
    if event.locked:
        return state, _bye("pin-locked", "welcome", "pin-locked")
    return AskingPin(), Ask(said("welcome", "enter-pin"), PIN_LENGTH)


def _pin_keyed(state: AskingPin, event: Keyed) -> Step:
    if event.digits:
        return state, CheckPin(event.digits)
    state = replace(state, silences=state.silences + 1)
    if state.silences >= TRIES:
        return state, _bye("nothing-keyed", "nothing-keyed")
    return state, Ask(said("enter-pin"), PIN_LENGTH)


def _pin_tried(state: AskingPin, event: PinTried) -> Step:
    state = replace(state, wrong=state.wrong + 1)
    match after_pin(event.check, state.wrong, TRIES):
        case Next.GO_ON:
            return InMenu(), Read("balance")
        case Next.LOCKED:
            return state, _bye("pin-locked", "pin-locked")
        case Next.WRONG:
            return state, _bye("pin-wrong", "wrong-pin")
    return state, Ask(said("wrong-pin", "enter-pin"), PIN_LENGTH)


# The menu.


def _chosen(state: InMenu, event: Keyed) -> Step:
    digit = event.digits
    if digit in _READ:
        return replace(state, silences=0), Read(_READ[digit])
    if digit == _VOUCHER:
        return AskingCode(state.currency), Ask(said("enter-voucher"), CODE_LENGTH)
    if digit == _LIMIT:
        return AskingLimit(state.currency), Ask(said("enter-day-limit"), LIMIT_LENGTH)
    if digit == _GOODBYE:
        return state, _bye("done")
    state = replace(state, silences=state.silences + 1)
    if state.silences >= TRIES:
        return state, _bye("nothing-keyed", "nothing-keyed")
    return state, Ask(said("account-menu"), 1)


def _balance(state: InMenu, event: Balance) -> Step:
    del state
    available = event.available
    return _menu(available.currency, "balance-is", *sum_phrases(available))


def _calls(state: InMenu, event: Calls) -> Step:
    if not event.calls:
        return _menu(state.currency, "no-calls-yet")
    heard = [phrase for call in event.calls for phrase in _call(call)]
    return _menu(state.currency, "last-calls", *heard)


def _call(call: PastCall) -> tuple[Phrase, ...]:
    return (
        *date_phrases(call.on, call.days_ago),
        *said("at"),
        *clock_phrases(call.at),
        *said("it-lasted"),
        *length_phrases(call.seconds),
        *said("the-call-cost"),
        *sum_phrases(call.cost),
    )


def _limits(state: InMenu, event: SpendingLimits) -> Step:
    heard: list[Said] = []
    for phrase, limit in (
        ("limit-per-call", event.per_call),
        ("limit-per-day", event.per_day),
        ("limit-per-month", event.per_month),
    ):
        if limit is not None:
            heard += [phrase, *sum_phrases(limit)]
    return _menu(state.currency, *(heard or ["no-limits"]))


# Vouchers.


def _code_keyed(state: AskingCode, event: Keyed) -> Step:
    if event.digits:
        return state, RedeemVoucher(event.digits)
    return _menu(state.currency)


def _redeemed(state: AskingCode, event: Redeemed) -> Step:
    credited: tuple[Said, ...] = ("voucher-credited", *sum_phrases(event.amount))
    return _menu(state.currency, *credited, "balance-is", *sum_phrases(event.available))


def _not_redeemed(state: AskingCode, event: Refused) -> Step:
    state = replace(state, wrong=state.wrong + 1)
    if event.phrase == TRIES_USED_UP or state.wrong >= TRIES:
        return _menu(state.currency, event.phrase)
    return state, Ask(said(event.phrase, "enter-voucher"), CODE_LENGTH)


# The limit for a day.


def _limit_keyed(state: AskingLimit, event: Keyed) -> Step:
    if state.wanted is not None:
        if event.digits == _YES:
            return state, SetDayLimit(state.wanted)
        return _menu(state.currency, "nothing-changed")
    if not event.digits:
        return _menu(state.currency, "nothing-changed")
    minor = int(event.digits) * MINOR_PER_MAJOR[state.currency]
    wanted = Money.of_minor(minor, state.currency)
    asked: tuple[Said, ...] = ("new-day-limit", *sum_phrases(wanted), "press-1-to-confirm")
    return replace(state, wanted=wanted), Ask(said(*asked), 1)


def _limit_set(state: AskingLimit, event: Done) -> Step:
    del event
    return _menu(state.currency, "limit-set")


def _limit_refused(state: AskingLimit, event: Refused) -> Step:
    return _menu(state.currency, event.phrase)


_TABLE: Final[Mapping[tuple[type, type], Callable[[Any, Any], Step]]] = {
    (Beginning, Began): _began,
    (AskingPin, Keyed): _pin_keyed,
    (AskingPin, PinTried): _pin_tried,
    (InMenu, Keyed): _chosen,
    (InMenu, Balance): _balance,
    (InMenu, Calls): _calls,
    (InMenu, SpendingLimits): _limits,
    (AskingCode, Keyed): _code_keyed,
    (AskingCode, Redeemed): _redeemed,
    (AskingCode, Refused): _not_redeemed,
    (AskingLimit, Keyed): _limit_keyed,
    (AskingLimit, Done): _limit_set,
    (AskingLimit, Refused): _limit_refused,
}
"""Every legal event of every state."""
