"""Our paid time against Asterisk's: what is equal, what differs, and why."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.calls.values import Interval
from billing.reconciliation.asterisk.rules import compare, is_exact, off_ms
from billing.reconciliation.asterisk.values import Cause, Reach, Recorded, Report, Written

CALL = UUID(int=7)
NOW = 10_000_000
TALK = (1_000, 61_000)
OURS = Written(CALL, 0, 62_000, 60_500, (TALK,), (Interval(1_000, 61_000),))
THEIRS = Recorded((Interval(*TALK),), known=True, ended=True, meter=Interval(500, 61_100))
REACH = Reach(0, NOW)


def cause_of(ours: Written = OURS, theirs: Recorded = THEIRS, reach: Reach = REACH) -> list[Cause]:
    return [one.cause for one in compare(ours, theirs, reach)]


@pytest.mark.parametrize(("by", "found"), [(0, []), (20, []), (21, [Cause.UNEXPLAINED])])
@pytest.mark.parametrize("sign", [1, -1])
def test_more_than_one_packet_of_voice_is_a_difference(
    by: int, found: list[Cause], sign: int
) -> None:
    assert cause_of(replace(OURS, spans=((1_000, 61_000 + sign * by),))) == found


def test_a_talk_that_is_shifted_differs_though_it_lasts_as_long() -> None:
    assert off_ms([(0, 1_000)], [(21, 1_021)]) == 42
    (found,) = compare(replace(OURS, spans=((2_000, 62_000),)), THEIRS, REACH)
    assert (found.ours, found.asterisks, found.off_ms) == (60_000, 60_000, 2_000)
    assert found.cause is Cause.UNEXPLAINED


def test_time_billed_twice_differs() -> None:
    assert cause_of(replace(OURS, spans=(TALK, TALK))) != []


def test_exact_is_to_the_millisecond_at_each_end() -> None:
    assert is_exact([TALK], [(1_001, 60_999)])
    assert not is_exact([TALK], [(1_002, 61_000)])
    assert not is_exact([TALK], [(1_000, 31_000), (31_000, 61_000)])


DIED = Recorded((Interval(1_000, None),), known=True, ended=False)


def test_a_record_without_end_is_paid_to_the_last_heartbeat_and_not_a_moment_more() -> None:
    paid = replace(OURS, spans=((1_000, 60_500),))
    assert cause_of(paid, DIED) == [Cause.ASTERISK_DIED]
    assert cause_of(replace(paid, spans=((1_000, 60_521),)), DIED) == [Cause.RECORD_MISSING]
    # A leg's end is in the record, so Asterisk didn't die in the talk.
    assert cause_of(paid, replace(DIED, ended=True)) == [Cause.RECORD_MISSING]


def test_a_talk_whose_beginning_died_with_asterisk_is_paid_as_we_saw_it_begin() -> None:
    ours = replace(OURS, spans=((1_000, 60_500),), begun=(Interval(1_000, None),))
    assert cause_of(ours, replace(DIED, intervals=())) == [Cause.ASTERISK_DIED]


@pytest.mark.parametrize(
    ("theirs", "reach", "cause"),
    [
        (Recorded(), REACH, Cause.RECORD_MISSING),
        (Recorded(known=True, ended=True), REACH, Cause.RECORD_MISSING),
        (Recorded(), Reach(0, 62_000 + 599_999), Cause.RECORD_LATE),
        (Recorded(), Reach(1, NOW), Cause.RECORD_EXPIRED),
        (Recorded(known=True, ended=True), Reach(1, NOW), Cause.RECORD_EXPIRED),
    ],
)
def test_a_record_that_lacks_a_talk_is_missing_late_or_no_longer_kept(
    theirs: Recorded, reach: Reach, cause: Cause
) -> None:
    assert cause_of(OURS, theirs, reach) == [cause]


def test_a_free_call_that_asterisk_never_saw_is_missing_too() -> None:
    free = replace(OURS, spans=(), begun=())
    assert cause_of(free, replace(THEIRS, intervals=())) == []
    assert cause_of(free, Recorded()) == [Cause.RECORD_MISSING]
    assert cause_of(free, Recorded(), Reach(1, NOW)) == []


def test_talk_that_nobody_billed_is_wrong() -> None:
    assert cause_of(replace(OURS, spans=(), begun=())) == [Cause.NOT_BILLED]


def test_a_clock_set_ahead_explains_just_the_time_that_it_was_set() -> None:
    ours = replace(OURS, spans=((1_000, 31_000),), stepped_ms=30_000)
    assert cause_of(ours) == [Cause.CLOCK_STEP]
    assert cause_of(replace(ours, stepped_ms=29_979)) == [Cause.UNEXPLAINED]
    assert cause_of(replace(OURS, stepped_ms=30_000)) == []


def test_an_overrun_is_listed_as_what_it_is() -> None:
    (found,) = compare(replace(OURS, overrun_ms=40), THEIRS, REACH)
    assert (found.cause, found.ours, found.asterisks) == (Cause.OVERRUN, 59_960, 60_000)
    assert found.explained


def test_a_charge_that_tariff_or_transfers_do_not_give_is_wrong() -> None:
    assert cause_of(replace(OURS, rating="another charge")) == [Cause.CHARGE]
    assert cause_of(replace(OURS, charge=12_000, posted=11_900)) == [Cause.CHARGE]


METERED = replace(OURS, premium=True, meter=(500, 61_100))


@pytest.mark.parametrize(
    ("ours", "theirs", "causes"),
    [
        (METERED, THEIRS, []),
        (replace(METERED, meter=(500, 61_121)), THEIRS, [Cause.UNEXPLAINED]),
        (replace(METERED, meter=None), THEIRS, [Cause.NOT_BILLED]),
        (METERED, replace(THEIRS, meter=None), [Cause.RECORD_MISSING]),
        (
            replace(METERED, meter=(500, 61_000)),
            replace(THEIRS, meter=Interval(500, None)),
            [Cause.ASTERISK_DIED],
        ),
    ],
)
def test_a_premium_rate_call_is_compared_by_its_meter_too(
    ours: Written, theirs: Recorded, causes: list[Cause]
) -> None:
    assert cause_of(ours, theirs) == causes


SPANS = st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 5_000)), max_size=4).map(
    lambda pairs: [(min(pair), max(pair)) for pair in pairs]
)


@given(SPANS, SPANS)
def test_time_apart_is_counted_as_by_hand_millisecond_by_millisecond(
    ours: list[tuple[int, int]], theirs: list[tuple[int, int]]
) -> None:
    on = [0] * 5_001
    for sign, spans in ((1, ours), (-1, theirs)):
        for start, end in spans:
            for ms in range(start, end):
                on[ms] += sign
    by_hand = sum(abs(one) for one in on)
    assert off_ms(ours, theirs) == off_ms(theirs, ours) == by_hand


def test_what_is_wrong_is_kept_before_what_is_explained() -> None:
    (fine,) = compare(replace(OURS, overrun_ms=40), THEIRS, REACH)
    (wrong,) = compare(OURS, Recorded(), REACH)
    report = Report()
    report.add([fine, fine, wrong], most=2)
    assert [one.cause for one in report.differences] == [Cause.RECORD_MISSING, Cause.OVERRUN]
    assert (report.wrong, sum(report.causes.values())) == (1, 3)


MUTE = replace(OURS, spans=((1_000, 1_000),), no_sound=True)


@pytest.mark.parametrize(
    ("ours", "found"),
    [
        (MUTE, [Cause.NO_SOUND]),
        (replace(MUTE, no_sound=False), [Cause.UNEXPLAINED]),
        # A talk without sound has no length at all.
        (replace(MUTE, spans=((1_000, 31_000),)), [Cause.UNEXPLAINED]),
        (replace(MUTE, spans=((1_021, 1_021),)), [Cause.UNEXPLAINED]),
    ],
)
def test_a_talk_without_sound_is_taken_off_whole_or_not(ours: Written, found: list[Cause]) -> None:
    assert cause_of(ours, THEIRS) == found


SILENT = replace(OURS, spans=((1_000, 31_000),), silent_seconds=30)
LOST = replace(THEIRS, media_lost_ms=61_000)


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        (SILENT, LOST, [Cause.MEDIA_LOST]),
        (replace(SILENT, spans=((1_000, 32_020),)), LOST, [Cause.MEDIA_LOST]),
        (replace(SILENT, spans=((1_000, 32_021),)), LOST, [Cause.UNEXPLAINED]),
        (replace(SILENT, spans=((1_000, 29_979),)), LOST, [Cause.UNEXPLAINED]),
        # Nothing was heard of the leg in the whole talk.
        (replace(SILENT, spans=((1_000, 1_000),), silent_seconds=60), LOST, [Cause.MEDIA_LOST]),
        # One of both only: the record knows of no silence, or we have taken nothing off for it.
        (SILENT, THEIRS, [Cause.UNEXPLAINED]),
        (replace(SILENT, silent_seconds=0), LOST, [Cause.UNEXPLAINED]),
    ],
)
def test_silence_is_taken_off_to_the_second_and_only_where_the_record_has_it_too(
    ours: Written, theirs: Recorded, found: list[Cause]
) -> None:
    assert cause_of(ours, theirs) == found
