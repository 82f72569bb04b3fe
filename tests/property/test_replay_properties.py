"""What charging settles is what a replay of its records gives, and doctored records are found."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st

from billing.calls.replay.choosing import Substitution
from billing.calls.replay.rules import PARTS, replay, reprice
from billing.calls.replay.values import LeftOut, PastCall, PastSegment
from billing.charging.closed import ClosedSegment, earlier_of
from billing.charging.rules import Bill, bill
from billing.money.values import Money
from billing.shares.rules import split
from billing.shares.values import ShareRule, Split
from billing.tariffs.rules import charge
from billing.tariffs.values import Tariff
from tests.property.test_rating_properties import priced, tariffs

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CALL = UUID(int=1)

shares = st.builds(ShareRule, st.integers(0, 5_000), st.sampled_from(("net", "gross")))


@st.composite
def talks(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Paid intervals in their order, from 0 on."""
    spans, at_ms = [], 0
    for gap, length in draw(
        st.lists(st.tuples(st.integers(1, 90_000), st.integers(0, 900_000)), max_size=3)
    ):
        spans.append((at_ms + gap, at_ms + gap + length))
        at_ms += gap + length
    return spans


def settled(segments: list[tuple[Tariff, ShareRule, list[tuple[int, int]], int]]) -> PastCall:
    """End each segment as charging does, one after the other, and write its records."""
    closed: list[ClosedSegment] = []
    past: list[PastSegment] = []
    offset_ms = 0
    intervals: list[tuple[int, int]] = []
    for number, (tariff, rule, talked, granted) in enumerate(segments):
        own = [(begin + offset_ms, end + offset_ms) for begin, end in talked]
        billed = bill(own, granted)
        money = charge(tariff, billed.billed_seconds, earlier=earlier_of(closed))
        parts = split(money, tariff.tax_basis_points, rule)
        intervals += own
        closed.append(
            ClosedSegment(number, tariff, rule, None, 0, len(intervals), granted, billed, parts)
        )
        past.append(
            PastSegment(
                "standard",
                tariff,
                rule,
                AT,
                granted,
                tuple(own),
                _record(billed, parts) if number < len(segments) - 1 else None,
            )
        )
        offset_ms += 10_000_000
    whole = Bill(
        sum(one.bill.used_seconds for one in closed),
        sum(one.bill.billed_seconds for one in closed),
        sum(one.bill.overrun_ms for one in closed),
    )
    sums = [sum((getattr(one.split, part) for one in closed), Money.zero("EUR")) for part in PARTS]
    recorded = _record(whole, Split(*sums)) | {"currency": "EUR"}
    return PastCall(CALL, AT, "+33199001234", "Ada", recorded, tuple(intervals), tuple(past))


def _record(billed: Bill, parts: Split) -> dict[str, int | str | Money | None]:
    return {
        "used_seconds": billed.used_seconds,
        "billed_seconds": billed.billed_seconds,
        "overrun_ms": billed.overrun_ms,
        **{part: getattr(parts, part) for part in PARTS},
    }


calls = st.lists(
    st.tuples(priced(), shares, talks(), st.integers(0, 4_000)), min_size=1, max_size=3
).map(settled)


@given(calls)
def test_a_replay_of_what_was_settled_differs_in_nothing(call: PastCall) -> None:
    done = replay(call)

    assert done.problem is None
    assert done.differences == ()


@given(calls, st.sampled_from(("used_seconds", "overrun_ms", *PARTS)), st.integers(1, 10_000))
def test_a_doctored_settlement_is_found(call: PastCall, figure: str, more: int) -> None:
    kept = call.recorded[figure]
    wrong = kept + Money(more, "EUR") if isinstance(kept, Money) else int(str(kept)) + more

    done = replay(replace(call, recorded={**call.recorded, figure: wrong}))

    (found,) = done.differences
    assert (found.where, found.what, found.recorded, found.replayed) == (
        "call",
        figure,
        wrong,
        kept,
    )


@given(calls)
def test_the_same_prices_change_nothing(call: PastCall) -> None:
    # A grant is never longer than its tariff lets a call be; these random ones may be.
    within = all(
        sum(one.granted_seconds for one in call.segments) <= one.tariff.maximum_seconds
        and one.granted_seconds <= one.tariff.longest_seconds
        for one in call.segments
    )
    assume(within)
    own = {id(one): one.tariff for one in call.segments}

    done = reprice(call, lambda one: lambda _: own[id(one)])

    assert done.touched
    assert done.difference == Money.zero("EUR")
    assert done.cut_seconds == 0


@given(calls, tariffs())
def test_under_other_prices_each_call_costs_what_they_charge_for_its_seconds(
    call: PastCall, other: Tariff
) -> None:
    first = replace(call.segments[0], tariff=call.segments[0].tariff.by("minute"))
    recorded = call.recorded
    alone = replace(call, segments=(first,), recorded=recorded)

    done = reprice(alone, Substitution(every=lambda _: other))

    billed = min(bill(first.intervals, first.granted_seconds).billed_seconds, other.maximum_seconds)
    if done.left_out is not None:
        assert done.left_out is LeftOut.SHARES
        return
    assert done.after is not None
    assert done.after["charge"] == charge(other, billed)
    assert sum((done.after[part] for part in PARTS[1:]), Money.zero("EUR")) == done.after["charge"]
    kept = recorded["charge"]
    assert isinstance(kept, Money)
    assert done.difference == charge(other, billed) - kept
