"""How replayed calls are shown: one step by step, many as sums and differences."""

from typing import Any

import typer

from billing.calls.explaining import Step, explain, explain_premium, explain_segments
from billing.calls.replay.reports import By, Line, ReplayReport, RepriceReport, Sum
from billing.calls.replay.rules import PARTS
from billing.calls.replay.values import Figures, PastCall, Replayed, Repriced
from billing.calls.rules import Arithmetic
from billing.money.values import Money
from primeline.commands.common import show_list, show_one

TITLES: dict[By, str] = {
    "all": "In all",
    "tariff": "By the tariff that was announced",
    "number": "By number",
    "expert": "By expert",
}


def show_call(done: Replayed, *, as_json: bool) -> None:
    """Show one call as it was: each figure recorded and replayed, and how it came about."""
    call = done.call
    recorded = _recorded(call)
    figures = [
        {
            "figure": name,
            "recorded": kept,
            "replayed": done.figures.get(name),
            "same": done.problem is None and kept == done.figures.get(name),
        }
        for name, kept in recorded.items()
    ]
    differences = [
        {
            "where": one.where,
            "figure": one.what,
            "recorded": one.recorded,
            "replayed": one.replayed,
        }
        for one in done.differences
    ]
    steps = _steps(_spoken(done.segments), done)
    if as_json:
        show_one(
            _head(call)
            | {
                "right": done.right,
                "problem": done.problem,
                "figures": figures,
                "differences": differences,
                "arithmetic": steps,
            },
            as_json=True,
        )
        return
    show_one(_head(call), as_json=False)
    if done.problem is None:
        show_list(figures, title="Recorded and replayed", as_json=False)
    if steps:
        show_list(steps, title="Replayed, step by step", as_json=False)
    if differences:
        show_list(differences, title="Differences", as_json=False)
    typer.echo(f"replay: {_verdict(done)}")


def _verdict(done: Replayed) -> str:
    if done.problem is not None:
        return f"can't be rated again: {done.problem}"
    return "as recorded" if done.right else f"{len(done.differences)} differences"


def show_repriced_call(done: Repriced, *, as_json: bool) -> None:
    """Show one call under other prices, step by step."""
    head = _head(done.call) | {"left_out": done.left_out, "cut_seconds": done.cut_seconds}
    parts = [
        {
            "part": part,
            "before": done.before[part],
            "after": done.after[part],
            "difference": done.after[part] - done.before[part],
        }
        for part in PARTS
        if done.before is not None and done.after is not None
    ]
    steps = _steps(_spoken(done.segments), None)
    if as_json:
        show_one(head | {"parts": parts, "arithmetic": steps}, as_json=True)
        return
    show_one(head, as_json=False)
    if done.left_out is not None:
        typer.echo(f"replay: left out, {done.left_out}")
        return
    show_list(parts, title="As charged, and under the other prices", as_json=False)
    if steps:
        show_list(steps, title="Under the other prices, step by step", as_json=False)
    else:
        typer.echo("replay: its tariff is the same")


def show_report(report: ReplayReport, *, as_json: bool) -> None:
    """Show a period as it was: counts, sums and every call with a difference."""
    counts = {
        "calls": report.calls,
        "right": report.right,
        "wrong": report.wrong,
        "without_a_price": report.unquoted,
        "premium_rate": report.premium,
        "still_open": report.open_calls,
    }
    sums = [
        {"figure": what, "currency": currency, **_before_after(one, currency)}
        for (what, currency), one in sorted(report.sums.items())
    ]
    listed = [line for one in report.differences for line in _wrong(one)]
    if as_json:
        show_one(counts | {"sums": sums, "differences": listed}, as_json=True)
        return
    show_one(counts, as_json=False)
    show_list(sums, title="Sums", as_json=False)
    if listed:
        show_list(listed, title="Differences", as_json=False)
    typer.echo(f"replay: {report.wrong} wrong" if report.wrong else "replay: all as recorded")


def _wrong(one: Replayed) -> list[dict[str, Any]]:
    head = {"call": one.call.call_id, "received": one.call.received_at}
    if one.problem is not None:
        unreadable = {"where": "call", "figure": "-", "recorded": None, "replayed": None}
        return [head | unreadable | {"problem": one.problem}]
    return [
        head
        | {
            "where": each.where,
            "figure": each.what,
            "recorded": each.recorded,
            "replayed": each.replayed,
            "problem": None,
        }
        for each in one.differences
    ]


def show_repriced(report: RepriceReport, *, as_json: bool) -> None:
    """Show a period under other prices: sums by tariff, number and expert, largest changes."""
    counts: dict[str, Any] = {
        "calls": report.calls,
        "under_other_prices": report.touched,
        "unchanged_tariff": report.untouched,
        "dearer": report.dearer,
        "cheaper": report.cheaper,
        "calls_cut_by_the_longest_talk": report.cut_calls,
        "seconds_cut": report.cut_seconds,
        "left_out": sum(report.left_out.values()),
        "still_open": report.open_calls,
    }
    reasons = {str(reason): number for reason, number in sorted(report.left_out.items())}
    largest = [_changed(one) for one in report.largest]
    if as_json:
        lines = [_line(key, line) | {"by": key[0]} for key, line in sorted(report.lines.items())]
        show_one(
            counts | {"left_out_why": reasons, "lines": lines, "largest": largest}, as_json=True
        )
        return
    show_one(counts | {f"left_out: {reason}": n for reason, n in reasons.items()}, as_json=False)
    for by, title in TITLES.items():
        rows = [_row(key, line) for key, line in sorted(report.lines.items()) if key[0] == by]
        if rows:
            show_list(rows, title=title, as_json=False)
    if largest:
        show_list(largest, title="Largest changes", as_json=False)


def _changed(one: Repriced) -> dict[str, Any]:
    assert one.before is not None  # it isn't left out
    assert one.after is not None  # the same
    return {
        "call": one.call.call_id,
        "received": one.call.received_at,
        "number": one.call.number,
        "expert": one.call.expert,
        "before": one.before["charge"],
        "after": one.after["charge"],
        "difference": one.difference,
    }


def _line(key: tuple[By, str, str], line: Line) -> dict[str, Any]:
    _, name, currency = key
    return {"key": name, "currency": currency, "calls": line.parts["charge"].calls} | {
        part: _before_after(line.parts[part], currency) for part in PARTS
    }


def _row(key: tuple[By, str, str], line: Line) -> dict[str, Any]:
    """Give a line short enough for a terminal: the charge in full, of the parts the difference."""
    by, name, currency = key

    def more(part: str) -> Money:
        return Money(line.parts[part].after - line.parts[part].before, currency)

    return {
        "all" if by == "all" else by: currency if by == "all" else name,
        "calls": line.parts["charge"].calls,
        "before": Money(line.parts["charge"].before, currency),
        "after": Money(line.parts["charge"].after, currency),
        "difference": more("charge"),
        "tax": more("tax"),
        "experts": more("expert"),
        "platform": more("platform"),
    }


def _before_after(one: Sum, currency: str) -> dict[str, Money]:
    return {
        "before": Money(one.before, currency),
        "after": Money(one.after, currency),
        "difference": Money(one.after - one.before, currency),
    }


def _head(call: PastCall) -> dict[str, Any]:
    names = " + ".join(dict.fromkeys(one.tariff_name for one in call.segments))
    return {
        "call": call.call_id,
        "received": call.received_at,
        "number": call.number,
        "expert": call.expert,
        "tariff": "premium rate" if call.premium else names or None,
    }


def _recorded(call: PastCall) -> Figures:
    return {**call.recorded, **(call.premium.recorded if call.premium else {})}


def _spoken(segments: tuple[Arithmetic, ...]) -> tuple[Arithmetic, ...]:
    """Leave out a last segment without talk where there were others."""
    return tuple(one for one in segments if one.talked_ms) or segments[-1:]


def _steps(segments: tuple[Arithmetic, ...], done: Replayed | None) -> list[dict[str, Any]]:
    steps: tuple[Step, ...] = ()
    if len(segments) > 1:
        steps = explain_segments(segments)
    elif segments:
        steps = explain(segments[0])
    elif done is not None and done.premium is not None and done.call.premium is not None:
        steps = explain_premium(done.call.premium.terms, done.premium)
    return [{"step": one.what, "how": one.sentence} for one in steps]
