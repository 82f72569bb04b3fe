"""Past calls as their records have them, and what the rules make of them again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from billing.calls.rules import Arithmetic
from billing.catalogue.values import PremiumTerms
from billing.charging.premium.values import PremiumOutcome
from billing.money.values import Money
from billing.shares.values import ShareRule
from billing.tariffs.values import Tariff

Figures = Mapping[str, int | str | Money | None]
"""What a record says, by its column: seconds, milliseconds, amounts, names."""

Prices = Callable[[datetime], Tariff]
"""What a tariff costs if it is announced at a moment: it may depend on day and hour."""


@dataclass(frozen=True, slots=True)
class PastSegment:
    """A paid segment of a call: what was frozen, what was talked, and what its own record says.

    `recorded` None: it is the call's last, which stands in the settlement of the whole call.
    `tariff_name` is the name of what was announced, `announced_at` when.
    """

    tariff_name: str
    tariff: Tariff
    share_rule: ShareRule
    announced_at: datetime
    granted_seconds: int
    intervals: tuple[tuple[int, int], ...]
    recorded: Figures | None


@dataclass(frozen=True, slots=True)
class PastMeter:
    """A call that its carrier billed: frozen terms, the carrier's meter, what was expected of it.

    `share_rule` None: no expert talked.
    """

    terms: PremiumTerms
    share_rule: ShareRule | None
    meter: tuple[int, int] | None
    recorded: Figures


@dataclass(frozen=True, slots=True)
class PastCall:
    """A settled call from its records alone.

    No `segments` and no `premium`: no price was quoted, so nobody was to pay. `unreadable` says
    what of the record can't be read.
    """

    call_id: UUID
    received_at: datetime
    number: str
    expert: str | None
    recorded: Figures
    intervals: tuple[tuple[int, int], ...]
    segments: tuple[PastSegment, ...] = ()
    premium: PastMeter | None = None
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that the record has otherwise. `where`: the call, or one segment of it."""

    where: str
    what: str
    recorded: int | str | Money | None
    replayed: int | str | Money | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """A call rated again. `problem`: why it couldn't be."""

    call: PastCall
    figures: Figures
    segments: tuple[Arithmetic, ...] = ()
    premium: PremiumOutcome | None = None
    differences: tuple[Difference, ...] = ()
    problem: str | None = None

    @property
    def right(self) -> bool:
        """Whether the record says what its own terms and seconds give."""
        return not self.differences and self.problem is None


class LeftOut(StrEnum):
    """Why a call has no charge under other prices."""

    PREMIUM = "premium-rate"
    UNQUOTED = "no-price-quoted"
    CURRENCY = "other-currency"
    ACTS = "acts-not-sold"
    SHARES = "shares-impossible"
    UNREADABLE = "record-unreadable"


@dataclass(frozen=True, slots=True)
class Repriced:
    """A call under other prices, with the seconds that it had.

    `left_out`: it has no charge under them, and neither `before` nor `after` counts. `touched`:
    at least one of its segments has another tariff now. `cut_seconds` are those after the longest
    talk of the other tariff, which wouldn't have been talked.
    """

    call: PastCall
    segments: tuple[Arithmetic, ...] = ()
    before: Mapping[str, Money] | None = None
    after: Mapping[str, Money] | None = None
    touched: bool = False
    cut_seconds: int = 0
    left_out: LeftOut | None = None

    @property
    def difference(self) -> Money | None:
        """What the caller would have paid more, or less."""
        if self.before is None or self.after is None:
            return None
        return self.after["charge"] - self.before["charge"]
