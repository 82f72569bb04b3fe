"""Plots made of a work's kept figures."""

from pathlib import Path
from typing import Any

from bench.report import plots, write
from bench.svg import DOTTED, drawn
from bench.values import Line, Plot, Result


def _step(rate: int, **cpu_us: int) -> dict[str, Any]:
    return {"rate": rate, "cpu_us_per_call": {"SIPp": 1, **cpu_us}}


def _result(work: str, **figures: Any) -> Result:
    return Result(work, "Title", "Method", (), figures=figures)


RATES = _result(
    "W1",
    half_load=_step(4, ari_app=132_812, asterisk=73_958, postgres=34_687),
    bare_half_load=_step(4, asterisk=34_375),
    # As the bench tries them: the middle last.
    steps=[
        _step(8, ari_app=100_499, asterisk=60_000, postgres=30_000),
        _step(6, ari_app=110_500, asterisk=61_000, postgres=31_000),
        # Beside the longer half load at the same rate it isn't drawn.
        _step(4, ari_app=150_000, asterisk=80_000, postgres=40_000),
    ],
)


def test_the_processor_time_of_a_call_is_drawn_by_part_and_rate_beside_the_bare_call() -> None:
    (plot,) = plots(RATES)
    assert plot.lines == (
        Line("application", [(4, 133), (6, 111), (8, 100)]),
        Line("Asterisk", [(4, 74), (6, 61), (8, 60)]),
        Line("PostgreSQL", [(4, 35), (6, 31), (8, 30)]),
        Line("Asterisk, bare call", [(4, 34)]),
    )


def test_cuts_are_drawn_by_how_many_came_no_later() -> None:
    (plot,) = plots(_result("W5", errors_ms=[40, 10, 20, 30], dead_errors_ms=[2_000]))
    assert plot.lines == (Line("application alive", [(25, 10), (50, 20), (75, 30), (100, 40)]),)


def test_a_work_that_did_not_come_to_its_end_has_no_plot() -> None:
    for work in ("W1", "W2", "W5", "W8"):
        assert plots(_result(work)) == ()


def test_settlements_are_drawn_beside_the_empty_commit() -> None:
    (plot,) = plots(_result("W2", settled_us=[40_400, 50_500], commit_us=[1_000, 2_000]))
    assert plot.name == "w2-settled"
    assert plot.lines == (
        Line("settled", [(50, 40), (100, 51)]),
        Line("empty commit", [(50, 1), (100, 2)]),
    )


def test_the_event_loops_lag_is_drawn_idle_and_metered() -> None:
    idle, metered = ({"lag_us_percentiles": [us, 2 * us]} for us in (1_000, 10_000))
    (plot,) = plots(_result("W8", idle=idle, metered=metered))
    assert plot.name == "w8-lag"
    assert plot.lines == (
        Line("metered", [(50, 10_000), (100, 20_000)]),
        Line("idle", [(50, 1_000), (100, 2_000)]),
    )


def test_a_system_that_was_not_watched_has_no_line() -> None:
    nothing = {"lag_us_percentiles": [None] * 100}
    assert plots(_result("W8", idle=nothing, metered=nothing)) == ()


def test_each_plot_is_written_and_shown_in_the_report(tmp_path: Path) -> None:
    shown = write(tmp_path, [RATES], {}, began="now", quick=False)
    assert "(w1-cpu.svg)" in shown
    assert "Asterisk, bare call" in (tmp_path / "w1-cpu.svg").read_text()


def test_a_line_of_many_points_is_drawn_without_dots() -> None:
    def picture(count: int) -> str:
        line = Line("line", [(place, place) for place in range(count)])
        return drawn(Plot("name", "Title", "across", "upward", (line,)))

    assert picture(DOTTED).count("<circle") == DOTTED
    assert "<circle" not in picture(DOTTED + 1)


def test_values_below_zero_alone_do_not_turn_the_axis_round() -> None:
    line = Line("early", [(50, -20), (100, -10)])
    places = drawn(Plot("name", "Title", "across", "upward", (line,))).split('points="')[1]
    first, second = (int(place.split(",")[1]) for place in places.split('"')[0].split())
    assert first > second
