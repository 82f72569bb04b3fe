"""A carrier's statement as frozen values: how its file is laid out, what it says, what it means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from billing.endpoints.values import NumberFormat
from billing.kit.phones import DEFAULT_REGION
from billing.money.values import Money

Kind = Literal["per-call", "aggregate"]
NonPayment = Literal["platform", "shared"]
Period = Literal["day", "month"]

PER_CALL: Final = frozenset({"number", "start", "seconds", "amount"})
AGGREGATE: Final = frozenset({"number", "start", "amount"})
OPTIONAL: Final = frozenset({"time", "caller", "currency", "carrier_id", "calls", "seconds"})
"""What columns a layout must name, by kind, and may name besides."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How one carrier writes its statements: a saved mapping of columns.

    `columns`: what we call a column → its head in the file, or its place from 1 where the file has
    no head. `start` is the moment of the caller's answer (of an aggregate: the day or month);
    `time` is its time of day where that is a column of its own. A call of ours matches within
    `tolerance_seconds`; an amount that differs by no more than `tolerance_amount` a call is taken
    as rounding. `non_payment`: who bears a call that the carrier never pays.
    """

    name: str
    carrier: str
    kind: Kind
    currency: str
    columns: Mapping[str, str]
    date_formats: tuple[str, ...]
    time_zone: str = "Europe/Paris"
    delimiter: str = ";"
    encoding: str = "utf-8"
    decimal_mark: Literal[".", ","] = "."
    has_head: bool = True
    skip_lines: int = 0
    period: Period = "day"
    numbers: NumberFormat = field(default_factory=NumberFormat)
    region: str = DEFAULT_REGION
    tolerance_seconds: int = 5
    tolerance_amount: int = 100
    non_payment: NonPayment = "shared"


@dataclass(frozen=True, slots=True)
class KnownLayout:
    """A layout as it is kept; `version` rises with each edit."""

    layout_id: UUID
    version: int
    layout: Layout


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement as it was read. `position` is its line in the file.

    Per call: `start_ms` is the answer; `other_start_ms` the same clock time an hour later, where
    clocks went back. Aggregate: from `start_ms` until `end_ms`; `calls` and `seconds` as told.
    """

    position: int
    number: str
    start_ms: int
    amount: Money
    seconds: int | None = None
    caller: str | None = None
    carrier_id: str | None = None
    calls: int | None = None
    end_ms: int | None = None
    other_start_ms: int | None = None

    @property
    def content(self) -> tuple[object, ...]:
        """All that the line says, in an order of its own: no two lines of a file are the same."""
        return (
            self.start_ms, self.number, self.seconds or 0, self.amount.amount,
            self.caller or "", self.carrier_id or "", self.calls or 0,
        )  # fmt: skip


class Closed(StrEnum):
    """What became of a call's expected outpayment before."""

    NO = "no"
    LISTED = "listed"
    WRITTEN_OFF = "written-off"


@dataclass(frozen=True, slots=True)
class OurCall:
    """A premium-rate call of ours: its meter, and what was expected for it."""

    call_id: UUID
    number: str
    answered_ms: int
    seconds: int
    caller: str | None
    outpayment: Money
    closed: Closed = Closed.NO


class Outcome(StrEnum):
    """What a line comes to.

    `confirmed`: our amount; `corrected`: another one; `unknown`: no call of ours; `repeated`: a
    call that an earlier statement had; `missing`: a call of ours that the statement doesn't have.
    """

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    UNKNOWN = "unknown"
    REPEATED = "repeated"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Part:
    """What a line says about one call: `amount` of it instead of what was expected."""

    call: OurCall
    amount: Money


@dataclass(frozen=True, slots=True)
class Judged:
    """A line, its outcome, and the calls it is about. `within`: differs by rounding only."""

    line: Line
    outcome: Outcome
    parts: tuple[Part, ...]
    expected: Money
    within: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """A whole statement beside our calls of its period (milliseconds, the end not included)."""

    lines: tuple[Judged, ...]
    missing: tuple[OurCall, ...]
    from_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one call's outpayment stands: what is expected still, and what is due by now.

    The carrier's due is `expert + platform`. `platform` may be negative: it pays the expert itself.
    """

    expected_expert: int
    expected_platform: int
    expert: int = 0
    platform: int = 0

    @property
    def expected(self) -> int:
        """What the carrier is still expected to pay."""
        return self.expected_expert + self.expected_platform

    @property
    def due(self) -> int:
        """What the carrier has said it pays."""
        return self.expert + self.platform


Place = Literal[
    "clearing",
    "carrier-expected",
    "carrier-due",
    "expert-expected",
    "expert-payable",
    "platform-expected",
    "platform-revenue",
]


@dataclass(frozen=True, slots=True)
class Step:
    """One transfer that closes a call's expected outpayment: from the debited to the credited."""

    name: str
    debit: Place
    credit: Place
    amount: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was imported, and how it stands. Counts are of lines, or of missing calls.

    `amount` is what the carrier lists, `matched` what of it is for calls of ours, `applied` what
    has become due; the rest of `matched` waits for disputes.
    """

    statement_id: UUID
    layout: str
    carrier: str
    kind: str
    file_name: str
    from_at: datetime
    until: datetime
    imported_at: datetime
    imported_by: str
    signed_off_at: datetime | None
    signed_off_by: str | None
    lines: int
    outcomes: Mapping[str, int]
    amount: Money
    matched: Money
    applied: Money
    missing_open: Money
    written_off: Money
