"""A settled call as we wrote it and as Asterisk recorded it, and what differs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from billing.calls.values import Interval

Span = tuple[int, int]
"""From and to, in Asterisk's ms since the epoch."""


class Cause(StrEnum):
    """Why our figure and Asterisk's differ; the words are stable."""

    ASTERISK_DIED = "asterisk-died"
    CLOCK_STEP = "clock-step"
    MEDIA_LOST = "media-lost"
    NO_SOUND = "no-sound"
    OVERRUN = "overrun"
    RECORD_LATE = "record-late"
    RECORD_EXPIRED = "record-expired"
    RECORD_MISSING = "record-missing"
    NOT_BILLED = "not-billed"
    CALL_UNKNOWN = "call-unknown"
    CHARGE = "charge"
    UNEXPLAINED = "unexplained"


EXPLAINED: Final = frozenset(
    {
        Cause.ASTERISK_DIED,
        Cause.CLOCK_STEP,
        Cause.MEDIA_LOST,
        Cause.NO_SOUND,
        Cause.OVERRUN,
        Cause.RECORD_LATE,
        Cause.RECORD_EXPIRED,
    }
)
"""All others are wrong: somebody pays for what Asterisk's record doesn't prove, or nobody does."""


@dataclass(frozen=True, slots=True)
class Written:
    """What we wrote of a call that ended.

    `spans` is the paid time as it was billed; `begun` when each paid stretch was seen to begin.
    `stepped_ms` is how far clocks ran ahead in its talks. `meter`: at premium rate, from answer to
    release. `rating` says what its frozen tariff doesn't give of its settlement, None: all of it.
    `silent_seconds`: a leg was hung up after so much silence, which was taken off. `no_sound`: a
    leg sent nothing in all of some paid talk, which was taken off.
    `posted` and `charge` are in ledger units. `spooled`, `ended_ms`: when it was settled.
    """

    call_id: UUID
    received_ms: int
    ended_ms: int
    last_seen_ms: int
    spans: tuple[Span, ...]
    begun: tuple[Interval, ...] = ()
    stepped_ms: int = 0
    overrun_ms: int = 0
    premium: bool = False
    meter: Span | None = None
    charge: int = 0
    posted: int = 0
    rating: str | None = None
    silent_seconds: int = 0
    no_sound: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """What Asterisk recorded of a call: the overlap of both legs in its paid bridges.

    `known`: it has a line of the caller's leg at all. `ended`: the caller's leg or an expert's was
    seen to end. `meter`: from the caller's answer to his release, None: no answer.
    `media_lost_ms`: when a leg of the talk was hung up for its silence.
    """

    intervals: tuple[Interval, ...] = ()
    known: bool = False
    ended: bool = False
    meter: Interval | None = None
    media_lost_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """How far Asterisk's record goes: what is older than `kept_from_ms` is no longer kept.

    `late_ms` is how long ago a call must have ended to be surely in it.
    """

    kept_from_ms: int
    now_ms: int
    late_ms: int = 600_000


@dataclass(frozen=True, slots=True)
class Difference:
    """Where we and Asterisk differ in a call, or its charge isn't what its seconds cost.

    `off_ms` is the time for which only one of both has the call as paid, so that what is shifted
    is found as well as what is longer; `ours` and `asterisks` are sums in ms (ledger units for a
    charge), None: nothing is known.
    """

    call_id: UUID
    received_ms: int
    what: str
    ours: int | None
    asterisks: int | None
    off_ms: int
    cause: Cause
    sentence: str

    @property
    def explained(self) -> bool:
        """Whether nothing is wrong."""
        return self.cause in EXPLAINED


@dataclass(slots=True)
class Report:
    """What a comparison came to; the figures are sums in ms.

    `exact`: each beginning and end agrees to the millisecond that both clocks are cut to. `free`
    calls have no paid time by either. `strangers` are callers in Asterisk's record that no call of
    ours knows, none of whom was in a paid bridge: they were refused before they were written.
    `kept_from_ms`: since when the record is kept; of older calls only the charge is compared.
    """

    compared: int = 0
    exact: int = 0
    within: int = 0
    free: int = 0
    open_calls: int = 0
    strangers: int = 0
    ours_ms: int = 0
    asterisks_ms: int = 0
    overrun_ms: int = 0
    kept_from_ms: int = 0
    causes: Counter[Cause] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def add(self, found: Sequence[Difference], most: int) -> None:
        """Count differences and keep them, up to `most` in all; wrong ones are kept first."""
        for one in found:
            self.causes[one.cause] += 1
            if len(self.differences) < most:
                self.differences.append(one)
            elif not one.explained:
                place = next((n for n, kept in enumerate(self.differences) if kept.explained), None)
                if place is not None:
                    self.differences[place] = one

    @property
    def wrong(self) -> int:
        """How many differences nothing explains."""
        return sum(n for cause, n in self.causes.items() if cause not in EXPLAINED)


@dataclass(frozen=True, slots=True)
class Kept:
    """A comparison that is kept: of calls received from `first_at` to before `until`, or of one.

    `differences` and `causes` count all, those too many to be listed too. `kept_from`: since when
    there was a record; None: nothing of it was deleted yet.
    """

    kept_id: UUID
    first_at: datetime
    until: datetime
    call_id: UUID | None
    compared_at: datetime
    compared_by: str
    calls: int
    differences: int
    unexplained: int
    causes: Mapping[str, int]
    kept_from: datetime | None
