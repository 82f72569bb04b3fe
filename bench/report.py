"""What is shown and kept of a bench: a table in markdown, all figures as JSON, the plots."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.svg import drawn
from bench.values import Check, Result, Table


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
        for plot in one.plots:
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
        for plot in one.plots:
            lines += ["", f"![{plot.title}]({plot.name}.svg)"]
    return "\n".join([*lines, ""])


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
