from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from billing.charging.rules import Plan, bill, needs_update, plan, settle_grants, used_ms
from billing.money.values import Money
from billing.tariffs.rules import charge
from billing.tariffs.values import Tariff

GRANT_SECONDS = 300
EXTEND_AT_SECONDS = 150


def euros(highest_minor: int) -> st.SearchStrategy[Money]:
    return st.integers(0, highest_minor).map(lambda minor: Money.of_minor(minor, "EUR"))


tariffs = st.builds(
    Tariff,
    price_per_minute=euros(500),
    connect_fee=st.just(Money.zero("EUR")) | euros(300),
    minimum_charge=st.just(Money.zero("EUR")) | euros(300),
    maximum_charge=st.none() | euros(3_000).map(lambda more: more + Money.of_minor(300, "EUR")),
    first_increment_seconds=st.integers(1, 120),
    next_increment_seconds=st.integers(1, 120),
    free_seconds=st.just(0) | st.integers(0, 400),
    maximum_seconds=st.integers(120, 3_600),
)
# Seconds until the wallet changes, and by how much: top-ups and other calls' holds.
changes = st.lists(st.tuples(st.integers(1, 400), st.integers(-2_000, 3_000)), max_size=12)


@dataclass
class Session:
    """A charging session driven by the rules alone, every promise checked at each step."""

    tariff: Tariff
    available: Money
    holds: list[Money] = field(default_factory=list)
    granted: int = 0
    final: bool = False

    def held(self) -> Money:
        return sum(self.holds, Money.zero("EUR"))

    def request(self, used: int) -> Plan:
        step = plan(
            self.tariff,
            used_seconds=used,
            granted_seconds=self.granted,
            own_open_holds=self.held(),
            available=self.available,
            grant_seconds=GRANT_SECONDS,
        )
        assert Money.zero("EUR") <= step.hold <= max(self.available, Money.zero("EUR"))
        assert step.hold.is_whole_minor
        assert self.granted <= step.target_seconds <= step.end_seconds
        assert step.target_seconds <= self.tariff.maximum_seconds
        assert step.target_seconds <= max(self.granted, used + GRANT_SECONDS)
        assert not step.final or step.target_seconds == step.end_seconds
        self.holds.append(step.hold)
        self.available -= step.hold
        self.granted, self.final = step.target_seconds, step.final
        assert self.held() == charge(self.tariff, self.granted)
        return step


@given(tariffs, euros(6_000), changes, st.integers(0, 2_000))
def test_a_session_holds_what_it_grants_and_posts_what_it_charges(
    tariff: Tariff, credit: Money, wallet_changes: list[tuple[int, int]], overrun_ms: int
) -> None:
    session = Session(tariff, credit)
    session.request(0)
    used = 0
    for after, minor in wallet_changes:
        used = min(used + after, session.granted)
        session.available += Money.of_minor(minor, "EUR")
        if needs_update(
            granted_seconds=session.granted,
            used_seconds=used,
            final=session.final,
            extend_at_seconds=EXTEND_AT_SECONDS,
            available_rose=minor > 0,
        ):
            session.request(used)

    ended = bill([(0, used * 1000 + overrun_ms)], session.granted)
    cost = charge(tariff, ended.billed_seconds)
    parts = settle_grants(session.holds, cost)

    assert sum((part.post for part in parts), Money.zero("EUR")) == cost
    assert [part.post + part.void for part in parts] == session.holds


@given(st.lists(euros(1_000), max_size=8), st.integers(0, 100))
def test_settled_grants_post_the_charge_and_only_one_in_part(
    holds: list[Money], percent: int
) -> None:
    whole = sum(holds, Money.zero("EUR"))
    cost = Money(whole.amount * percent // 100, "EUR")

    parts = settle_grants(holds, cost)

    assert sum((part.post for part in parts), Money.zero("EUR")) == cost
    assert [part.post + part.void for part in parts] == holds
    assert sum(1 for part in parts if part.post and part.void) <= 1
    untouched = [bool(part.void) for part in parts if part.post or part.void]
    assert untouched == sorted(untouched)


@given(st.integers(0, 10**7), st.lists(st.integers(0, 10**7), max_size=10), st.randoms())
def test_slicing_the_talk_changes_nothing(end_ms: int, cuts: list[int], shuffler: Random) -> None:
    edges = sorted({0, end_ms, *(cut for cut in cuts if cut < end_ms)})
    slices = list(pairwise(edges))
    shuffler.shuffle(slices)

    assert used_ms(slices) == end_ms
    assert bill(slices, 3_600) == bill([(0, end_ms)], 3_600)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=6))
def test_talk_is_counted_once_however_intervals_overlap(
    intervals: list[tuple[int, int]],
) -> None:
    talked = {moment for start, end in intervals for moment in range(start, end)}

    assert used_ms(intervals) == len(talked)
