"""What can happen to a call, as values: from Asterisk, from the database, from a timer.

Every `at_ms` is Asterisk's own timestamp in milliseconds since the epoch; `steady_ms` is when we
were told, by a clock that nobody sets (None: not known).
"""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from ari_app.ari.packets import Packets
from ari_app.calls.states import Leg
from billing.calls.values import Reception
from billing.catalogue.values import ExpertChoice
from billing.charging.premium.values import PremiumPlan
from billing.charging.values import Grant, Quote, Refusal, Settlement
from billing.money.values import Money
from billing.pins.values import PinCheck
from billing.tariffs.values import Mode


@dataclass(frozen=True, slots=True)
class Event:
    """The base of all that a call's mailbox takes."""


# From Asterisk.


@dataclass(frozen=True, slots=True)
class Said(Event):
    """A prompt ended; `heard` is false if its sound could not be played to the end."""

    leg: Leg
    number: int
    heard: bool = True


@dataclass(frozen=True, slots=True)
class Key(Event):
    """A key was pressed (RFC 4733), told at its release. The digit may be part of a PIN."""

    leg: Leg
    digit: str = field(repr=False)
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class LegReady(Event):
    """The expert's channel exists and may be dialled."""

    attempt: int


@dataclass(frozen=True, slots=True)
class LegUp(Event):
    """The expert's phone answered."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Answered(Event):
    """The caller's leg is answered: where the carrier bills him, his meter runs."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class LegEnded(Event):
    """A leg is gone. `cause` is Asterisk's (Q.850), None where it isn't told."""

    leg: Leg
    attempt: int = 0
    cause: int | None = None
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class MediaLost(Event):
    """Asterisk hangs a leg up because it has sent no sound for long; `Left` and its end follow."""

    leg: Leg
    at_ms: int
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class HoldBegan(Event):
    """A leg's phone has put the other side on hold. May be told twice."""

    leg: Leg
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class HoldEnded(Event):
    """A leg's phone is back from its hold. May be told twice, late or never."""

    leg: Leg
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Entered(Event):
    """A leg is in a bridge of this call."""

    leg: Leg
    bridge: str
    at_ms: int
    steady_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Left(Event):
    """A leg is no longer in a bridge of this call."""

    leg: Leg
    bridge: str
    at_ms: int
    steady_ms: int | None = None
    packets: Packets | None = None
    """What Asterisk counted on a leg that has hung up."""


@dataclass(frozen=True, slots=True)
class Counted(Event):
    """The packets of the caller's leg as counted at `at_ms`; None: they could not be."""

    bridge: str
    packets: Packets | None
    at_ms: int = 0


# From the database.


@dataclass(frozen=True, slots=True)
class Received(Event):
    """The call is written; its numbers are looked up."""

    reception: Reception


@dataclass(frozen=True, slots=True)
class PinChecked(Event):
    """What came of the PIN."""

    check: PinCheck


@dataclass(frozen=True, slots=True)
class LookedUp(Event):
    """The expert behind the extension, or None."""

    expert: ExpertChoice | None


@dataclass(frozen=True, slots=True)
class Quoted(Event):
    """The price, frozen into the call."""

    quote: Quote


@dataclass(frozen=True, slots=True)
class Held(Event):
    """The expert is reserved; `grant` is None where nobody pays.

    `wallet_version` is the wallet's as the hold was made: a higher one means more available.
    """

    grant: Grant | None
    wallet_version: int = 0


@dataclass(frozen=True, slots=True)
class PremiumHeld(Event):
    """The terms are frozen and the expert, if one was asked for, is reserved."""

    plan: PremiumPlan


@dataclass(frozen=True, slots=True)
class NotGranted(Event):
    """No price or no hold, and why."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class DialRecorded(Event):
    """The dial attempt is written, so it may be made."""

    attempt: int


@dataclass(frozen=True, slots=True)
class TalkRecorded(Event):
    """The talk's bridge is written, so the legs may join."""

    bridge: str


@dataclass(frozen=True, slots=True)
class Extended(Event):
    """The charging session after an update."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class SegmentClosed(Event):
    """A segment's money is written; the call goes on. `billed_seconds` were charged for."""

    billed_seconds: int


@dataclass(frozen=True, slots=True)
class CostSoFar(Event):
    """What the call costs by now; None: nobody pays at this moment."""

    cost: Money | None


@dataclass(frozen=True, slots=True)
class VoucherTaken(Event):
    """A voucher is credited."""

    amount: Money


@dataclass(frozen=True, slots=True)
class VoucherRefused(Event):
    """A voucher is not credited; `phrase` says why."""

    phrase: str


@dataclass(frozen=True, slots=True)
class AvailableRose(Event):
    """The wallet's available amount rose (a top-up, another call's settlement)."""

    wallet_version: int


@dataclass(frozen=True, slots=True)
class Settled(Event):
    """The call's money is written."""

    settlement: Settlement


@dataclass(frozen=True, slots=True)
class Spooled(Event):
    """The database is away: the call's end is on disk and will be settled later."""


@dataclass(frozen=True, slots=True)
class DatabaseAway(Event):
    """A database command could not be carried out in time."""


# From an operator.


@dataclass(frozen=True, slots=True)
class EndOrdered(Event):
    """The call is to end, whatever it is doing."""


@dataclass(frozen=True, slots=True)
class SwitchOrdered(Event):
    """The talk is to be paid in this way, if the caller accepts, or free for good or for a while.

    As if keyed in it.
    """

    order_id: UUID
    to: Mode | Literal["free", "free-minutes"]


# From ourselves.


@dataclass(frozen=True, slots=True)
class LimitSet(Event):
    """Asterisk confirmed its limit on both legs, for a talk granted to `granted_seconds`."""

    granted_seconds: int


@dataclass(frozen=True, slots=True)
class CommandFailed(Event):
    """Asterisk refused a request that the call can't go on without."""

    leg: Leg | None
    what: str
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class TimerFired(Event):
    """A wait is over."""

    timer: str
