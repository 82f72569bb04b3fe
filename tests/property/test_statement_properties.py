"""Whatever a carrier lists: each call once, no unit lost or made, no order that matters."""

from collections import Counter
from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from billing.money.values import Money
from billing.reconciliation.rules import (
    closing,
    due,
    judge_sums,
    missing,
    pair,
    same_caller,
    spread,
)
from billing.reconciliation.values import Closed, Line, OurCall, Standing
from billing.shares.values import ShareRule

TOLERANCE_SECONDS = 5
NUMBERS = ("+33199001235", "+33199001236")
CALLERS = (None, "+33639980001", "+33639980002")


def eur(units: int) -> Money:
    return Money(units, "EUR")


calls_lists = st.lists(
    st.builds(
        OurCall,
        st.uuids(),
        st.sampled_from(NUMBERS),
        st.integers(0, 60_000),
        st.integers(0, 200),
        st.sampled_from(CALLERS),
        st.builds(eur, st.integers(0, 10**9)),
        st.sampled_from(Closed),
    ),
    max_size=12,
    unique_by=lambda call: call.call_id,
)
lines_lists = st.lists(
    st.tuples(
        st.sampled_from(NUMBERS),
        st.integers(0, 60),
        st.integers(0, 200),
        st.sampled_from((*CALLERS, "0639XXXX02")),
        st.integers(0, 10**9),
    ),
    max_size=12,
    unique=True,
).map(
    lambda rows: [
        Line(place, number, start * 1_000, eur(units), seconds, caller)
        for place, (number, start, seconds, caller, units) in enumerate(rows, 1)
    ]
)


def fits(line: Line, call: OurCall) -> bool:
    return (
        line.number == call.number
        and abs(line.start_ms - call.answered_ms) <= TOLERANCE_SECONDS * 1_000
        and same_caller(line.caller, call.caller)
    )


@given(lines_lists, calls_lists)
def test_each_call_is_paired_once_and_none_that_fits_is_left_beside_a_line(
    lines: list[Line], calls: list[OurCall]
) -> None:
    paired = pair(lines, calls, TOLERANCE_SECONDS)
    taken = [call.call_id for call in paired.values()]
    assert len(set(taken)) == len(taken)
    for line in lines:
        if line.position in paired:
            assert fits(line, paired[line.position])
        else:
            assert not any(fits(line, call) for call in calls if call.call_id not in taken)


@given(lines_lists, calls_lists, st.randoms(use_true_random=False))
def test_the_order_of_lines_and_of_calls_changes_nothing(
    lines: list[Line], calls: list[OurCall], random: Random
) -> None:
    before = pair(lines, calls, TOLERANCE_SECONDS)
    by_content = {line.content: before.get(line.position) for line in lines}
    random.shuffle(lines)
    random.shuffle(calls)
    moved = [
        Line(place, line.number, line.start_ms, line.amount, line.seconds, line.caller)
        for place, line in enumerate(lines, 1)
    ]
    after = pair(moved, calls, TOLERANCE_SECONDS)
    assert {line.content: after.get(line.position) for line in moved} == by_content


@given(st.integers(0, 10**12), calls_lists.filter(bool))
def test_a_sum_is_spread_to_its_last_unit(units: int, calls: list[OurCall]) -> None:
    parts = spread(eur(units), calls)
    assert sum(part.amount.amount for part in parts) == units
    assert Counter(part.call.call_id for part in parts) == Counter(c.call_id for c in calls)
    whole = sum(call.outpayment.amount for call in calls)
    for part in parts:
        if whole:
            exact = units * part.call.outpayment.amount
            assert abs(part.amount.amount * whole - exact) < whole
    assert spread(eur(units), reversed(calls)) == parts


@given(calls_lists, st.lists(st.integers(0, 10**9), min_size=2, max_size=2))
def test_sums_take_each_open_call_of_their_period_once_and_the_rest_is_missing(
    calls: list[OurCall], amounts: list[int]
) -> None:
    lines = [
        Line(place, number, 0, eur(units), end_ms=30_000)
        for place, (number, units) in enumerate(zip(NUMBERS, amounts, strict=True), 1)
    ]
    judged = judge_sums(lines, calls, tolerance=eur(100))
    about = [part.call for one in judged for part in one.parts]
    assert len({call.call_id for call in about}) == len(about)
    lacking = missing(calls, judged, from_ms=0, until_ms=60_001)
    open_calls = [call for call in calls if call.closed is Closed.NO and call.outpayment]
    early = {call.call_id for call in open_calls if call.answered_ms < 30_000}
    assert early <= {call.call_id for call in about}
    assert {call.call_id for call in lacking} == {c.call_id for c in open_calls} - early


standings = st.builds(
    Standing,
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.integers(-(10**9), 10**9),
).filter(lambda now: now.due >= 0)


@given(standings, st.integers(0, 10**9), st.integers(0, 10**9), st.booleans())
def test_closing_leaves_nothing_expected_and_exactly_what_is_due(
    now: Standing, expert: int, platform: int, unpaid: bool
) -> None:
    if unpaid:
        platform = -expert
    balances: Counter[str] = Counter()
    balances["carrier-expected"] = -now.expected
    balances["carrier-due"] = -now.due
    balances["expert-expected"] = now.expected_expert
    balances["expert-payable"] = now.expert
    balances["platform-expected"] = now.expected_platform
    balances["platform-revenue"] = now.platform
    steps = closing(now, expert=expert, platform=platform)
    for step in steps:
        assert step.amount > 0
        balances[step.debit] -= step.amount
        balances[step.credit] += step.amount
    assert len({step.name for step in steps}) == len(steps)
    assert {place: left for place, left in balances.items() if left} == {
        place: left
        for place, left in (
            ("carrier-due", -(expert + platform)),
            ("expert-payable", expert),
            ("platform-revenue", platform),
        )
        if left
    }


def test_a_confirmed_call_moves_its_three_amounts_and_nothing_else() -> None:
    steps = closing(Standing(3_865, 1_657), expert=3_865, platform=1_657)
    assert [(step.debit, step.credit, step.amount) for step in steps] == [
        ("carrier-due", "carrier-expected", 5_522),
        ("expert-expected", "expert-payable", 3_865),
        ("platform-expected", "platform-revenue", 1_657),
    ]


@given(st.integers(0, 10**12), st.integers(0, 10_000))
def test_what_is_due_is_shared_to_its_last_unit(units: int, basis_points: int) -> None:
    expert, platform = due(eur(units), ShareRule(basis_points))
    assert expert + platform == units
    assert min(expert, platform) >= 0
    assert due(eur(units), None) == (0, units)


def test_a_masked_caller_can_be_any_that_its_digits_fit() -> None:
    ours = "+33639980001"
    for told in (
        None, "+33639980001", "0639980001", "0033639980001", "33639XXXXXX", "0639xxxx01",
        "06.39****", "XXXXXX0001", "***",
    ):  # fmt: skip
        assert same_caller(told, ours), told
    for told in ("+33639980002", "0639980002", "0739XXXX01", "33639XXXX02", "01"):
        assert not same_caller(told, ours), told
    assert same_caller("0639980001", None)


def test_of_two_calls_at_once_the_nearest_duration_decides() -> None:
    def call(number: int, seconds: int) -> OurCall:
        return OurCall(UUID(int=number), NUMBERS[0], 1_000, seconds, None, eur(1))

    lines = [Line(1, NUMBERS[0], 0, eur(1), 61), Line(2, NUMBERS[0], 0, eur(1), 10)]
    paired = pair(lines, [call(1, 9), call(2, 63)], TOLERANCE_SECONDS)
    assert (paired[1].seconds, paired[2].seconds) == (63, 9)
