"""Rule sets as frozen values: figures with their sources, and what bounds one call."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from billing.money.values import Money

FigureValue = Money | int | bool | str | tuple[str, ...]
Kind = Literal["surcharge", "toll-free", "ordinary"]
"""What a number is by its country's plan: its callers pay more, nothing, or as for any other."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one rule. `sure`: stated by the source; others the operator may set."""

    name: str
    rule: str
    value: FigureValue
    source: str
    sure: bool
    set_by_operator: bool = False


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Numbers that begin with `prefix`; a cap of None isn't allowed at all, without figure."""

    name: str
    prefix: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of `area` (a country, or EU for the countries in `countries`) from a day on."""

    area: str
    valid_from: date
    currency: str
    countries: frozenset[str]
    ranges: tuple[NumberRange, ...]
    figures: Mapping[str, Figure]

    @property
    def name(self) -> str:
        """How a call names it: FR-2015-10-01."""
        return f"{self.area}-{self.valid_from.isoformat()}"


@dataclass(frozen=True, slots=True)
class SpendNotice:
    """What happens as a call comes to cost `at`.

    `tell`: the amount is said. `confirm`: the caller presses 1, or the call ends. `end`: it ends.
    """

    at: Money
    kind: Literal["tell", "confirm", "end"]


@dataclass(frozen=True, slots=True)
class CallRules:
    """What the rules ask of one call; `rule_set` names the sets that were in force.

    `message`: ids of the phrases of the free message, in order; `message_free_below`: a call that
    can't cost more needs none. `tone_gap_ms`: free time after the tone.
    `skip_off_days_after_rise`: so long nobody skips the message after the price rose.
    `caller_pin_required`: nothing is charged without the caller's PIN.
    """

    rule_set: str
    maximum_seconds: int | None = None
    maximum_charge: Money | None = None
    day_maximum: Money | None = None
    month_maximum: Money | None = None
    notices: tuple[SpendNotice, ...] = ()
    tone_gap_ms: int = 0
    message: tuple[str, ...] = ("price",)
    message_free_below: Money | None = None
    message_least_seconds: int = 0
    message_most_seconds: int | None = None
    message_skippable: bool = False
    skip_off_days_after_rise: int = 0
    caller_pin_required: bool = False
    partner_check_required: bool = False


@dataclass(frozen=True, slots=True)
class PremiumNumber:
    """What is about to be saved of a premium-rate number, as the rules look at it."""

    e164: str
    country: str
    per_minute: Money
    per_call: Money
    increment_seconds: int
    publisher: str
    service: str
    category: str
