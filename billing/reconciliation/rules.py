"""Which line is about which call, and how a call's expected money is closed. All pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from uuid import UUID

from billing.money.rules import allocate
from billing.money.values import Money
from billing.reconciliation.values import (
    Closed,
    Judged,
    Line,
    OurCall,
    Outcome,
    Part,
    Place,
    Standing,
    Step,
)
from billing.shares.rules import split
from billing.shares.values import ShareRule

_MASK: Final = frozenset("*xX#.?")
_SHOWN_DIGITS: Final = 3
_LONGEST_COUNTRY_CODE: Final = 3


def same_caller(told: str | None, ours: str | None) -> bool:
    """Whether a caller as told, perhaps masked, can be ours: `0639XXXX01` can be `+33639980001`.

    Where either is not known, he can. What is shown before and after a mask must fit; how many
    digits it hides means nothing, and a country code may be left out.
    """
    if not told or not ours:
        return True
    shown, digits = told.lstrip("+0"), ours.lstrip("+")
    masked = [place for place, one in enumerate(shown) if one in _MASK]
    if not masked:
        return len(shown) >= _SHOWN_DIGITS and digits.endswith(shown)
    head, tail = shown[: masked[0]], shown[masked[-1] + 1 :]
    begins = any(digits[cut:].startswith(head) for cut in range(_LONGEST_COUNTRY_CODE + 1))
    return begins and digits.endswith(tail)


def pair(
    lines: Sequence[Line], calls: Sequence[OurCall], tolerance_seconds: int
) -> dict[int, OurCall]:
    """Give each line (by position) the call it is about: the nearest, each call at most once.

    Number and start (within the tolerance) must fit, and the caller where both know him. Of all
    pairs that fit, the one with the least difference of durations goes first, then of starts; so
    the order of lines and calls changes nothing.
    """
    ranked = sorted(
        _near(lines, calls, tolerance_seconds * 1_000),
        key=lambda found: (
            abs((found[0].seconds or 0) - found[1].seconds),
            found[2],
            found[0].content,
            found[1].call_id,
        ),
    )
    paired: dict[int, OurCall] = {}
    taken: set[UUID] = set()
    for line, call, _ in ranked:
        if line.position not in paired and call.call_id not in taken:
            paired[line.position] = call
            taken.add(call.call_id)
    return paired


def _near(
    lines: Sequence[Line], calls: Sequence[OurCall], tolerance_ms: int
) -> Iterator[tuple[Line, OurCall, int]]:
    """Each line beside each call whose number, start and caller fit, and how far they are apart."""
    by_number: dict[str, list[OurCall]] = {}
    for call in sorted(calls, key=lambda one: one.answered_ms):
        by_number.setdefault(call.number, []).append(call)
    for line in lines:
        ours = by_number.get(line.number, [])
        found: dict[UUID, tuple[OurCall, int]] = {}
        for start_ms in {line.start_ms, line.other_start_ms} - {None}:
            assert start_ms is not None
            first = bisect_left(ours, start_ms - tolerance_ms, key=lambda one: one.answered_ms)
            last = bisect_right(ours, start_ms + tolerance_ms, key=lambda one: one.answered_ms)
            for call in ours[first:last]:
                apart_ms = abs(call.answered_ms - start_ms)
                before = found.get(call.call_id)
                if same_caller(line.caller, call.caller) and (
                    before is None or apart_ms < before[1]
                ):
                    found[call.call_id] = call, apart_ms
        for call, apart_ms in found.values():
            yield line, call, apart_ms


def judge_calls(
    lines: Sequence[Line],
    calls: Sequence[OurCall],
    *,
    tolerance_seconds: int,
    tolerance: Money,
) -> tuple[Judged, ...]:
    """Judge a statement that lists each call, line by line."""
    paired = pair(lines, calls, tolerance_seconds)
    judged = []
    for line in lines:
        call = paired.get(line.position)
        nothing = Money.zero(line.amount.currency)
        if call is None:
            judged.append(Judged(line, Outcome.UNKNOWN, (), nothing, within=False))
        elif call.closed is Closed.LISTED:
            judged.append(Judged(line, Outcome.REPEATED, (), call.outpayment, within=False))
        else:
            judged.append(_judged(line, (Part(call, line.amount),), tolerance))
    return tuple(judged)


def judge_sums(
    lines: Sequence[Line], calls: Sequence[OurCall], *, tolerance: Money
) -> tuple[Judged, ...]:
    """Judge a statement of sums: each is spread over our calls of its number and period.

    Calls that an earlier statement had are left out. No two lines may be about one call.
    """
    by_number: dict[str, list[OurCall]] = {}
    for call in calls:
        if call.closed is not Closed.LISTED:
            by_number.setdefault(call.number, []).append(call)
    judged = []
    for line in lines:
        assert line.end_ms is not None
        ours = [
            call
            for call in by_number.get(line.number, ())
            if line.start_ms <= call.answered_ms < line.end_ms
        ]
        if ours:
            judged.append(_judged(line, spread(line.amount, ours), tolerance))
        else:
            nothing = Money.zero(line.amount.currency)
            judged.append(Judged(line, Outcome.UNKNOWN, (), nothing, within=False))
    return tuple(judged)


def spread(amount: Money, calls: Iterable[OurCall]) -> tuple[Part, ...]:
    """Spread a sum over calls in proportion to what was expected of each, by largest remainder.

    1.00 over calls of 0.60 and 0.30 → 0.6667 · 0.3333. Ties go to the earlier call. Where nothing
    was expected of any, seconds count instead.
    """
    ordered = sorted(calls, key=lambda one: (one.answered_ms, one.call_id))
    weights = [call.outpayment.amount for call in ordered]
    if not any(weights):
        weights = [max(call.seconds, 1) for call in ordered]
    shares = allocate(amount.amount, weights)
    return tuple(
        Part(call, Money(units, amount.currency))
        for call, units in zip(ordered, shares, strict=True)
    )


def _judged(line: Line, parts: tuple[Part, ...], tolerance: Money) -> Judged:
    currency = line.amount.currency
    expected = Money(sum(part.call.outpayment.amount for part in parts), currency)
    apart = abs(line.amount.amount - expected.amount)
    return Judged(
        line,
        Outcome.CORRECTED if apart else Outcome.CONFIRMED,
        parts,
        expected,
        within=apart <= tolerance.amount * len(parts),
    )


def missing(
    calls: Iterable[OurCall], judged: Iterable[Judged], *, from_ms: int, until_ms: int
) -> tuple[OurCall, ...]:
    """Name our calls of a period that something was expected of and no statement has, by time."""
    listed = {part.call.call_id for one in judged for part in one.parts}
    return tuple(
        sorted(
            (
                call
                for call in calls
                if from_ms <= call.answered_ms < until_ms
                and call.closed is Closed.NO
                and call.call_id not in listed
                and call.outpayment
            ),
            key=lambda call: (call.answered_ms, call.call_id),
        )
    )


def due(amount: Money, share: ShareRule | None) -> tuple[int, int]:
    """Share what a carrier pays by the call's frozen rule: expert and platform, in ledger units.

    0.5000 at 70 % → 0.3500 and 0.1500. None: nobody talked, so the platform has all of it.
    """
    if share is None:
        return 0, amount.amount
    parts = split(amount, 0, share)
    return parts.expert.amount, parts.platform.amount


def closing(now: Standing, *, expert: int, platform: int) -> tuple[Step, ...]:
    """The transfers after which nothing is expected and expert and platform have what is given.

    What was expected becomes due directly; only what differs passes through clearing, which ends
    as it began. Expected 0.70 + 0.30, due 0.35 + 0.15: half of each moves, the other halves and
    the carrier's 0.50 cancel out.
    """
    # The carrier owes us, so for him all goes the other way.
    carrier = [
        Step(step.name, step.credit, step.debit, step.amount)
        for step in _party("outpayment", "carrier", now.expected, expert + platform - now.due)
    ]
    return (
        *carrier,
        *_party("expert", "expert", now.expected_expert, expert - now.expert),
        *_party("platform", "platform", now.expected_platform, platform - now.platform),
    )


_DUE: Final[dict[str, tuple[Place, Place]]] = {
    "carrier": ("carrier-expected", "carrier-due"),
    "expert": ("expert-expected", "expert-payable"),
    "platform": ("platform-expected", "platform-revenue"),
}


def _party(name: str, party: str, expected: int, change: int) -> list[Step]:
    """Close what somebody expects who is owed, and change what is due to him."""
    from_place, to_place = _DUE[party]
    directly = min(expected, max(change, 0))
    left, rest = expected - directly, change - directly
    steps = (
        Step(name, from_place, to_place, directly),
        Step(f"{name}-unpaid", from_place, "clearing", left),
        Step(f"{name}-more", "clearing", to_place, rest),
        Step(f"{name}-less", to_place, "clearing", -rest),
    )
    return [step for step in steps if step.amount > 0]
