from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from billing.money.text import parse, to_decimal_string
from billing.money.values import Money
from billing.tariffs.rules import (
    Earlier,
    affordable_seconds,
    after,
    billable_seconds,
    charge,
    check,
    rate,
)
from billing.tariffs.snapshot import from_json, to_json
from billing.tariffs.values import Tariff


def euros(highest_minor: int) -> st.SearchStrategy[Money]:
    return st.integers(0, highest_minor).map(lambda minor: Money.of_minor(minor, "EUR"))


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    longest = draw(st.integers(1, 4_000))
    longest_act = draw(st.integers(1, 4_000))
    minimum = draw(euros(1_000))
    return Tariff(
        price_per_minute=draw(euros(1_000)),
        connect_fee=draw(euros(500)),
        minimum_charge=minimum,
        maximum_charge=draw(st.none() | euros(5_000).map(lambda more: minimum + more)),
        first_increment_seconds=draw(st.integers(1, min(180, longest))),
        next_increment_seconds=draw(st.integers(1, min(180, longest))),
        free_seconds=draw(st.just(0) | st.integers(0, longest)),
        maximum_seconds=longest,
        tax_basis_points=draw(st.integers(0, 10_000)),
        price_per_act=draw(st.none() | euros(5_000)),
        act_minimum_seconds=draw(st.integers(1, min(longest, longest_act))),
        act_maximum_seconds=longest_act,
    )


@st.composite
def priced(draw: st.DrawFn) -> Tariff:
    """A tariff as it is frozen: by the minute or, where acts are sold, of an act."""
    tariff = draw(tariffs())
    sold = tariff.price_per_act is not None
    return tariff.by(draw(st.sampled_from(("minute", "act") if sold else ("minute",))))


seconds = st.integers(0, 5_000)
earliers = st.none() | st.builds(Earlier, st.integers(0, 4_000), euros(2_000), euros(2_000))


@given(priced(), seconds, seconds, earliers)
def test_longer_talk_never_costs_less(
    tariff: Tariff, one: int, other: int, earlier: Earlier | None
) -> None:
    shorter, longer = sorted((one, other))

    assert charge(tariff, shorter, earlier=earlier) <= charge(tariff, longer, earlier=earlier)


@given(tariffs(), seconds)
def test_a_charge_is_whole_cents_within_its_bounds(tariff: Tariff, used: int) -> None:
    charged = charge(tariff, used)
    billable = billable_seconds(tariff, used - tariff.free_seconds)
    exact = tariff.connect_fee.amount + Fraction(tariff.price_per_minute.amount * billable, 60)
    highest: Fraction = max(exact, Fraction(tariff.minimum_charge.amount))

    assert charged.is_whole_minor
    assert 0 <= charged.amount <= highest
    if tariff.maximum_charge is not None:
        assert charged <= tariff.maximum_charge
    if billable:
        assert charged >= tariff.minimum_charge
    else:
        assert not charged


@given(tariffs(), seconds)
def test_what_is_billed_covers_what_was_talked_by_less_than_a_block(
    tariff: Tariff, used: int
) -> None:
    billable = billable_seconds(tariff, used)
    block = max(tariff.first_increment_seconds, tariff.next_increment_seconds)

    assert used <= billable < used + block or used == billable == 0


@given(tariffs(), st.integers(-100, 2_000_000), earliers)
def test_affordable_seconds_are_tight(
    tariff: Tariff, credit_units: int, earlier: Earlier | None
) -> None:
    credit = Money(credit_units, "EUR")
    longest = max(0, tariff.maximum_seconds - (earlier.used_seconds if earlier else 0))

    bought = affordable_seconds(tariff, credit, earlier=earlier)

    assert 0 <= bought <= longest
    assert charge(tariff, bought, earlier=earlier).amount <= max(0, credit_units)
    if credit_units <= 0:
        free = not charge(tariff, longest, earlier=earlier)
        assert bought == (longest if free else 0)
    elif bought < longest:
        assert credit < charge(tariff, bought + 1, earlier=earlier)


@given(priced(), euros(10_000), euros(10_000))
def test_more_credit_never_buys_less(tariff: Tariff, credit: Money, more: Money) -> None:
    assert affordable_seconds(tariff, credit) <= affordable_seconds(tariff, credit + more)


@given(tariffs(), st.lists(st.tuples(st.booleans(), st.integers(0, 600)), max_size=6))
def test_segments_by_minute_and_by_act_keep_the_calls_bounds_together(
    tariff: Tariff, segments: list[tuple[bool, int]]
) -> None:
    earlier: Earlier | None = None
    charged, used, acts, minutes, by_minute = Money.zero("EUR"), 0, 0, Fraction(0), False
    for wants_act, lasted in segments:
        act = wants_act and tariff.price_per_act is not None
        rated = rate(tariff.by("act" if act else "minute"), lasted, earlier=earlier)
        if act:
            acts += rated.rounded_down.amount
            assert rated.charge <= rated.rounded_down
        else:
            billable = billable_seconds(tariff, lasted - max(0, tariff.free_seconds - used))
            minutes += Fraction(tariff.price_per_minute.amount * billable, 60)
            by_minute = by_minute or billable > 0
        assert rated.charge >= Money.zero("EUR")
        charged, used, earlier = charged + rated.charge, used + lasted, after(earlier, rated)
        assert (earlier.used_seconds, earlier.charged) == (used, charged)
    fee, least = (
        (tariff.connect_fee, tariff.minimum_charge) if by_minute else (Money.zero("EUR"),) * 2
    )
    assert charged.amount <= max(acts + minutes + fee.amount, Fraction(least.amount))
    if tariff.maximum_charge is not None:
        assert charged <= tariff.maximum_charge
        least = min(least, tariff.maximum_charge)
    assert charged >= least


@given(priced(), st.integers(0, 200_000), earliers)
def test_an_act_is_affordable_in_full_or_not_at_all(
    tariff: Tariff, credit_units: int, earlier: Earlier | None
) -> None:
    if tariff.mode != "act":
        return
    bought = affordable_seconds(tariff, Money(credit_units, "EUR"), earlier=earlier)
    used_before = earlier.used_seconds if earlier else 0
    longest = max(0, min(tariff.longest_seconds, tariff.maximum_seconds - used_before))

    assert bought in {0, longest}
    assert charge(tariff, bought, earlier=earlier).amount <= credit_units
    if bought < longest:
        assert charge(tariff, longest, earlier=earlier).amount > credit_units


@given(tariffs())
def test_a_tariff_that_passes_the_check_survives_freezing(tariff: Tariff) -> None:
    check(tariff)

    assert from_json(to_json(tariff)) == tariff


@given(st.integers(-(10**12), 10**12))
def test_an_amount_that_is_written_is_read_back(minor: int) -> None:
    money = Money.of_minor(minor, "EUR")

    assert parse(to_decimal_string(money, places=2), "EUR", negative_allowed=True) == money
