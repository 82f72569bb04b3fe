"""What many replayed calls come to: sums in whole ledger units, currencies apart, lists bounded."""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Literal

from billing.calls.replay.rules import PARTS
from billing.calls.replay.values import LeftOut, Replayed, Repriced
from billing.money.values import Money

MOST_LISTED: Final = 10_000
"""Calls with differences that are kept for the list; all are counted."""

By = Literal["all", "tariff", "number", "expert"]


@dataclass(slots=True)
class Sum:
    """Of so many calls, an amount as it is recorded and as it is replayed, in ledger units."""

    calls: int = 0
    before: int = 0
    after: int = 0

    def add(self, before: int, after: int) -> None:
        """Add a call."""
        self.calls += 1
        self.before += before
        self.after += after


@dataclass(slots=True)
class ReplayReport:
    """A period replayed as it was. `sums` are by figure and currency: `charge`, `outpayment`."""

    calls: int = 0
    right: int = 0
    wrong: int = 0
    unquoted: int = 0
    premium: int = 0
    open_calls: int = 0
    sums: dict[tuple[str, str], Sum] = field(default_factory=dict)
    differences: list[Replayed] = field(default_factory=list)

    def add(self, one: Replayed) -> None:
        """Add a call."""
        self.calls += 1
        self.premium += one.call.premium is not None
        self.unquoted += one.call.premium is None and not one.call.segments
        if one.right:
            self.right += 1
        else:
            self.wrong += 1
            if len(self.differences) < MOST_LISTED:
                self.differences.append(one)
        recorded = one.call.recorded
        self._add("charge", recorded["charge"], one.figures.get("charge"))
        if one.call.premium is not None:
            expected = one.call.premium.recorded
            self._add("outpayment", expected["outpayment"], one.figures.get("outpayment"))

    def _add(self, what: str, before: object, after: object) -> None:
        """Add what is money; of a call that can't be rated only what is recorded of it."""
        for money in {one.currency for one in (before, after) if isinstance(one, Money)}:
            self.sums.setdefault((what, money), Sum()).add(
                *(
                    one.amount if isinstance(one, Money) and one.currency == money else 0
                    for one in (before, after)
                )
            )


@dataclass(slots=True)
class Line:
    """What calls of one key and currency come to, by part: the charge and everybody's of it."""

    parts: dict[str, Sum] = field(default_factory=lambda: {part: Sum() for part in PARTS})


@dataclass(slots=True)
class RepriceReport:
    """A period under other prices.

    `untouched` calls keep their tariff and count with equal sums. `largest` are the calls whose
    charge changes most.
    """

    most_listed: int = 20
    calls: int = 0
    touched: int = 0
    untouched: int = 0
    dearer: int = 0
    cheaper: int = 0
    cut_calls: int = 0
    cut_seconds: int = 0
    open_calls: int = 0
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    lines: dict[tuple[By, str, str], Line] = field(default_factory=dict)
    _largest: list[tuple[int, int, Repriced]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)

    def add(self, one: Repriced) -> None:
        """Add a call."""
        self.calls += 1
        if one.left_out is not None:
            self.left_out[one.left_out] += 1
            return
        difference = one.difference
        assert difference is not None  # it isn't left out
        self.touched += one.touched
        self.untouched += not one.touched
        self.dearer += difference.amount > 0
        self.cheaper += difference.amount < 0
        self.cut_calls += one.cut_seconds > 0
        self.cut_seconds += one.cut_seconds
        for by, key in self._keys(one):
            self._add(by, key, one)
        if difference:
            # The number makes equal ones comparable: the earlier call stays.
            entry = (abs(difference.amount), -next(self._order), one)
            if len(self._largest) < self.most_listed:
                heapq.heappush(self._largest, entry)
            elif self._largest:
                heapq.heappushpop(self._largest, entry)

    def _keys(self, one: Repriced) -> list[tuple[By, str]]:
        tariffs = " + ".join(dict.fromkeys(part.tariff_name for part in one.call.segments))
        return [
            ("all", "all"),
            ("tariff", tariffs),
            ("number", one.call.number),
            ("expert", one.call.expert or "-"),
        ]

    def _add(self, by: By, key: str, one: Repriced) -> None:
        assert one.before is not None  # it isn't left out
        assert one.after is not None  # the same
        line = self.lines.setdefault((by, key, one.before["charge"].currency), Line())
        for part in PARTS:
            line.parts[part].add(one.before[part].amount, one.after[part].amount)

    @property
    def largest(self) -> list[Repriced]:
        """The calls whose charge changes most, those first."""
        return [one for _, _, one in sorted(self._largest, key=lambda entry: entry[:2])[::-1]]
