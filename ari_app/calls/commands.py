"""What the call machine wants done, as values. The executor carries them out in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from ari_app.calls.states import Leg
from billing.calls.values import EndReason, Interval, NoPayer
from billing.catalogue.values import ExpertChoice, Phone, ServedNumber
from billing.tariffs.values import Mode
from dialplan.prompts.values import Phrase


@dataclass(frozen=True, slots=True)
class Command:
    """The base of all commands."""


# To Asterisk.


@dataclass(frozen=True, slots=True)
class Answer(Command):
    """Answer the caller."""


@dataclass(frozen=True, slots=True)
class Ring(Command):
    """Let the caller hear ringing, or stop it."""

    on: bool


@dataclass(frozen=True, slots=True)
class Say(Command):
    """Play phrases to one leg as playback `number`; its end is told by `Said`."""

    leg: Leg
    phrases: tuple[Phrase, ...]
    number: int


@dataclass(frozen=True, slots=True)
class Hush(Command):
    """Stop playback `number`."""

    leg: Leg
    number: int


@dataclass(frozen=True, slots=True)
class PassOn(Command):
    """Let a leg hear keys that the other one pressed and that mean nothing to us."""

    leg: Leg
    digits: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Announce(Command):
    """Play phrases into a bridge, over the talk."""

    bridge: str
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Limit(Command):
    """Set Asterisk's dead-man's switch on legs, `for_ms` from now, its grace included.

    `farewell` is what the dialplan says to the caller if it fires.
    """

    legs: tuple[Leg, ...]
    for_ms: int
    farewell: str = "apology"


@dataclass(frozen=True, slots=True)
class LimitTalk(Command):
    """Set the switch on both legs to the end of a talk: `until_ms` plus grace, then `LimitSet`."""

    until_ms: int
    granted_seconds: int
    farewell: str = "credit"


@dataclass(frozen=True, slots=True)
class Lease(Command):
    """Set the switch on both legs to a lease from now, plus grace; never past the call's cap.

    The cap is at `until_ms` by Asterisk's clock, and lasts `most_ms` for who is just answered.
    """

    until_ms: int | None
    most_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CreateLeg(Command):
    """Create the expert's channel, not dialled yet; `for_ms` is its dead-man's switch."""

    attempt: int
    phone: Phone
    for_ms: int


@dataclass(frozen=True, slots=True)
class DialLeg(Command):
    """Dial the created channel."""

    attempt: int
    for_ms: int


@dataclass(frozen=True, slots=True)
class HangUp(Command):
    """Hang up a leg; `cause` (Q.850) matters only to one that isn't answered."""

    leg: Leg
    attempt: int = 0
    cause: int | None = None


@dataclass(frozen=True, slots=True)
class HandOver(Command):
    """Send the caller to a self-service line in the dialplan; his `LegEnded` follows."""

    line: str


@dataclass(frozen=True, slots=True)
class MakeBridge(Command):
    """Make an empty bridge for a talk."""

    bridge: str


@dataclass(frozen=True, slots=True)
class Join(Command):
    """Put both legs into the bridge, the caller last."""

    bridge: str


@dataclass(frozen=True, slots=True)
class DropBridge(Command):
    """Take the bridge down: the talk ends for both legs in the same millisecond."""

    bridge: str


@dataclass(frozen=True, slots=True)
class CountPackets(Command):
    """Count the packets of the caller's leg, for a talk that began at `from_ms`; then `Counted`.

    One that has lasted longer than Asterisk lets a leg be silent is not asked about.
    """

    bridge: str
    from_ms: int


# To the database.


@dataclass(frozen=True, slots=True)
class Receive(Command):
    """Write the call and look its numbers up."""


@dataclass(frozen=True, slots=True)
class CheckPin(Command):
    """Check a PIN."""

    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LookUp(Command):
    """Find an expert by extension."""

    number: ServedNumber
    extension: str


@dataclass(frozen=True, slots=True)
class AskQuote(Command):
    """Freeze the price of a talk with the expert, by the minute or as an act."""

    expert: ExpertChoice
    mode: Mode = "minute"


@dataclass(frozen=True, slots=True)
class Hold(Command):
    """Write the consent, reserve the expert, and hold the first grant (if somebody pays)."""

    expert: ExpertChoice
    paid: bool


@dataclass(frozen=True, slots=True)
class HoldPremium(Command):
    """Freeze terms and caps of a premium-rate call, and reserve the expert, if any."""

    expert: ExpertChoice | None


@dataclass(frozen=True, slots=True)
class RecordAnswered(Command):
    """Write when the caller was answered."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Release(Command):
    """Void what is held and free the expert; the call goes on."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class RecordDial(Command):
    """Write a dial attempt before it is made."""

    attempt: int
    phone: Phone


@dataclass(frozen=True, slots=True)
class RecordDialEnd(Command):
    """Write what came of a dial attempt."""

    attempt: int
    result: str


@dataclass(frozen=True, slots=True)
class RecordTalk(Command):
    """Write a talk's bridge before it is joined, then its start."""

    bridge: str
    paid: bool
    start_ms: int | None


@dataclass(frozen=True, slots=True)
class Extend(Command):
    """Ask for a longer grant, `used` counted from `from_ms` to now."""

    request_number: int
    from_ms: int


@dataclass(frozen=True, slots=True)
class RecordTalkEnd(Command):
    """Write when a stretch of talk ended in mid-call."""

    bridge: str
    end_ms: int


@dataclass(frozen=True, slots=True)
class CloseSegment(Command):
    """Pay what was talked under the present price, and give the rest of its holds back."""

    intervals: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class CloseOrder(Command):
    """Write what came of an order to switch the talk."""

    order_id: UUID
    result: str


@dataclass(frozen=True, slots=True)
class AskCost(Command):
    """Work out what the call costs by now."""


@dataclass(frozen=True, slots=True)
class RedeemVoucher(Command):
    """Credit a voucher to the caller's account."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settle(Command):
    """Write the end of the call and all its money.

    `by_record`: no event told the end of paid time, so Asterisk's own record is asked. `meter`: at
    premium rate, from the caller's answer to his release. `silent_seconds`: so many were paid as
    an earlier segment ended, though nothing was heard of a leg any more; they are given back.
    """

    reason: EndReason
    intervals: tuple[Interval, ...]
    no_payer: NoPayer | None
    by_record: bool = False
    meter: Interval | None = None
    silent_seconds: int = 0


# To ourselves.


@dataclass(frozen=True, slots=True)
class Arm(Command):
    """Fire `timer` in `ms` from now, in place of what it was armed for."""

    timer: str
    ms: int


@dataclass(frozen=True, slots=True)
class ArmAt(Command):
    """Fire `timer` when Asterisk's clock shows `at_ms`."""

    timer: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Disarm(Command):
    """Forget a timer."""

    timer: str


@dataclass(frozen=True, slots=True)
class Note(Command):
    """A line of the call's timeline. Never digits, PINs or whole numbers."""

    what: str
    detail: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stop(Command):
    """The actor's work is done."""
