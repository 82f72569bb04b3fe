"""Premium-rate charging as frozen values: what bounds a call, what it came to, what is due."""

from dataclasses import dataclass
from typing import Literal

from billing.catalogue.values import PremiumTerms
from billing.money.values import Money
from billing.rulesets.values import SpendNotice


@dataclass(frozen=True, slots=True)
class CallBounds:
    """What rule set and terms together ask of one call: of both, the stricter.

    `rule_set` names the sets by area and date. `message` are the parts of our own price message
    in order, `message_skippable` whether # ends it; `tone_gap_ms` is free time between the tone
    and the answer.
    """

    rule_set: str
    maximum_seconds: int
    maximum_charge: Money | None = None
    day_maximum: Money | None = None
    month_maximum: Money | None = None
    notices: tuple[SpendNotice, ...] = ()
    message: tuple[str, ...] = ("price",)
    message_skippable: bool = False
    tone_gap_ms: int = 0


@dataclass(frozen=True, slots=True)
class Cap:
    """Where a call ends at the latest, in seconds from the answer, and by what."""

    seconds: int
    by: Literal["seconds", "amount"]


@dataclass(frozen=True, slots=True)
class PremiumPlan:
    """What was frozen into a call before its expert rang."""

    terms: PremiumTerms
    bounds: CallBounds
    cap: Cap


@dataclass(frozen=True, slots=True)
class PremiumOutcome:
    """What a premium-rate call came to, as expected until the carrier's statement says so.

    The carrier's meter ran from `answered_ms` to `released_ms` (Asterisk's ms; None: the call was
    never answered). `expert` and `platform` are the parts of `outpayment`.
    """

    carrier: str
    answered_ms: int | None
    released_ms: int | None
    metered_seconds: int
    retail: Money
    outpayment: Money
    expert: Money
    platform: Money


@dataclass(frozen=True, slots=True)
class PremiumDue:
    """Where a call's outpayment stands by the ledger.

    `expected`: no statement of the carrier's had it yet; `due`: the carrier has said what it pays;
    `written-off`: given up. `outpayment` is what the carrier owes or owed us for it, `expert` and
    `platform` who got what by now; below zero the platform has paid the expert itself.
    """

    state: Literal["expected", "due", "written-off"]
    outpayment: Money
    expert: Money
    platform: Money
