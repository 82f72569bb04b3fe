"""What a dialogue says, asks and wants done, and what it is told, as values.

A dialogue is `step(state, event) -> (state, output)`: one output at a time, whose outcome is the
next event. Who carries it out plays sounds, reads keys and calls services; the dialogue knows
none of that.
"""

from dataclasses import dataclass, field
from datetime import date, time
from typing import Literal

from billing.money.values import Money
from billing.pins.values import PinCheck
from dialplan.prompts.values import Phrase


@dataclass(frozen=True, slots=True)
class Ask:
    """Say phrases, then read up to `max_length` keys; keys pressed meanwhile count. → `Keyed`."""

    phrases: tuple[Phrase, ...]
    max_length: int


@dataclass(frozen=True, slots=True)
class Farewell:
    """Say phrases, then hang up: the dialogue is over. `result` is for the call's record."""

    phrases: tuple[Phrase, ...]
    result: str


# Requests: services answer them.


@dataclass(frozen=True, slots=True)
class CheckPin:
    """Try the PIN of the caller's account, or of the expert with an extension. → `PinTried`."""

    pin: str = field(repr=False)
    extension: str | None = None


Readable = Literal["balance", "calls", "limits", "on-line", "earnings", "price"]


@dataclass(frozen=True, slots=True)
class Read:
    """Look one of these up; its value is the next event."""

    what: Readable


@dataclass(frozen=True, slots=True)
class RedeemVoucher:
    """Credit a voucher. → `Redeemed` or `Refused`."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SetDayLimit:
    """Set the caller's limit for a day. → `Done` or `Refused`."""

    limit: Money


@dataclass(frozen=True, slots=True)
class SetOnLine:
    """Take calls or not; `until` an hour of the expert's own clock. → `OnLine`."""

    on_line: bool
    until: time | None = None


@dataclass(frozen=True, slots=True)
class SetPrice:
    """Set the expert's price a minute. → `Done` or `Refused`."""

    price: Money


Request = CheckPin | Read | RedeemVoucher | SetDayLimit | SetOnLine | SetPrice
Output = Ask | Farewell | Request


# Events.


@dataclass(frozen=True, slots=True)
class Began:
    """The call is there. `known`: the caller's number has an account; `locked`: its PIN is."""

    known: bool = False
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Keyed:
    """What was keyed, without `#`; empty: nothing."""

    digits: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PinTried:
    """What came of a PIN."""

    check: PinCheck


@dataclass(frozen=True, slots=True)
class Balance:
    """What the caller may spend now."""

    available: Money


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call that was talked, by the caller's own clock; `days_ago` 0 is today."""

    on: date
    days_ago: int
    at: time
    seconds: int
    cost: Money


@dataclass(frozen=True, slots=True)
class Calls:
    """The latest calls, the newest first."""

    calls: tuple[PastCall, ...]


@dataclass(frozen=True, slots=True)
class SpendingLimits:
    """The most that a call, a day and a month may cost; None: there is no such limit."""

    per_call: Money | None
    per_day: Money | None
    per_month: Money | None


@dataclass(frozen=True, slots=True)
class OnLine:
    """Whether the expert takes calls; `until` by his own clock, None: until he says otherwise."""

    on_line: bool
    until: time | None = None


@dataclass(frozen=True, slots=True)
class Earnings:
    """The expert's shares by his own clock; `expected`: not yet confirmed by a carrier."""

    today: tuple[Money, ...]
    month: tuple[Money, ...]
    expected: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True)
class Price:
    """The expert's price a minute, and the least and most he may ask; None: he can't change it."""

    now: Money | None
    least: Money | None = None
    most: Money | None = None


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A voucher was credited."""

    amount: Money
    available: Money


@dataclass(frozen=True, slots=True)
class Refused:
    """A request was refused; `phrase` says why."""

    phrase: str


@dataclass(frozen=True, slots=True)
class Done:
    """A request was carried out."""


Answer = (
    PinTried
    | Balance
    | Calls
    | SpendingLimits
    | OnLine
    | Earnings
    | Price
    | Redeemed
    | Refused
    | Done
)
Event = Began | Keyed | Answer


class IllegalEvent(Exception):
    """The event is no outcome of what the dialogue wanted last: a programming error."""

    def __init__(self, state: object, event: object) -> None:
        super().__init__(f"{type(event).__name__} can't happen in {type(state).__name__}")
