from dataclasses import replace

import pytest

from billing.charging.rules import (
    Bill,
    GrantEnd,
    Plan,
    bill,
    first_grant_refused,
    needs_update,
    plan,
    settle_grants,
    target_seconds,
    used_seconds,
    warning_at,
)
from billing.charging.values import Refusal
from billing.money.values import CurrencyMismatch, Money
from billing.tariffs.rules import Earlier, charge
from billing.tariffs.values import Tariff


def eur(minor: int) -> Money:
    return Money.of_minor(minor, "EUR")


TARIFF = Tariff(
    price_per_minute=eur(120), connect_fee=eur(0), minimum_charge=eur(0), maximum_charge=None
)


def planned(  # one request at 1.20 a minute, amounts in cents
    *, used: int, granted: int, held: int, available: int, tariff: Tariff = TARIFF
) -> Plan:
    return plan(
        tariff,
        used_seconds=used,
        granted_seconds=granted,
        own_open_holds=eur(held),
        available=eur(available),
        grant_seconds=300,
    )


def test_a_call_on_fifty_cents_is_final_at_once_and_cut_after_25_seconds() -> None:
    first = planned(used=0, granted=0, held=0, available=50)
    assert first == Plan(target_seconds=25, end_seconds=25, final=True, hold=eur(50))

    ended = bill([(0, 25_040)], first.target_seconds)
    assert ended == Bill(used_seconds=25, billed_seconds=25, overrun_ms=40)

    cost = charge(TARIFF, ended.billed_seconds)
    assert cost == eur(50)
    assert settle_grants([first.hold], cost) == (GrantEnd(post=eur(50), void=eur(0)),)


@pytest.mark.parametrize(
    ("due", "granted"), [(10, 300), (300, 300), (301, 301), (600, 600), (1_800, 1_800)]
)
def test_the_price_of_an_act_is_held_before_it_begins_however_late_it_is_due(
    due: int, granted: int
) -> None:
    tariff = replace(TARIFF, price_per_act=eur(500), act_minimum_seconds=due).by("act")
    first = planned(used=0, granted=0, held=0, available=500, tariff=tariff)
    assert first == Plan(target_seconds=granted, end_seconds=1_800, final=False, hold=eur(500))
    refused = planned(used=0, granted=0, held=0, available=499, tariff=tariff)
    assert (refused.end_seconds, refused.hold) == (0, eur(0))


def test_a_call_on_ten_euros_goes_on_when_ten_more_are_topped_up() -> None:
    # (used, top-up before, hold, target, end, final)
    steps = [
        (0, 1_000, 600, 300, 500, False),
        (150, 0, 300, 450, 500, False),
        (300, 0, 100, 500, 500, True),
        (400, 1_000, 400, 700, 1_000, False),
        (550, 0, 300, 850, 1_000, False),
        (700, 0, 300, 1_000, 1_000, False),
        (850, 0, 0, 1_000, 1_000, True),
    ]
    available, granted, final = 0, 0, False
    holds: list[Money] = []
    for used, top_up, hold, target, end, is_final in steps:
        if holds:
            assert needs_update(
                granted_seconds=granted,
                used_seconds=used,
                final=final,
                extend_at_seconds=150,
                available_rose=top_up > 0,
            )
        available += top_up
        held = sum(money.amount for money in holds) // 100
        step = planned(used=used, granted=granted, held=held, available=available)
        assert step == Plan(target, end, is_final, eur(hold))
        holds.append(step.hold)
        available -= hold
        granted, final = step.target_seconds, step.final

    ends = settle_grants(holds, charge(TARIFF, 1_000))
    assert [end.post for end in ends] == [eur(cents) for cents in (600, 300, 100, 400, 300, 300, 0)]
    assert not any(end.void for end in ends)
    assert available == 0


def test_two_calls_at_once_share_ten_euros() -> None:
    a_first = planned(used=0, granted=0, held=0, available=1_000)
    assert a_first == Plan(300, 500, final=False, hold=eur(600))

    b_first = planned(used=0, granted=0, held=0, available=400)
    assert b_first == Plan(200, 200, final=True, hold=eur(400))

    a_second = planned(used=150, granted=300, held=600, available=0)
    assert a_second == Plan(300, 300, final=True, hold=eur(0))
    assert warning_at(a_second.end_seconds, 60, 5) == 240

    b_end = settle_grants([b_first.hold], charge(TARIFF, 100))
    assert b_end == (GrantEnd(post=eur(200), void=eur(200)),)

    assert needs_update(
        granted_seconds=300,
        used_seconds=200,
        final=True,
        extend_at_seconds=150,
        available_rose=True,
    )
    a_third = planned(used=200, granted=300, held=600, available=200)
    assert a_third == Plan(400, 400, final=True, hold=eur(200))
    assert warning_at(a_third.end_seconds, 60, 5) == 340


@pytest.mark.parametrize(
    ("intervals", "seconds"),
    [
        ([], 0),
        ([(0, 999)], 0),
        ([(0, 1_000)], 1),
        ([(0, 1_600), (5_000, 6_600)], 3),
        ([(5_000, 6_600), (0, 1_600)], 3),
        ([(0, 10_000), (5_000, 12_000)], 12),
        ([(0, 10_000), (2_000, 3_000)], 10),
        ([(10_000, 9_000)], 0),
        ([(10_000, 9_000), (10_000, 12_000)], 2),
        ([(1_700_000_000_000, 1_700_000_061_000)], 61),
    ],
)
def test_talk_is_summed_in_milliseconds_and_rounded_down_once(
    intervals: list[tuple[int, int]], seconds: int
) -> None:
    assert used_seconds(intervals) == seconds


@pytest.mark.parametrize(
    ("used", "affordable", "maximum", "target"),
    [(0, 500, 3_600, 300), (300, 500, 3_600, 500), (3_500, 9_000, 3_600, 3_600)],
)
def test_talk_is_granted_to_the_least_of_three(
    used: int, affordable: int, maximum: int, target: int
) -> None:
    assert target_seconds(used, affordable, maximum, 300) == target


def test_a_difference_of_nothing_is_granted_without_a_hold() -> None:
    blocks = replace(TARIFF, first_increment_seconds=600, next_increment_seconds=600)

    first = planned(used=0, granted=0, held=0, available=5_000, tariff=blocks)
    second = planned(used=150, granted=300, held=1_200, available=3_800, tariff=blocks)

    assert first == Plan(300, 2_400, final=False, hold=eur(1_200))
    assert second == Plan(450, 2_400, final=False, hold=eur(0))


@pytest.mark.parametrize("available", [0, -500])
def test_a_grant_is_never_taken_back(available: int) -> None:
    assert planned(used=10, granted=300, held=600, available=available) == Plan(
        300, 300, final=True, hold=eur(0)
    )


def test_free_talk_already_granted_stays_when_the_credit_is_gone() -> None:
    free = replace(TARIFF, free_seconds=600)

    assert planned(used=150, granted=300, held=0, available=0, tariff=free) == Plan(
        300, 300, final=True, hold=eur(0)
    )


def test_a_grant_ends_at_the_maximum_of_the_tariff() -> None:
    short = replace(TARIFF, maximum_seconds=200)

    assert planned(used=0, granted=0, held=0, available=9_000, tariff=short) == Plan(
        200, 200, final=True, hold=eur(400)
    )


def test_a_later_segment_is_granted_what_is_left_of_the_call() -> None:
    step = plan(
        replace(TARIFF, connect_fee=eur(100), maximum_seconds=200),
        used_seconds=0,
        granted_seconds=0,
        own_open_holds=eur(0),
        available=eur(9_000),
        grant_seconds=300,
        earlier=Earlier(used_seconds=120, charged=eur(340), rated=eur(340)),
    )

    assert step == Plan(80, 80, final=True, hold=eur(160))


def test_a_grant_without_its_hold_is_an_error() -> None:
    with pytest.raises(ValueError, match="held"):
        planned(used=150, granted=300, held=599, available=1_000)


def test_a_grant_from_another_currency_is_an_error() -> None:
    with pytest.raises(CurrencyMismatch):
        plan(
            TARIFF,
            used_seconds=0,
            granted_seconds=0,
            own_open_holds=eur(0),
            available=Money.of_minor(100, "GBP"),
            grant_seconds=300,
        )


@pytest.mark.parametrize(
    ("first_increment", "maximum", "end", "minimum_talk", "refused"),
    [
        (1, 3_600, 59, 60, True),
        (1, 3_600, 60, 60, False),
        (1, 3_600, 25, 20, False),
        (120, 3_600, 119, 60, True),
        (120, 3_600, 120, 60, False),
        (1, 30, 30, 60, False),
        (1, 30, 29, 60, True),
        (1, 3_600, 0, 0, True),
    ],
)
def test_a_call_that_would_end_too_soon_is_refused(
    *, first_increment: int, maximum: int, end: int, minimum_talk: int, refused: bool
) -> None:
    tariff = replace(TARIFF, first_increment_seconds=first_increment, maximum_seconds=maximum)

    answer = first_grant_refused(tariff, end, minimum_talk)

    assert answer == (Refusal.CREDIT_TOO_LOW if refused else None)


@pytest.mark.parametrize(
    ("granted", "used", "final", "rose", "needed"),
    [
        (300, 149, False, False, False),
        (300, 150, False, False, True),
        (300, 320, False, False, True),
        (300, 150, True, False, False),
        (300, 150, True, True, True),
        (300, 149, True, True, False),
        (300, 149, False, True, False),
    ],
)
def test_more_is_asked_for_when_little_is_left(
    *, granted: int, used: int, final: bool, rose: bool, needed: bool
) -> None:
    assert needed == needs_update(
        granted_seconds=granted,
        used_seconds=used,
        final=final,
        extend_at_seconds=150,
        available_rose=rose,
    )


@pytest.mark.parametrize(
    ("end", "at"), [(300, 240), (65, 5), (64, None), (60, None), (25, None), (0, None)]
)
def test_the_end_is_announced_but_not_in_the_first_seconds(end: int, at: int | None) -> None:
    assert warning_at(end, 60, 5) == at


@pytest.mark.parametrize(
    ("intervals", "granted", "billed"),
    [
        ([(0, 25_040)], 25, Bill(25, 25, 40)),
        ([(0, 24_999)], 25, Bill(24, 24, 0)),
        ([(0, 27_500)], 25, Bill(27, 25, 2_500)),
        ([(0, 10_000), (20_000, 30_500)], 300, Bill(20, 20, 0)),
        ([], 300, Bill(0, 0, 0)),
    ],
)
def test_talk_past_the_grant_is_not_billed(
    intervals: list[tuple[int, int]], granted: int, billed: Bill
) -> None:
    assert bill(intervals, granted) == billed


@pytest.mark.parametrize(
    ("holds", "cost", "posts", "voids"),
    [
        ([600, 300], 700, [600, 100], [0, 200]),
        ([600, 300, 100], 600, [600, 0, 0], [0, 300, 100]),
        ([600, 300], 900, [600, 300], [0, 0]),
        ([600, 0, 300], 650, [600, 0, 50], [0, 0, 250]),
        ([600], 0, [0], [600]),
        ([], 0, [], []),
    ],
)
def test_grants_are_posted_in_request_order_and_the_last_in_part(
    holds: list[int], cost: int, posts: list[int], voids: list[int]
) -> None:
    ends = settle_grants([eur(hold) for hold in holds], eur(cost))

    assert [end.post for end in ends] == [eur(post) for post in posts]
    assert [end.void for end in ends] == [eur(void) for void in voids]


@pytest.mark.parametrize(("holds", "cost"), [([600], 601), ([], 1), ([600], -1), ([-1], 0)])
def test_a_charge_that_its_holds_cannot_pay_is_an_error(holds: list[int], cost: int) -> None:
    with pytest.raises(ValueError, match=r"settled|covered"):
        settle_grants([eur(hold) for hold in holds], eur(cost))
