"""What is shown and kept of a bench: a table in markdown, all figures as JSON, the plots.

A plot that the kept figures are enough for is made here of them, not by its work.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.svg import drawn
from bench.values import Check, Line, Plot, Result, Table

PROCESSES: Final = (
    ("ari_app", "application"),
    ("asterisk", "Asterisk"),
    ("postgres", "PostgreSQL"),
)
"""Whose processor time is drawn, and by which name."""


def write(
    folder: Path, results: Sequence[Result], machine: Mapping[str, Any], *, began: str, quick: bool
) -> str:
    """Write `results.md`, `results.json` and the plots; gives the markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    text = markdown(results, machine, began=began, quick=quick)
    (folder / "results.md").write_text(text)
    whole = {
        "began": began,
        "quick": quick,
        "machine": dict(machine),
        "works": {one.work: _as_json(one) for one in results},
    }
    (folder / "results.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    for one in results:
        for plot in plots(one):
            (folder / f"{plot.name}.svg").write_text(drawn(plot))
    return text


def markdown(
    results: Sequence[Result], machine: Mapping[str, Any], *, began: str, quick: bool
) -> str:
    """Give the whole report."""
    lines = [f"# Bench of {began}{' (quick: for the harness only)' if quick else ''}", ""]
    lines += [" · ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items())]
    lines += ["", "| work | wanted | | found | |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {one.work} | {check.what} | {check.wanted} | {check.found} | {_verdict(check)} |"
        for one in results
        for check in one.checks
    ]
    for one in results:
        lines += ["", f"## {one.work}: {one.title}", "", one.method]
        for table in one.tables:
            lines += ["", *_table(table)]
        for plot in plots(one):
            lines += ["", f"![{plot.title}]({plot.name}.svg)"]
    return "\n".join([*lines, ""])


def plots(one: Result) -> tuple[Plot, ...]:
    """Give the plots that the work made and those of its figures."""
    figures = one.figures
    return (
        *one.plots,
        *_cpu_plot(figures),
        *_settled_plot(figures),
        *_cut_plot(figures),
        *_lag_plot(figures),
    )


def _cpu_plot(figures: Mapping[str, Any]) -> tuple[Plot, ...]:
    """Draw W1's processor time a call, part by part; the bare call's at the one rate of both."""
    if "half_load" not in figures:
        return ()
    # Half of the top rate was played for longer than a step at the same rate.
    by_rate = {int(step["rate"]): step for step in (*figures["steps"], figures["half_load"])}
    paid = [by_rate[rate] for rate in sorted(by_rate)]
    lines = [Line(shown, _cpu_ms(paid, name)) for name, shown in PROCESSES]
    lines.append(Line("Asterisk, bare call", _cpu_ms([figures["bare_half_load"]], "asterisk")))
    return (
        Plot(
            "w1-cpu",
            "Processor time of a paid call",
            "calls a second, wanted",
            "ms a call",
            tuple(line for line in lines if line.points),
        ),
    )


def _cpu_ms(steps: Sequence[Mapping[str, Any]], process: str) -> list[tuple[int, int]]:
    return [
        (step["rate"], (step["cpu_us_per_call"][process] + 500) // 1_000)
        for step in steps
        if process in step["cpu_us_per_call"]
    ]


def _cut_plot(figures: Mapping[str, Any]) -> tuple[Plot, ...]:
    """Draw how late W5's cuts came: so many of a hundred came no later than that."""
    if not figures.get("errors_ms"):
        return ()
    return (
        Plot(
            "w5-cuts",
            "How late the cut came",
            "% of the cuts came no later",
            "ms late, at the worse of the two phones",
            (Line("application alive", _shares(figures["errors_ms"])),),
        ),
    )


def _settled_plot(figures: Mapping[str, Any]) -> tuple[Plot, ...]:
    """Draw W2's waits beside those of the empty commit."""
    if not figures.get("settled_us"):
        return ()
    kinds = (("settled", "settled_us"), ("empty commit", "commit_us"))
    return (
        Plot(
            "w2-settled",
            "From the hang-up to the settled row",
            "% took no longer",
            "ms",
            tuple(Line(name, _shares(_in_ms(figures[key]))) for name, key in kinds),
        ),
    )


def _lag_plot(figures: Mapping[str, Any]) -> tuple[Plot, ...]:
    """Draw how late W8's event loop woke a sleeper, idle and with all calls in their talk."""
    kinds = [name for name in ("metered", "idle") if name in figures]
    lines = [
        Line(name, _shares(figures[name]["lag_us_percentiles"]))
        for name in kinds
        if None not in figures[name]["lag_us_percentiles"]
    ]
    if not lines:
        return ()
    return (
        Plot(
            "w8-lag",
            "How late the event loop woke a sleeper",
            "% of the wake-ups came no later",
            "µs late",
            tuple(lines),
        ),
    )


def _in_ms(values_us: Sequence[int]) -> list[int]:
    return [(us + 500) // 1_000 for us in values_us]


def _shares(values: Sequence[int]) -> list[tuple[int, int]]:
    """Give points: so many percent of the values are at most so large."""
    return [
        (100 * place // len(values), value) for place, value in enumerate(sorted(values), start=1)
    ]


def _verdict(check: Check) -> str:
    if check.kept:
        return "kept"
    return "**WRONG**" if check.must else "missed"


def _table(table: Table) -> list[str]:
    rule = " | ".join("---" for _ in table.columns)
    rows = [f"| {' | '.join(row)} |" for row in (table.columns, *table.rows)]
    return [f"**{table.heading}**", "", rows[0], f"| {rule} |", *rows[1:]]


def _as_json(one: Result) -> dict[str, Any]:
    return {
        "title": one.title,
        "method": one.method,
        "checks": [
            {
                "what": check.what,
                "wanted": check.wanted,
                "found": check.found,
                "kept": check.kept,
                "must": check.must,
            }
            for check in one.checks
        ],
        "figures": dict(one.figures),
    }
