"""All that the machine knows of one call, as a frozen value."""

from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

from ari_app.ari.packets import Packets
from ari_app.calls.states import Leg, State
from billing.accounts.values import Identified
from billing.calls.values import EndReason, Interval
from billing.catalogue.values import ExpertChoice, ServedNumber
from billing.charging.premium.values import PremiumPlan
from billing.charging.values import Grant, Quote, Settlement
from billing.kit.feature_codes import FeatureCodes
from billing.kit.limits import Limits
from billing.tariffs.values import Mode
from dialplan.menus import Digits
from dialplan.prompts.values import Phrase

PIN_DIGITS = Digits(max_length=12, ends_empty=False)
EXTENSION_DIGITS = Digits(max_length=6, ends_empty=False)
VOUCHER_DIGITS = Digits(max_length=16)


@dataclass(frozen=True, slots=True)
class Talk:
    """A stretch of talk in a bridge of its own.

    `from_ms` is the second leg's entry by Asterisk's clock, None until both are in. `inside` are
    the legs in the bridge now; one of `left` was there and never comes back, whatever is told late.
    `tones` counts the start tones still to end before the legs join;
    `written` is whether the bridge's name is in the database, or was kept from it by an outage in
    which a talk goes on.
    """

    bridge: str
    paid: bool
    from_ms: int | None = None
    steady_from_ms: int | None = None
    inside: frozenset[Leg] = frozenset()
    left: frozenset[Leg] = frozenset()
    tones: int = 0
    written: bool = False
    limited: bool = False
    packets: Packets | None = None
    counted_ms: int = 0
    """The caller's packets as counted when it had just begun, and when."""
    sounded: frozenset[Leg] = frozenset()
    """Who is not to be taken for silent: he has keyed, or a hold explains it."""
    judged: bool = False
    """Whether it is known who was silent in all of it."""


@dataclass(frozen=True)
class CallData:
    """The state of a call and every fact that a later step needs.

    Without slots, so that `changed` can copy all facts at once.
    """

    call_id: str
    limits: Limits
    state: State = State.RECEIVED
    language: str = "en"
    # The legs.
    caller_up: bool = True
    answered: bool = False
    attempt: int = 0
    """The newest dial attempt, from 1; it names the expert's channel."""
    phone: int = 0
    """Which of the expert's phones it rings, from 0."""
    expert_up: bool = False
    """The expert's channel of `attempt` exists."""
    expert_answered: bool = False
    # Who calls whom, and on what terms.
    number: ServedNumber | None = None
    caller: Identified | None = None
    expert: ExpertChoice | None = None
    quote: Quote | None = None
    grant: Grant | None = None
    premium: PremiumPlan | None = None
    """What was frozen where the carrier bills the caller."""
    wallet_version: int = 0
    """The payer's wallet as last seen; the database raises it whenever more becomes available."""
    # The dialogue.
    digits: Digits = PIN_DIGITS
    tries: int = 0
    turns: int = 0
    failures: int = 0
    refusal: EndReason | None = None
    """Why there was no talk with the expert chosen last."""
    price_said: bool = False
    """The price's turn is over: the question follows."""
    price_heard: bool = False
    """The whole price was heard at least once: the caller may consent."""
    says: int = 0
    """Playbacks so far; the newest is number `says`."""
    saying: tuple[tuple[Leg, int], ...] = ()
    """The playback that each leg hears now."""
    # The talk and its end.
    talks: int = 0
    talk: Talk | None = None
    intervals: tuple[Interval, ...] = ()
    """Paid time of the whole call, as far as it has ended."""
    segment_from: int = 0
    """How many of the intervals were paid under an earlier price."""
    earlier_seconds: int = 0
    """What was billed under earlier prices."""
    closing: bool = False
    """The segment before this free talk is over, but its money may not be written yet."""
    sound_until_ms: int | None = None
    """A leg was hung up for its silence: until then it surely sent sound (Asterisk's ms)."""
    counting: Talk | None = None
    """The stretch that has just ended, while its packets are counted."""
    silent: frozenset[Leg] | None = None
    """Who sent nothing in all paid stretches under this price; None: there was none yet."""
    free_ms: int = 0
    """Free talk before the present stretch."""
    free_until_ms: int | None = None
    """The expert gives free minutes: the free talk at which they are over."""
    codes: FeatureCodes = field(default_factory=FeatureCodes)
    keying: tuple[tuple[Leg, str], ...] = ()
    """What each leg has keyed of what may be a feature code."""
    holding: tuple[Leg, ...] = ()
    """Who has put the other on hold."""
    proposed: Mode = "minute"
    """How the talk that was proposed in mid-call is to be paid."""
    offers: int = 0
    """How often a price was offered in mid-call."""
    offer_later: bool = False
    """The last such offer is too recent for another one."""
    going_back: bool = False
    """The talk goes on after what the caller hears now."""
    coming: Grant | None = None
    """A longer grant that Asterisk has not confirmed yet."""
    extend_due: bool = False
    asking: bool = False
    """A longer grant is being asked for, or being confirmed by Asterisk."""
    rose: bool = False
    """More became available since a longer grant was last asked for."""
    unheard: bool = False
    """What must be heard before anything is charged broke off."""
    tone_over: bool = False
    """At premium rate: all that comes before the answer was heard."""
    # The carrier's meter, and what the caller is told of his spending.
    answered_ms: int | None = None
    released_ms: int | None = None
    notices: int = 0
    """Spend notices that are behind us."""
    adopted: bool = False
    """A restart found the call in its talk."""
    confirming: bool = False
    """The caller was asked to press 1, or the call ends."""
    reason: EndReason | None = None
    line: str | None = None
    """The self-service line that the caller goes to once the call is written as over."""
    farewell: tuple[Phrase, ...] = ()
    """What the caller hears after settling if there was no talk."""
    talked: bool = False
    settlement: Settlement | None = None
    hang_ups: int = 0

    def changed(self, **changes: Any) -> Self:
        """Give a copy with some facts changed; raises TypeError for one that there isn't.

        As `dataclasses.replace`, which hands all sixty facts to the constructor one by one: that
        was a sixteenth of the application's time for a call.
        """
        if unknown := changes.keys() - _FACTS:
            raise TypeError(f"no such fact: {', '.join(sorted(unknown))}")
        copy = object.__new__(type(self))
        vars(copy).update(vars(self), **changes)
        return copy

    @property
    def pays(self) -> bool:
        """Whether somebody pays for this call."""
        return self.caller is not None

    @property
    def carrier_billed(self) -> bool:
        """Whether the call came by a premium-rate number."""
        return self.line is None and self.number is not None and self.number.premium is not None

    @property
    def setup_ms(self) -> int:
        """How long phones and offers may take in all."""
        if self.number is None or self.number.premium is None:
            return self.limits.ringing_and_offering_ms
        if self.number.kind == "menu":
            return self.limits.premium_menu_ms
        if self.number.premium.announced_by == "us":
            return self.limits.premium_setup_ms - self.announcing_ms
        return self.limits.premium_setup_ms

    @property
    def announcing_ms(self) -> int:
        """How long price, tone and the free time after it may take at premium rate."""
        gap_ms = self.premium.bounds.tone_gap_ms if self.premium else 0
        return self.limits.announcing_ms + gap_ms

    def up(self, leg: Leg) -> bool:
        """Whether the leg exists."""
        return self.caller_up if leg is Leg.CALLER else self.expert_up

    def playback(self, leg: Leg) -> int | None:
        """The number of the playback that `leg` hears now."""
        return dict(self.saying).get(leg)

    @property
    def segment_ms(self) -> int:
        """Paid time under the present price, as far as it has ended."""
        own = self.intervals[self.segment_from :]
        return sum((one.end_ms or one.start_ms) - one.start_ms for one in own)

    @property
    def granted_ms(self) -> int:
        """How long talk of the present kind may last in all, as granted now."""
        paid = self.talk.paid if self.talk else self.grant is not None
        if paid and self.grant is not None:
            return self.grant.granted_seconds * 1_000
        if self.free_until_ms is not None:
            return self.free_until_ms
        assert self.number is not None  # a talk has a number
        return self.number.free_limit_seconds * 1_000

    @property
    def spent_ms(self) -> int:
        """How much of it earlier stretches have taken; asked while one begins or goes on."""
        assert self.talk is not None  # only in a talk
        return self.segment_ms if self.talk.paid else self.free_ms

    @property
    def meter_from_ms(self) -> int:
        """When the talk would have begun had all its stretches been one (Asterisk's ms)."""
        assert self.talk is not None  # only in a talk
        assert self.talk.from_ms is not None  # only once it began
        return self.talk.from_ms - self.spent_ms


_FACTS: Final = frozenset(one.name for one in fields(CallData))
