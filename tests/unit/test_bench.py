"""The pure parts of the bench: what is a good step, what a percentile is, what a report says."""

import asyncio
import struct
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest

from bench import sipp
from bench.__main__ import tried
from bench.keys import END_PACKETS, PRESSED_PACKETS, write_key, write_voice
from bench.report import markdown, write
from bench.rules import Step, first_rate, next_rate, percentile, top_rate
from bench.svg import drawn
from bench.values import Check, Line, Plot, Result, Room, Table, shown_ms
from bench.works import cuts, metering, parallel, rating, switching, vouchers
from bench.works.parallel import Came
from bench.works.settling import waits_us
from billing.reconciliation.asterisk.values import Cause, Report

STEP = Step(rate=40, calls=1_000, good=999, retransmissions=10, started_per_mille=970)


def test_a_step_is_borne_with_999_good_calls_of_a_thousand_and_few_retransmissions() -> None:
    assert STEP.kept


@pytest.mark.parametrize(
    "doctored",
    [{"good": 998}, {"retransmissions": 11}, {"started_per_mille": 969}, {"calls": 0, "good": 0}],
)
def test_a_doctored_step_is_not_borne(doctored: dict[str, int]) -> None:
    assert not replace(STEP, **doctored).kept


@pytest.mark.parametrize(
    ("values", "per_mille", "expected"),
    [
        ([1, 2, 3, 4], 500, 2),
        ([4, 3, 2, 1], 990, 4),
        (list(range(1, 101)), 990, 99),
        (list(range(1, 1_001)), 999, 999),
        ([7], 1, 7),
        ([], 500, None),
    ],
)
def test_a_percentile_is_the_smallest_value_that_so_many_dont_exceed(
    values: list[int], per_mille: int, expected: int | None
) -> None:
    assert percentile(values, per_mille) == expected


@pytest.mark.parametrize(
    ("cpu_us_per_call", "cores", "expected"),
    [(100_000, 2, 13), (10_000, 2, 130), (50_000, 8, 104), (9_000_000, 1, 1), (0, 2, 1_300_000)],
)
def test_the_first_rate_leaves_a_third_of_the_cores_free(
    cpu_us_per_call: int, cores: int, expected: int
) -> None:
    assert first_rate(cpu_us_per_call, cores) == expected


def rates(*, bears: int) -> list[Step]:
    steps: list[Step] = []
    while (rate := next_rate(steps, 10)) is not None:
        good = 1_000 if rate <= bears else 0
        steps.append(replace(STEP, rate=rate, good=good))
    return steps


def test_the_rate_rises_by_a_quarter_until_one_is_not_borne_then_the_middle_is_tried_once() -> None:
    assert [step.rate for step in rates(bears=20)] == [10, 12, 15, 18, 22, 20]
    assert top_rate(rates(bears=20)) == 20
    assert top_rate(rates(bears=19)) == 18


def test_a_first_rate_that_is_not_borne_is_halved_once() -> None:
    assert [step.rate for step in rates(bears=5)] == [10, 5]
    assert top_rate(rates(bears=5)) == 5


def test_nothing_borne_is_a_top_rate_of_zero() -> None:
    assert top_rate(rates(bears=0)) == 0


def test_a_hang_up_waits_for_the_first_settlement_of_its_caller_after_it() -> None:
    byes = [("+1", 100), ("+2", 110), ("+1", 200), ("+3", 300)]
    settled = [("+1", 90), ("+2", 150), ("+1", 130), ("+1", 260)]
    assert waits_us(byes, settled) == [30, 40, 60]


def result(check: Check) -> Result:
    plot = Plot("rates", "Rates", "a", "b", (Line("ours <1>", [(1, 2), (3, 4)]),))
    table = Table("Rates", ("rate", "good"), (("10", "100"),))
    return Result("W1", "Calls", "Called.", (check,), (table,), {"top": 10}, (plot,))


def test_wrong_money_is_wrong_and_a_missed_goal_is_only_missed() -> None:
    wrong = Check("books", "right", "one cent too much", kept=False, must=True)
    missed = Check("rate", "75/s", "20/s", kept=False)
    assert result(wrong).wrong == [wrong]
    assert result(missed).wrong == []
    assert "**WRONG**" in markdown([result(wrong)], {}, began="now", quick=False)
    assert "| missed |" in markdown([result(missed)], {}, began="now", quick=False)


def test_a_report_is_a_table_a_json_file_and_the_plots_of_this_run_alone(tmp_path: Path) -> None:
    (tmp_path / "old.svg").write_text("")
    good = Check("rate", "75/s", "80/s", kept=True)
    text = write(tmp_path, [result(good)], {"cores": 2}, began="now", quick=True)
    assert "quick" in text
    assert "![Rates](rates.svg)" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "rates.svg",
        "results.json",
        "results.md",
    ]


def test_a_plot_is_well_formed_and_the_same_each_time() -> None:
    plot = result(Check("", "", "", kept=True)).plots[0]
    assert drawn(plot) == drawn(plot)
    root = ET.fromstring(drawn(plot))  # noqa: S314  # drawn right here
    assert len(root.findall("{*}polyline")) == 1
    assert ET.fromstring(drawn(replace(plot, lines=()))) is not None  # noqa: S314


def test_a_key_is_pressed_for_a_tenth_of_a_second_and_its_end_told_three_times(
    tmp_path: Path,
) -> None:
    write_key(tmp_path / "key.pcap", "#")
    data, at, events = (tmp_path / "key.pcap").read_bytes(), 24, []
    while at < len(data):
        seconds, micros, size, _ = struct.unpack_from("<IIII", data, at)
        events.append((seconds * 1_000_000 + micros, data[at + 16 + size - 4 : at + 16 + size]))
        at += 16 + size
    assert [when for when, _ in events] == [20_000 * number for number in range(8)]
    assert {event[0] for _, event in events} == {11}
    assert [event[1] >> 7 for _, event in events] == [0] * PRESSED_PACKETS + [1] * END_PACKETS
    assert int.from_bytes(events[-1][1][2:], "big") == 800


@pytest.mark.parametrize(("us", "shown"), [(12_349, "12.3 ms"), (-60, "-0.1 ms"), (None, "-")])
def test_microseconds_are_shown_as_milliseconds(us: int | None, shown: str) -> None:
    assert shown_ms(us) == shown


EXACT = Came(posted=0, pending=0, charged=9, findings=0)


def test_parallel_calls_are_exact_and_the_broken_hold_caught() -> None:
    assert parallel.compared(EXACT, replace(EXACT, posted=-100)).wrong == []
    assert len(parallel.compared(EXACT, EXACT).wrong) == 1


@pytest.mark.parametrize(
    "doctored", [{"posted": -1}, {"posted": 200}, {"pending": 1}, {"charged": 1}, {"findings": 1}]
)
def test_doctored_parallel_calls_are_wrong(doctored: dict[str, int]) -> None:
    came = replace(EXACT, **doctored)
    assert len(parallel.compared(came, replace(EXACT, posted=-100)).wrong) == 1


def test_an_early_cut_is_wrong_and_a_late_one_only_missed() -> None:
    right = cuts.judged([0, 40, 100], [1_990, 2_010])
    assert all(check.kept for check in right.checks)
    assert [check.must for check in cuts.judged([-1, 40], [2_000]).wrong] == [True]
    late = cuts.judged([40, 101], [2_501])
    assert late.wrong == []
    assert [check.kept for check in late.checks] == [True, False, False]


@pytest.mark.parametrize("round_", [(0, 0), (2, 2), (2, 1), (1, 2), (1, 0)])
def test_a_voucher_credited_or_told_not_once_is_wrong(round_: tuple[int, int]) -> None:
    assert vouchers.counted([(1, 1), (1, 1)]).wrong == []
    assert len(vouchers.counted([(1, 1), round_]).wrong) == 1


def test_one_charge_that_differs_is_wrong_and_so_are_cases_that_cost_nothing() -> None:
    assert rating.compared([100, 200], [100, 200], 1, 1).wrong == []
    assert len(rating.compared([100, 200], [100, 300], 1, 1).wrong) == 1
    assert len(rating.compared([0, 0], [0, 0], 1, 1).wrong) == 1


IDLE: Final = metering.Window(10, 0, (100, 200), {"ari_app": 100}, 100_000, 20, 40)
BUSY: Final = metering.Window(10, 20, (100, 10_200), {"ari_app": 500}, 101_000, 30, 90)


def test_many_calls_are_measured_over_the_idle_system() -> None:
    result = metering.judged(IDLE, BUSY, 20, 20, [])
    assert [check.found for check in result.checks[1:]] == ["10.0 ms", "50 kB"]
    assert all(check.kept for check in result.checks)
    slow = metering.judged(IDLE, replace(BUSY, lag_us=(20_201,), memory_kb=101_221), 20, 20, [])
    assert slow.wrong == []
    assert [check.kept for check in slow.checks] == [True, False, False]


@pytest.mark.parametrize(
    ("busy", "good", "findings"),
    [(replace(BUSY, calls=19), 20, []), (BUSY, 19, []), (BUSY, 20, ["a wallet is off"])],
)
def test_a_call_that_did_not_stay_in_its_talk_is_wrong(
    busy: metering.Window, good: int, findings: list[str]
) -> None:
    assert len(metering.judged(IDLE, busy, 20, good, findings).wrong) == 1


def test_the_lag_is_that_of_the_window_alone() -> None:
    assert metering.lags_us("1000 5\n2000 6\n3000 7\n", 1_500, 3_000) == (6, 7)


DONE: Final = switching.Switched(to_free=2, to_paid=2, top_ups=2, missed=0, calls=20, good=20)


def test_paid_time_that_the_record_does_not_prove_is_wrong() -> None:
    report = Report(compared=3, causes=Counter({Cause.CLOCK_STEP: 1}))
    assert switching.judged(DONE, report, []).wrong == []
    report = Report(compared=3, causes=Counter({Cause.UNEXPLAINED: 1}))
    assert len(switching.judged(DONE, report, []).wrong) == 1


def test_a_work_that_switched_nothing_proves_nothing() -> None:
    nothing = switching.Switched(0, 0, 0, 2, 20, 0)
    assert len(switching.judged(nothing, Report(compared=3), []).wrong) == 2


def test_each_press_of_a_willing_caller_is_a_press_of_its_own(tmp_path: Path) -> None:
    write_key(tmp_path / "one", "1", 1)
    write_key(tmp_path / "two", "1", 2)
    assert (tmp_path / "one").read_bytes() != (tmp_path / "two").read_bytes()
    assert sipp.willing_caller(15).count("play_pcap_audio") == 16


async def test_a_work_that_fails_leaves_the_others_their_results(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def failing(_room: Room) -> list[Result]:
        raise RuntimeError("no such thing")

    room = Room(tmp_path, tmp_path, tmp_path, quick=True)
    (result,) = await tried(("W3",), failing, room, most_seconds=5)
    assert [check.found for check in result.wrong] == ["RuntimeError: no such thing"]
    assert "no such thing" in capsys.readouterr().err


async def test_a_work_that_never_ends_is_ended(tmp_path: Path) -> None:
    async def endless(room: Room) -> list[Result]:
        await asyncio.sleep(3_600)
        raise AssertionError(room)

    room = Room(tmp_path, tmp_path, tmp_path, quick=True)
    (result,) = await tried(("W3",), endless, room, most_seconds=0)
    assert [check.found for check in result.wrong] == ["TimeoutError: "]


def packets(path: Path) -> list[tuple[int, bytes]]:
    data, at, found = path.read_bytes(), 24, []
    while at < len(data):
        seconds, micros, size, _ = struct.unpack_from("<IIII", data, at)
        assert micros < 1_000_000
        found.append((seconds * 1_000 + micros // 1_000, data[at + 16 + 42 : at + 16 + size]))
        at += 16 + size
    return found


def test_a_voice_is_a_packet_each_half_second_and_goes_on_after_a_key(tmp_path: Path) -> None:
    write_voice(tmp_path / "voice.pcap")
    write_key(tmp_path / "key.pcap", "1", then_speak=True)
    voice, key = packets(tmp_path / "voice.pcap"), packets(tmp_path / "key.pcap")
    assert [at_ms for at_ms, _ in voice[:3]] == [500, 1_000, 1_500]
    assert {packet[1] & 0x7F for _, packet in voice} == {8}
    numbers = [struct.unpack("!H", packet[2:4])[0] for _, packet in key]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(key) == len(voice) + PRESSED_PACKETS + END_PACKETS
