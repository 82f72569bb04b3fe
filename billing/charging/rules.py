"""The arithmetic of grants and holds. Seconds count from the start of paid time."""

from collections.abc import Sequence
from dataclasses import dataclass

from billing.charging.values import Refusal
from billing.money.values import Money
from billing.tariffs.rules import Earlier, affordable_seconds, charge
from billing.tariffs.values import Tariff


@dataclass(frozen=True, slots=True)
class Plan:
    """What an `initial` or `update` request grants.

    `target_seconds` is the new sum of all grants, `hold` what to set aside for it on top of the
    open holds (may be zero). `end_seconds` is where credit, limits or tariff end the talk as known
    now; it equals `target_seconds` when `final`.
    """

    target_seconds: int
    end_seconds: int
    final: bool
    hold: Money


@dataclass(frozen=True, slots=True)
class Bill:
    """Talk at its end: `used_seconds` talked, `billed_seconds` of it granted, `overrun_ms` not."""

    used_seconds: int
    billed_seconds: int
    overrun_ms: int


@dataclass(frozen=True, slots=True)
class GrantEnd:
    """What becomes of one grant's hold: `post` is paid, `void` given back."""

    post: Money
    void: Money


def used_ms(intervals: Sequence[tuple[int, int]]) -> int:
    """Sum intervals of paid talk, `(start_ms, end_ms)` each.

    A moment in two intervals counts once, and one that ends before it starts (a clock set back)
    counts nothing: nobody pays for time that wasn't talked.
    """
    total = 0
    counted_to: int | None = None
    for start, end in sorted(intervals):
        begin = start if counted_to is None else max(start, counted_to)
        if end > begin:
            total += end - begin
            counted_to = end
    return total


def used_seconds(intervals: Sequence[tuple[int, int]]) -> int:
    """Whole seconds talked, rounded down once over all intervals: 1.6 s and 1.6 s are 3 s."""
    return used_ms(intervals) // 1000


def target_seconds(
    used_seconds: int, affordable_seconds: int, maximum_seconds: int, grant_seconds: int
) -> int:
    """How far talk may be granted now: at 150 s used, 500 s affordable, 300 s a grant → 450."""
    return min(used_seconds + grant_seconds, affordable_seconds, maximum_seconds)


def left_seconds(tariff: Tariff, earlier: Earlier | None) -> int:
    """Give the longest that a segment may last after `earlier` ones of its call."""
    used_before = earlier.used_seconds if earlier else 0
    return min(tariff.longest_seconds, tariff.maximum_seconds - used_before)


def plan(
    tariff: Tariff,
    *,
    used_seconds: int,
    granted_seconds: int,
    own_open_holds: Money,
    available: Money,
    grant_seconds: int,
    earlier: Earlier | None = None,
) -> Plan:
    """Decide a grant; `initial` has nothing used, granted and held.

    `available` is the least over wallet and limits, own holds already taken off; below zero counts
    as zero. A grant once given is never taken back. At 1.20 a minute with 10.00: 300 s for 6.00,
    at 150 s 450 s for 3.00 more, at 300 s 500 s for 1.00 more and final.
    ValueError if the open holds don't cover what was granted.
    """
    granted_charge = charge(tariff, granted_seconds, earlier=earlier)
    if own_open_holds < granted_charge:
        raise ValueError(f"{own_open_holds} is held for a grant worth {granted_charge}.")
    credit = own_open_holds + max(available, Money.zero(available.currency))
    affordable = affordable_seconds(tariff, credit, earlier=earlier)
    longest = left_seconds(tariff, earlier)
    if tariff.mode == "act":
        # Its price is held before it begins, also where it is due only after a grant's time.
        grant_seconds = max(grant_seconds, tariff.act_minimum_seconds)
    wanted = used_seconds + grant_seconds
    target = target_seconds(used_seconds, affordable, longest, grant_seconds)
    granted = max(target, granted_seconds)
    needed = charge(tariff, granted, earlier=earlier) - own_open_holds
    return Plan(
        target_seconds=granted,
        end_seconds=max(affordable, granted),
        final=target < wanted,
        hold=max(needed, Money.zero(needed.currency)),
    )


def first_grant_refused(
    tariff: Tariff,
    end_seconds: int,
    minimum_talk_seconds: int,
    *,
    earlier: Earlier | None = None,
) -> Refusal | None:
    """Say CREDIT_TOO_LOW if a segment would end too soon to be worth beginning.

    That is before `minimum_talk_seconds` or the first increment, unless what is left of the
    tariff's maximum is shorter; where none of that is left, MAXIMUM_REACHED.
    """
    longest = left_seconds(tariff, earlier)
    if longest <= 0:
        return Refusal.MAXIMUM_REACHED
    if tariff.mode == "act":
        # It is bought whole, however short it is.
        return Refusal.CREDIT_TOO_LOW if end_seconds <= 0 else None
    needed = max(minimum_talk_seconds, tariff.first_increment_seconds)
    return Refusal.CREDIT_TOO_LOW if end_seconds < min(needed, longest) else None


def needs_update(
    *,
    granted_seconds: int,
    used_seconds: int,
    final: bool,
    extend_at_seconds: int,
    available_rose: bool = False,
) -> bool:
    """Whether to ask for more: little is left, and there may be more to get.

    A final grant is lengthened only when what is available rose.
    """
    little_left = granted_seconds - used_seconds <= extend_at_seconds
    return little_left and (available_rose or not final)


def warning_at(
    end_seconds: int, warning_seconds: int, no_warning_before_seconds: int
) -> int | None:
    """When to warn of the end, or None if that would be in the very first seconds.

    An end at 300 s with 60 s of warning → 240.
    """
    at = end_seconds - warning_seconds
    return at if at >= no_warning_before_seconds else None


def bill(intervals: Sequence[tuple[int, int]], granted_seconds: int) -> Bill:
    """Bill what was talked, never more than granted: 25.04 s of 25 → 25 s billed, 40 ms over."""
    talked_ms = used_ms(intervals)
    used = talked_ms // 1000
    return Bill(
        used_seconds=used,
        billed_seconds=min(used, granted_seconds),
        overrun_ms=max(0, talked_ms - granted_seconds * 1000),
    )


def settle_grants(grants: Sequence[Money], charge: Money) -> tuple[GrantEnd, ...]:
    """Pay a charge from the holds in request order, the last in part, and give the rest back.

    Holds of 6.00 and 3.00 for a charge of 7.00: 6.00 posted; 1.00 posted, 2.00 voided.
    ValueError if the charge or a hold is negative or the holds don't cover the charge.
    """
    zero = Money.zero(charge.currency)
    if charge < zero or any(held < zero for held in grants):
        raise ValueError("A negative amount can't be settled.")
    left = charge
    ends = []
    for held in grants:
        post = min(held, left)
        left -= post
        ends.append(GrantEnd(post=post, void=held - post))
    if left:
        raise ValueError(f"{left} of the charge of {charge} is not covered by holds.")
    return tuple(ends)
