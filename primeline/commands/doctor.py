"""`primeline doctor`: what is wrong with this installation, and what to do."""

import asyncio
import json
import logging

import structlog
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from billing.kit.errors import PrimelineError
from billing.kit.settings import Settings
from primeline.commands.common import JsonOption
from primeline.doctor import machine
from primeline.doctor.examination import examine
from primeline.doctor.findings import Finding, Level, wrong
from primeline.running import find_whole_settings

COLOURS = {Level.OK: "green", Level.SKIPPED: "dim", Level.WARNING: "yellow", Level.WRONG: "red"}


def doctor(as_json: JsonOption = False) -> None:
    """Say what is wrong with this installation and what to do; status 1 if anything is.

    Nothing is changed. Parts may be down: that is when this is used.
    """
    # What the checks come upon is said by their findings.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    findings = _findings()
    if as_json:
        rows = [
            {"check": f.check, "level": str(f.level), "sentence": f.sentence, "remedy": f.remedy}
            for f in findings
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False))
    else:
        _show(findings)
    if any(one.level is Level.WRONG for one in findings):
        raise typer.Exit(1)


def _findings() -> list[Finding]:
    try:
        settings: Settings = find_whole_settings()
    except PrimelineError as error:
        remedy = "docs/reference/settings.md names each setting."
        return [*machine.python(), wrong("settings", error.sentence, remedy)]
    return asyncio.run(examine(settings))


def _show(findings: list[Finding]) -> None:
    table = Table(box=box.SIMPLE, padding=0, pad_edge=False)
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("what was found, and what to do", overflow="fold")
    for one in findings:
        said = one.sentence + (f"\n→ {one.remedy}" if one.remedy else "")
        table.add_row(one.check, f"[{COLOURS[one.level]}]{one.level}[/]", _plain(said))
    Console(highlight=False).print(table)


def _plain(text: str) -> str:
    return text.replace("[", "\\[")
