"""The campaign of faults judges what it is told: what is doctored is found."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from billing.tariffs.values import Mode
from tests.calls.premium import TERMS
from tests.faults.campaign import SOLD
from tests.faults.plays import Play, Played
from tests.faults.points import Point, Seen, Victim, Way, point_of
from tests.faults.report import Hit, Report, table, to_json
from tests.faults.verdicts import (
    CallFacts,
    PremiumFacts,
    Segment,
    WalletFacts,
    wrongs_of_call,
    wrongs_of_premium,
    wrongs_of_wallet,
)

AT_MS = 1_000_000


def billed(
    ms: int, seconds: int, *, mode: Mode = "minute", granted: int = 8
) -> tuple[Segment, ...]:
    return (Segment(mode, ms, seconds, granted),)


RIGHT = CallFacts(
    call_id="one",
    settled=True,
    segments=billed(7_300, 7),
    charged=1_400,
    posted=1_400,
    open_holds=0,
    recorded_ms=7_302,
    heard_ms=7_260,
)
WALLET = WalletFacts("his", put_in=10_000, charged=1_400, posted=8_600, pending=0)


def seen(**changes: Any) -> Seen:
    return replace(Seen(uuid4(), AT_MS), **changes)


TALK = {"session": "granted", "open_holds": 1, "dialled": True, "granted_seconds": 8}


@pytest.mark.parametrize(
    ("what", "point"),
    [
        ({"session": "quoted"}, Point.BEFORE_HOLD),
        ({"session": "opened"}, Point.BEFORE_HOLD),
        ({"session": None}, None),
        ({"session": "quoted", "grants": 1}, None),
        ({"session": "granted", "grants": 1, "open_holds": 1}, Point.AFTER_HOLD),
        (TALK | {"grants": 1}, Point.RINGING),
        (TALK | {"grants": 1, "paid_start_ms": AT_MS - 3_000}, Point.BRIDGED),
        (TALK | {"grants": 2, "paid_start_ms": AT_MS - 3_000}, Point.MID_QUOTA),
        (TALK | {"grants": 1, "final": True, "paid_start_ms": AT_MS - 7_900}, Point.AT_CUT),
        (TALK | {"grants": 1, "final": True, "paid_start_ms": AT_MS - 8_100}, Point.AT_CUT),
        (TALK | {"grants": 1, "final": True, "paid_start_ms": AT_MS - 7_000}, Point.BRIDGED),
        (TALK | {"grants": 1, "paid_start_ms": AT_MS - 3_000, "stopped": True}, None),
        (TALK | {"paid_start_ms": AT_MS, "settling": True}, Point.IN_SETTLEMENT),
        ({"session": "settled", "settled_for_ms": 300}, Point.AFTER_COMMIT),
        ({"session": "settled", "settled_for_ms": 3_000}, None),
    ],
)
def test_a_point_is_told_from_rows(what: dict[str, Any], point: Point | None) -> None:
    assert point_of(seen(**what)) is point


def test_a_right_call_and_a_right_wallet_are_right() -> None:
    assert wrongs_of_call(RIGHT, SOLD) == []
    assert wrongs_of_wallet(WALLET) == []


@pytest.mark.parametrize(
    ("doctored", "amount"),
    [
        ({"settled": False}, 0),
        ({"open_holds": 600}, 600),
        (
            {"segments": billed(9_100, 9), "charged": 1_800, "posted": 1_800}
            | {"heard_ms": 9_000, "recorded_ms": 9_100},
            0,
        ),
        ({"charged": 1_600, "posted": 1_600}, 200),
        ({"posted": 2_800}, 1_400),
        ({"posted": 0}, 1_400),
        ({"heard_ms": 4_000}, 400),
        ({"heard_ms": 0}, 1_400),
        ({"recorded_ms": 7_200}, 0),
        ({"segments": billed(6_999, 7), "recorded_ms": 6_999}, 0),
        ({"segments": billed(7_300, 7, mode="act")}, 1_000),
        ({"segments": ()}, 1_400),
    ],
)
def test_a_doctored_call_is_found(doctored: dict[str, Any], amount: int) -> None:
    wrongs = wrongs_of_call(replace(RIGHT, **doctored), SOLD)
    assert wrongs
    assert sum(wrong.amount for wrong in wrongs) == amount


@pytest.mark.parametrize(
    "fair",
    [
        {"recorded_ms": None},
        {"heard_ms": None},
        {"heard_ms": 4_000, "frozen_ms": 3_000},
        {"heard_ms": 6_600},
    ],
)
def test_what_a_fault_may_do_to_a_witness_is_not_wrong(fair: dict[str, Any]) -> None:
    assert wrongs_of_call(replace(RIGHT, **fair), SOLD) == []


def test_a_call_of_two_prices_is_the_sum_of_its_segments() -> None:
    mixed = replace(
        RIGHT,
        segments=(*billed(3_000, 3), *billed(4_300, 4, mode="act")),
        charged=1_000,
        posted=1_000,
        interrupted=True,
    )
    assert wrongs_of_call(mixed, SOLD) == []
    # Nobody can have had an act who never heard the other, nor minutes beyond what was heard.
    assert sum(one.amount for one in wrongs_of_call(replace(mixed, heard_ms=0), SOLD)) == 1_000
    assert wrongs_of_call(replace(mixed, segments=mixed.segments[::-1], heard_ms=1_400), SOLD)
    # Free talk between them is no loss.
    assert replace(mixed, heard_ms=20_000).lost_ms == 302


PREMIUM = PremiumFacts(
    "two",
    settled=True,
    metered_ms=6_100,
    metered_seconds=7,
    retail=900,
    outpayment=606,
    recorded_ms=6_110,
    up_ms=6_080,
)


def test_a_right_call_that_the_carrier_bills_is_right() -> None:
    assert wrongs_of_premium(PREMIUM, TERMS) == []
    unanswered = replace(
        PREMIUM, metered_ms=0, metered_seconds=0, retail=0, outpayment=0, recorded_ms=0, up_ms=0
    )
    assert wrongs_of_premium(unanswered, TERMS) == []
    assert wrongs_of_premium(replace(PREMIUM, recorded_ms=None, up_ms=None), TERMS) == []


@pytest.mark.parametrize(
    "doctored",
    [
        {"settled": False},
        {"metered_seconds": 8},
        {"retail": 901},
        {"outpayment": 605},
        {"recorded_ms": 0},
        {"up_ms": 0},
    ],
)
def test_a_doctored_call_that_the_carrier_bills_is_found(doctored: dict[str, Any]) -> None:
    assert wrongs_of_premium(replace(PREMIUM, **doctored), TERMS)


@pytest.mark.parametrize(
    "doctored",
    [{"posted": 8_599}, {"pending": 1}, {"put_in": 0, "posted": -1_400}],
)
def test_a_doctored_wallet_is_found(doctored: dict[str, Any]) -> None:
    assert wrongs_of_wallet(replace(WALLET, **doctored))


def campaign() -> Report:
    hits = [Hit(point, Victim.APP, Way.KILL, "one") for point in Point]
    return Report(
        seed=7, calls=9, charged_calls=5, rounds=2, hits=hits, heal_ms=[900], lost_ms=[40]
    )


def test_a_right_campaign_passes() -> None:
    assert campaign().right
    assert "all right" in table(campaign())
    assert '"right": true' in to_json(campaign())


def test_a_point_that_was_only_frozen_fails() -> None:
    report = campaign()
    report.hits[3] = replace(report.hits[3], way=Way.FREEZE)
    assert report.failures() == ["no kill at the point: bridged"]


def test_a_full_campaign_fails_for_what_was_never_played() -> None:
    full = replace(campaign(), full=True, plays={play: Played(2, 1) for play in Play})
    assert full.right
    full.plays[Play.ACT] = Played()
    assert full.failures() == ["never played: an act (*8)"]
    assert replace(full, full=False).right


@pytest.mark.parametrize(
    "doctored",
    [
        {"hits": []},
        {"wrongs": wrongs_of_wallet(replace(WALLET, pending=1))},
        {"findings": ["a bridge is left"]},
        {"heal_ms": [900, 60_001]},
        {"calls": 0},
        {"charged_calls": 0},
    ],
)
def test_a_doctored_campaign_fails(doctored: dict[str, Any]) -> None:
    report = replace(campaign(), **doctored)
    assert not report.right
    assert "WRONG" in table(report)
    assert '"right": false' in to_json(report)
